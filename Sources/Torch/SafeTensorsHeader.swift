/// The header of a safetensors file: what lies where.
///
/// Reading is strict: only the objects, texts and whole numbers that the format has, nothing twice, nothing
/// left over, and every range must lie within the file, fit its shape and follow the one before without a gap.
struct SafeTensorsHeader {
  struct Entry {
    let name: String
    let dtype: DataType
    let shape: [Int]
    /// Bytes of the data section.
    let range: Range<Int>
  }

  /// In the order of their bytes.
  let tensors: [Entry]
  let metadata: [String: String]

  static let metadataKey = "__metadata__"

  /// - Parameters:
  ///   - bytes: the header without its length.
  ///   - dataCount: bytes behind the header.
  /// - Throws: ``SafeTensorsError`` for `path` when anything is not as the format has it.
  init(_ bytes: UnsafeRawBufferPointer, dataCount: Int, path: String) throws(SafeTensorsError) {
    var scanner = HeaderScanner(bytes: bytes, path: path)
    var tensors: [Entry] = []
    var metadata: [String: String]?
    var names: Set<String> = []
    try scanner.object { name, scanner throws(SafeTensorsError) in
      guard names.insert(name).inserted else { throw scanner.error("'\(name)' occurs twice") }
      if name == SafeTensorsHeader.metadataKey {
        metadata = try scanner.texts()
      } else {
        tensors.append(try SafeTensorsHeader.entry(name, &scanner, dataCount: dataCount))
      }
    }
    try scanner.end()
    tensors.sort {
      ($0.range.lowerBound, $0.range.upperBound, $0.name)
        < ($1.range.lowerBound, $1.range.upperBound, $1.name)
    }
    var end = 0
    for entry in tensors {
      guard entry.range.lowerBound == end else {
        throw scanner.error(
          "tensor '\(entry.name)' starts at byte \(entry.range.lowerBound) of the data, expected \(end)")
      }
      end = entry.range.upperBound
    }
    guard end == dataCount else {
      throw scanner.error("the header describes \(end) bytes of data, the file holds \(dataCount)")
    }
    self.tensors = tensors
    self.metadata = metadata ?? [:]
  }

  private static func entry(
    _ name: String, _ scanner: inout HeaderScanner, dataCount: Int
  ) throws(SafeTensorsError) -> Entry {
    var type: String?
    var shape: [Int]?
    var offsets: [Int]?
    try scanner.object { field, scanner throws(SafeTensorsError) in
      switch field {
      case "dtype" where type == nil: type = try scanner.text()
      case "shape" where shape == nil: shape = try scanner.numbers()
      case "data_offsets" where offsets == nil: offsets = try scanner.numbers()
      default:
        throw scanner.error("tensor '\(name)': '\(field)' is not expected, or occurs twice")
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2 else {
      throw scanner.error("tensor '\(name)': expected dtype, shape and two data_offsets")
    }
    guard let dtype = DataType(safeTensors: type) else {
      throw scanner.error("tensor '\(name)' is of the type '\(type)', which cannot be read")
    }
    guard offsets[0] <= offsets[1], offsets[1] <= dataCount else {
      throw scanner.error(
        "tensor '\(name)' lies at bytes \(offsets[0]) to \(offsets[1]) of \(dataCount)")
    }
    let needed = shape.reduce(Optional(dtype.size)) { product, size in
      product.flatMap { product in
        let (result, overflow) = product.multipliedReportingOverflow(by: size)
        return overflow ? nil : result
      }
    }
    guard needed == offsets[1] - offsets[0] else {
      throw scanner.error(
        "tensor '\(name)' of shape \(shape) does not fill its \(offsets[1] - offsets[0]) bytes")
    }
    return Entry(name: name, dtype: dtype, shape: shape, range: offsets[0]..<offsets[1])
  }
}

// MARK: - Scanning

/// Takes JSON apart, as far as a header has it.
private struct HeaderScanner {
  let bytes: UnsafeRawBufferPointer
  let path: String
  private var place = 0

  init(bytes: UnsafeRawBufferPointer, path: String) {
    self.bytes = bytes
    self.path = path
  }

  func error(_ reason: String) -> SafeTensorsError { SafeTensorsError(path: path, reason: reason) }

  private func malformed(_ expected: String) -> SafeTensorsError {
    error("the header is malformed at byte \(place): expected \(expected)")
  }

  private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  private mutating func skipSpaces() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { place += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(SafeTensorsError) {
    guard take(character) else { throw malformed("'\(character)'") }
  }

  /// An object; `member` is called with each key and reads its value. The header itself starts at its first byte.
  mutating func object(
    _ member: (String, inout HeaderScanner) throws(SafeTensorsError) -> Void
  ) throws(SafeTensorsError) {
    if place > 0 { skipSpaces() }
    try expect("{")
    skipSpaces()
    if take("}") { return }
    repeat {
      let key = try text()
      skipSpaces()
      try expect(":")
      try member(key, &self)
      skipSpaces()
    } while take(",")
    try expect("}")
  }

  /// An object of texts, each key once.
  mutating func texts() throws(SafeTensorsError) -> [String: String] {
    var texts: [String: String] = [:]
    try object { key, scanner throws(SafeTensorsError) in
      let text = try scanner.text()
      guard texts.updateValue(text, forKey: key) == nil else {
        throw scanner.error("'\(key)' occurs twice in the metadata")
      }
    }
    return texts
  }

  /// A list of whole numbers that are not negative.
  mutating func numbers() throws(SafeTensorsError) -> [Int] {
    skipSpaces()
    try expect("[")
    skipSpaces()
    if take("]") { return [] }
    var numbers: [Int] = []
    repeat {
      skipSpaces()
      numbers.append(try number())
      skipSpaces()
    } while take(",")
    try expect("]")
    return numbers
  }

  private mutating func number() throws(SafeTensorsError) -> Int {
    let start = place
    var number = 0
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      let (product, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
      guard !overflow, !carry else { throw malformed("a number of less than 64 bits") }
      number = sum
      place += 1
    }
    guard place > start, place == start + 1 || bytes[start] != UInt8(ascii: "0") else {
      throw malformed("a whole number")
    }
    return number
  }

  mutating func text() throws(SafeTensorsError) -> String {
    skipSpaces()
    try expect("\"")
    var content: [UInt8] = []
    while let byte = next {
      place += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else { throw malformed("UTF-8") }
        return text
      case UInt8(ascii: "\\"):
        content.append(contentsOf: String(try escaped()).utf8)
      case 0..<0x20:
        throw malformed("no control characters in a text")
      default:
        content.append(byte)
      }
    }
    throw malformed("the end of a text")
  }

  private mutating func escaped() throws(SafeTensorsError) -> Character {
    guard let byte = next else { throw malformed("a character") }
    place += 1
    switch Unicode.Scalar(byte) {
    case "\"": return "\""
    case "\\": return "\\"
    case "/": return "/"
    case "b": return "\u{8}"
    case "f": return "\u{C}"
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "u":
      let unit = try hexadecimal()
      guard (0xD800...0xDBFF).contains(unit) else {
        guard let scalar = Unicode.Scalar(unit) else { throw malformed("a character") }
        return Character(scalar)
      }
      guard take("\\"), take("u") else { throw malformed("the second half of a character") }
      let second = try hexadecimal()
      guard (0xDC00...0xDFFF).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (second - 0xDC00))
      else { throw malformed("the second half of a character") }
      return Character(scalar)
    default: throw malformed("an escaped character")
    }
  }

  private mutating func hexadecimal() throws(SafeTensorsError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw malformed("four hexadecimal digits")
      }
      unit = unit << 4 + UInt32(digit)
      place += 1
    }
    return unit
  }

  /// Nothing but spaces may follow.
  mutating func end() throws(SafeTensorsError) {
    while next == 0x20 { place += 1 }
    guard place == bytes.count else { throw malformed("the end of the header") }
  }
}

// MARK: - Writing

extension SafeTensorsHeader {
  /// Length and header as Python's writer has them: compact JSON, metadata first, padded with spaces to a
  /// multiple of 8.
  static func bytes(of entries: [Entry], metadata: [String: String]) -> [UInt8] {
    var text = "{"
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
      text += "\(quoted(metadataKey)):{\(texts.joined(separator: ","))}"
    }
    for entry in entries {
      if text.utf8.count > 1 { text += "," }
      let shape = entry.shape.map(String.init).joined(separator: ",")
      text +=
        "\(quoted(entry.name)):{\"dtype\":\"\(entry.dtype.safeTensorsName)\",\"shape\":[\(shape)],"
        + "\"data_offsets\":[\(entry.range.lowerBound),\(entry.range.upperBound)]}"
    }
    text += "}"
    text += String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
    return withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian, Array.init) + Array(text.utf8)
  }

  /// A text as JSON, escaped no more than needed.
  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\u{8}": quoted += "\\b"
      case "\u{C}": quoted += "\\f"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case "\0"..<" ":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

extension DataType {
  /// In the order in which Python's writer ranks them; it writes the last first.
  private static let ranked: [(type: DataType, name: String)] = [
    (.bool, "BOOL"), (.uint8, "U8"), (.int8, "I8"), (.int16, "I16"), (.uint16, "U16"), (.float16, "F16"),
    (.bfloat16, "BF16"), (.int32, "I32"), (.uint32, "U32"), (.float32, "F32"), (.float64, "F64"),
    (.int64, "I64"), (.uint64, "U64"),
  ]

  var safeTensorsRank: Int { DataType.ranked.firstIndex { $0.type == self } ?? 0 }

  var safeTensorsName: String { DataType.ranked[safeTensorsRank].name }

  init?(safeTensors name: String) {
    guard let found = DataType.ranked.first(where: { $0.name == name }) else { return nil }
    self = found.type
  }
}
