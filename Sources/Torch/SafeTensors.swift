import CZlib
import Foundation

/// The safetensors format: named tensors in one file, mapped rather than read.
///
/// What is written here carries a CRC-32 of the header and of each tensor in its metadata, so that a changed
/// bit is refused; apart from that the bytes are those of Python's writer.
public enum SafeTensors {
  /// The tensors of a file in the order of their bytes, and its metadata.
  public struct Contents {
    public let tensors: [(name: String, tensor: Tensor)]
    public let metadata: [String: String]

    /// A tensor by name.
    public subscript(_ name: String) -> Tensor? { tensors.first { $0.name == name }?.tensor }
  }

  fileprivate static let formatKey = "format"
  fileprivate static let format = "crossmodal"
  fileprivate static let headerKey = "crc32"
  fileprivate static let tensorPrefix = "crc32."
  /// Longest header that is read, as in the reference implementation.
  fileprivate static let longestHeader = 100_000_000
}

/// A file that is not what it should be, or not what was written.
public struct SafeTensorsError: LocalizedError, Equatable {
  public let path: String
  public let reason: String

  public var errorDescription: String? { "\(path): \(reason)" }
}

// MARK: - Reading

extension SafeTensors {
  /// Maps a file; elements are read from the disk when they are used.
  ///
  /// - Parameter checked: compare checksums where the file carries them, which reads every byte once.
  /// - Throws: ``SafeTensorsError`` when header or checksums are not right, ``FileError`` when the file cannot be read.
  public static func read(_ path: String, checked: Bool = true) throws -> Contents {
    let file = try MappedFile(path)
    let refuse = { (reason: String) in SafeTensorsError(path: path, reason: reason) }
    guard file.bytes.count >= 8 else {
      throw refuse("is no safetensors file: shorter than its first 8 bytes")
    }
    let length = file.bytes.loadUnaligned(as: UInt64.self).littleEndian
    guard length <= longestHeader, Int(length) <= file.bytes.count - 8 else {
      throw refuse(
        "is no whole safetensors file: a header of \(length) bytes in a file of \(file.bytes.count)")
    }
    let header = file.bytes[8..<8 + Int(length)]
    let data = file.bytes[(8 + Int(length))...]
    let entries = try Header(UnsafeRawBufferPointer(rebasing: header), dataCount: data.count, refuse)
    if checked { try check(entries, file.bytes, headerCount: Int(length), refuse) }
    let tensors = try entries.tensors.map { entry in
      let bytes = UnsafeRawBufferPointer(
        rebasing: data[
          (data.startIndex + entry.range.lowerBound)..<(data.startIndex + entry.range.upperBound)])
      let aligned = UInt(bitPattern: bytes.baseAddress).isMultiple(of: UInt(entry.dtype.size))
      let tensor =
        aligned
        ? try Tensor(sharing: bytes, owner: file, shape: entry.shape, dtype: entry.dtype)
        : try Tensor(bytes: bytes, shape: entry.shape, dtype: entry.dtype)
      return (name: entry.name, tensor: tensor)
    }
    return Contents(tensors: tensors, metadata: entries.metadata)
  }

  /// Checksums of a file that was written here; others have none.
  private static func check(
    _ header: Header, _ bytes: UnsafeRawBufferPointer, headerCount: Int,
    _ refuse: (String) -> SafeTensorsError
  ) throws {
    let metadata = header.metadata
    let marks = metadata.keys.filter { $0 == headerKey || $0.hasPrefix(tensorPrefix) }
    guard metadata[formatKey] == format || !marks.isEmpty else { return }
    guard metadata[formatKey] == format, let recorded = metadata[headerKey] else {
      throw refuse("was changed after it was written: its checksums are not complete")
    }
    var head = Data(bytes[0..<8 + headerCount])
    let mark = Data("\"\(headerKey)\":\"\(recorded)\"".utf8)
    guard let place = head.range(of: mark) else { throw refuse("was changed after it was written") }
    head.replaceSubrange(place, with: Data("\"\(headerKey)\":\"00000000\"".utf8))
    guard Checksum.text(of: head) == recorded else {
      throw refuse("was changed after it was written: the header does not match its checksum")
    }
    for entry in header.tensors {
      let part = UnsafeRawBufferPointer(
        rebasing: bytes[
          (8 + headerCount + entry.range.lowerBound)..<(8 + headerCount + entry.range.upperBound)])
      guard Checksum.text(of: part) == metadata[tensorPrefix + entry.name] else {
        throw refuse(
          "tensor '\(entry.name)' was changed after it was written: it does not match its checksum")
      }
    }
  }
}

/// A parsed header whose every range lies within the file and fits its shape.
private struct Header {
  struct Entry {
    let name: String
    let dtype: DataType
    let shape: [Int]
    let range: Range<Int>
  }

  let tensors: [Entry]
  let metadata: [String: String]

  init(_ bytes: UnsafeRawBufferPointer, dataCount: Int, _ refuse: (String) -> SafeTensorsError) throws {
    guard let parsed = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any] else {
      throw refuse("is no safetensors file: the header is not a JSON object")
    }
    var metadata: [String: String] = [:]
    var tensors: [Entry] = []
    for (name, value) in parsed {
      if name == "__metadata__" {
        guard let texts = value as? [String: String] else {
          throw refuse("'__metadata__' is not an object of texts")
        }
        metadata = texts
      } else {
        tensors.append(try Header.entry(name, value, dataCount: dataCount, refuse))
      }
    }
    tensors.sort {
      ($0.range.lowerBound, $0.range.upperBound, $0.name) < (
        $1.range.lowerBound, $1.range.upperBound, $1.name
      )
    }
    var end = 0
    for entry in tensors {
      guard entry.range.lowerBound == end else {
        throw refuse("tensor '\(entry.name)' starts at byte \(entry.range.lowerBound), expected \(end)")
      }
      end = entry.range.upperBound
    }
    guard end == dataCount else {
      throw refuse("holds \(dataCount) bytes of data, the header describes \(end)")
    }
    self.tensors = tensors
    self.metadata = metadata
  }

  private static func entry(
    _ name: String, _ value: Any, dataCount: Int, _ refuse: (String) -> SafeTensorsError
  ) throws -> Entry {
    guard let fields = value as? [String: Any], Set(fields.keys) == ["dtype", "shape", "data_offsets"],
      let shape = whole(fields["shape"]), let offsets = whole(fields["data_offsets"]), offsets.count == 2
    else { throw refuse("tensor '\(name)': expected dtype, shape and data_offsets") }
    guard let dtype = (fields["dtype"] as? String).flatMap(DataType.init(safeTensors:)) else {
      throw refuse("tensor '\(name)' is of the unknown type \(fields["dtype"] ?? "nil")")
    }
    guard offsets[0] <= offsets[1], offsets[1] <= dataCount else {
      throw refuse("tensor '\(name)' lies at bytes \(offsets[0]) to \(offsets[1]) of \(dataCount)")
    }
    let needed = shape.reduce(Optional(dtype.size)) { product, size in
      product.flatMap { product in
        let (result, overflow) = product.multipliedReportingOverflow(by: size)
        return overflow ? nil : result
      }
    }
    guard needed == offsets[1] - offsets[0] else {
      throw refuse("tensor '\(name)' of shape \(shape) does not fill its \(offsets[1] - offsets[0]) bytes")
    }
    return Entry(name: name, dtype: dtype, shape: shape, range: offsets[0]..<offsets[1])
  }

  /// A list of whole numbers that are not negative.
  private static func whole(_ value: Any?) -> [Int]? {
    guard let numbers = value as? [NSNumber] else { return nil }
    let all = numbers.compactMap { number in
      String(cString: number.objCType) == "c"
        ? nil : Int(exactly: number.doubleValue).map { _ in number.intValue }
    }
    return all.count == numbers.count && all.allSatisfy { $0 >= 0 } ? all : nil
  }
}

// MARK: - Writing

extension SafeTensors {
  /// Writes tensors to a file that appears when it is complete.
  ///
  /// - Throws: ``SafeTensorsError`` for a name that occurs twice or that the format does not allow; ``FileError``.
  public static func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:], to path: String
  ) throws {
    let sorted = tensors.sorted { ($1.tensor.dtype.size, $0.name) < ($0.tensor.dtype.size, $1.name) }
    let names = sorted.map(\.name)
    guard Set(names).count == names.count, !names.contains("__metadata__") else {
      throw SafeTensorsError(path: path, reason: "tensor names must differ, and none may be __metadata__")
    }
    var metadata = metadata
    metadata[formatKey] = format
    metadata[headerKey] = "00000000"
    var ranges: [Range<Int>] = []
    var end = 0
    for (name, tensor) in sorted {
      metadata[tensorPrefix + name] = Checksum.text(of: Data(try tensor.bytes()))
      ranges.append(end..<end + tensor.count * tensor.dtype.size)
      end = ranges[ranges.count - 1].upperBound
    }
    var head = try header(sorted, ranges, metadata)
    let mark = Data("\"\(headerKey)\":\"00000000\"".utf8)
    if let place = head.range(of: mark) {
      head.replaceSubrange(place, with: Data("\"\(headerKey)\":\"\(Checksum.text(of: head))\"".utf8))
    }
    try AtomicFile.write(to: path) { append in
      try append(head)
      for (_, tensor) in sorted { try append(Data(try tensor.bytes())) }
    }
  }

  /// Length and header: compact JSON, metadata first, padded with spaces to a multiple of 8.
  private static func header(
    _ tensors: [(name: String, tensor: Tensor)], _ ranges: [Range<Int>], _ metadata: [String: String]
  ) throws -> Data {
    let quoted = { (text: String) in
      String(
        decoding: try JSONSerialization.data(
          withJSONObject: text, options: [.fragmentsAllowed, .withoutEscapingSlashes]), as: UTF8.self)
    }
    let texts = try metadata.sorted { $0.key < $1.key }.map { try "\(quoted($0.key)):\(quoted($0.value))" }
    var parts = ["\"__metadata__\":{\(texts.joined(separator: ","))}"]
    for ((name, tensor), range) in zip(tensors, ranges) {
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      parts.append(
        "\(try quoted(name)):{\"dtype\":\"\(tensor.dtype.safeTensorsName)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(range.lowerBound),\(range.upperBound)]}")
    }
    var text = "{\(parts.joined(separator: ","))}"
    text += String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
    return withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Data($0) } + Data(text.utf8)
  }
}

/// CRC-32 as zip and PNG use it, in eight hexadecimal digits.
enum Checksum {
  static func text(of data: Data) -> String { data.withUnsafeBytes { text(of: $0) } }

  static func text(of bytes: UnsafeRawBufferPointer) -> String {
    let checksum = crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    let digits = String(checksum, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}

extension DataType {
  private static let safeTensorsNames: [DataType: String] = [
    .bool: "BOOL", .uint8: "U8", .int8: "I8", .int16: "I16", .uint16: "U16", .float16: "F16",
    .bfloat16: "BF16",
    .int32: "I32", .uint32: "U32", .float32: "F32", .int64: "I64", .uint64: "U64", .float64: "F64",
  ]

  var safeTensorsName: String { DataType.safeTensorsNames[self] ?? "" }

  init?(safeTensors name: String) {
    guard let found = DataType.safeTensorsNames.first(where: { $0.value == name }) else { return nil }
    self = found.key
  }
}
