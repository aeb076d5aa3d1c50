import Foundation
import Torch

/// Arrays of NumPy's .npy format, versions 1 to 3, mapped into memory.
///
/// The header is read strictly: exactly the keys descr, fortran_order and shape, and a file of exactly the
/// size they say. Fortran order is honoured; numbers in the other byte order are copied; unsigned numbers of
/// 16 bits and more become the next larger signed type.
enum NPYReader {
  static let signature: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]

  static func open(_ url: URL, limits: Limits) throws -> any ArraySource {
    let file = try InputFile(url)
    return TensorArray(
      try tensor(in: file.bytes, owner: file.mapping, name: file.name, limits: limits), name: file.name)
  }

  /// The array that `bytes`, kept alive by `owner`, hold from their first to their last byte.
  static func tensor(
    in bytes: UnsafeRawBufferPointer, owner: AnyObject, name: String, limits: Limits
  ) throws -> Tensor {
    func bad(_ reason: String) -> DataError { .malformed(file: name, reason: reason) }
    guard bytes.count >= 10, bytes.prefix(6).elementsEqual(signature) else {
      throw bad("is no .npy file: it does not start with the bytes of one")
    }
    let lengthBytes = bytes[6] == 1 ? 2 : 4
    guard (1...3).contains(bytes[6]), bytes.count >= 8 + lengthBytes else {
      throw bad("is of .npy version \(bytes[6]).\(bytes[7]); 1 to 3 are known")
    }
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    let start = 8 + lengthBytes + length
    guard length <= limits.headerBytes, start <= bytes.count else {
      throw bad("has a header of \(length) bytes, more than the file holds or the limit allows")
    }
    let text = String(decoding: bytes[8 + lengthBytes..<start], as: UTF8.self)
    let header = try NPYHeader(text, file: name, limits: limits)

    var needed = header.type.size
    for size in header.shape {
      let (product, overflow) = needed.multipliedReportingOverflow(by: size)
      guard !overflow else { throw bad("has the impossible shape \(header.shape)") }
      needed = product
    }
    guard needed == bytes.count - start else {
      throw bad(
        "shape \(header.shape) of \(header.type) takes \(needed) bytes, but \(bytes.count - start) follow the "
          + "header" + (needed > bytes.count - start ? "; the file is cut short" : ""))
    }
    let data = UnsafeRawBufferPointer(rebasing: bytes[start...])
    return try header.tensor(over: data, owner: owner)
  }
}

/// The header of a .npy file: a dictionary as Python writes it.
struct NPYHeader {
  var type: DataType = .float32
  var isSwapped = false
  var isFortran = false
  var shape: [Int] = []

  init(_ text: String, file: String, limits: Limits) throws(DataError) {
    var scanner = Scanner(text: Array(text.utf8))
    var seen: Set<String> = []
    func bad(_ reason: String) -> DataError { .malformed(file: file, place: "header", reason: reason) }
    guard scanner.take("{") else { throw bad("does not start with '{'") }
    while !scanner.take("}") {
      guard let key = scanner.string(), scanner.take(":") else { throw bad("a key is not readable") }
      guard seen.insert(key).inserted else { throw bad("has the key '\(key)' twice") }
      switch key {
      case "descr":
        guard let descriptor = scanner.string() else {
          throw .unsupported(file: file, reason: "holds records of several fields, not an array of numbers")
        }
        (type, isSwapped) = try NPYHeader.type(descriptor, file: file)
      case "fortran_order":
        if scanner.take("True") {
          isFortran = true
        } else if !scanner.take("False") {
          throw bad("'fortran_order' is neither True nor False")
        }
      case "shape":
        guard let sizes = scanner.sizes() else { throw bad("'shape' is no tuple of sizes") }
        guard sizes.count <= limits.dimensions else {
          throw .tooLarge(
            file: file, what: "the number of dimensions", size: sizes.count, limit: limits.dimensions)
        }
        shape = sizes
      default: throw bad("has the unknown key '\(key.prefix(40))'")
      }
      _ = scanner.take(",")
    }
    guard seen.count == 3 else { throw bad("lacks one of descr, fortran_order, shape") }
    guard scanner.isAtEnd else { throw bad("goes on after '}'") }
  }

  private static func type(_ text: String, file: String) throws(DataError) -> (DataType, Bool) {
    let order = text.first
    let code = order.map { "<>|=".contains($0) } == true ? String(text.dropFirst()) : text
    let types: [String: DataType] = [
      "f2": .float16, "f4": .float32, "f8": .float64, "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64,
      "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64, "b1": .bool,
    ]
    guard let type = types[code] else {
      let what =
        switch code.first {
        case "O": "Python objects ('\(text)'), which are not read because they could run code"
        case "U", "S", "a": "strings ('\(text)'); give texts as .txt or .jsonl"
        case "c": "complex numbers ('\(text)')"
        default: "numbers of the unknown type '\(text.prefix(40))'"
        }
      throw .unsupported(file: file, reason: "holds \(what)")
    }
    return (type, order == ">" && type.size > 1)
  }

  /// The numbers in `data`, whose size fits.
  func tensor(over data: UnsafeRawBufferPointer, owner: AnyObject) throws -> Tensor {
    let stored = isFortran ? Array(shape.reversed()) : shape
    let isAligned = data.baseAddress.map { Int(bitPattern: $0) % type.size == 0 } ?? true
    var tensor: Tensor
    if type == .bool {
      // Bytes other than 0 and 1 are no Bool.
      let bytes = try Tensor(sharing: data, owner: owner, shape: stored, dtype: .uint8)
      tensor = (try bytes .!= 0)
    } else if isSwapped {
      tensor = try NPYHeader.swapped(data, shape: stored, type)
    } else if isAligned {
      tensor = try Tensor(sharing: data, owner: owner, shape: stored, dtype: type)
    } else {
      tensor = try Tensor(bytes: data, shape: stored, dtype: type)
    }
    if let signed = type.nextSigned { tensor = try tensor.to(signed) }
    return isFortran ? try tensor.permuted(to: (0..<shape.count).reversed()) : tensor
  }

  /// A copy with the bytes of each number in reverse.
  static func swapped(_ data: UnsafeRawBufferPointer, shape: [Int], _ type: DataType) throws -> Tensor {
    let bytes = try Tensor(bytes: data, shape: [data.count / type.size, type.size], dtype: .uint8)
    return try bytes.reversed(along: 1).contiguous().withUnsafeBytes {
      try Tensor(bytes: $0, shape: shape, dtype: type)
    }
  }

  /// Reads the few forms of Python literals that a header is made of.
  private struct Scanner {
    let text: [UInt8]
    var at = 0

    mutating func skipBlanks() {
      while at < text.count, [0x20, 0x0A, 0x09, 0x0D, 0].contains(text[at]) { at += 1 }
    }

    var isAtEnd: Bool {
      mutating get {
        skipBlanks()
        return at == text.count
      }
    }

    mutating func take(_ token: String) -> Bool {
      skipBlanks()
      guard text[at...].starts(with: token.utf8) else { return false }
      at += token.utf8.count
      return true
    }

    mutating func string() -> String? {
      skipBlanks()
      guard at < text.count, text[at] == UInt8(ascii: "'") || text[at] == UInt8(ascii: "\""),
        let end = text[(at + 1)...].firstIndex(of: text[at])
      else { return nil }
      defer { at = end + 1 }
      return String(decoding: text[at + 1..<end], as: UTF8.self)
    }

    mutating func sizes() -> [Int]? {
      guard take("(") else { return nil }
      var sizes: [Int] = []
      while !take(")") {
        skipBlanks()
        let digits = text[at...].prefix { (0x30...0x39).contains($0) }
        guard let size = Int(String(decoding: digits, as: UTF8.self)) else { return nil }
        sizes.append(size)
        at += digits.count
        _ = take("L")
        let hadComma = take(",")
        guard hadComma || text[at...].first == UInt8(ascii: ")") || sizes.isEmpty else { return nil }
      }
      return sizes
    }
  }
}

extension DataType {
  /// The signed type that libtorch calculates with in place of a wide unsigned one.
  var nextSigned: DataType? {
    switch self {
    case .uint16: .int32
    case .uint32, .uint64: .int64
    default: nil
    }
  }
}
