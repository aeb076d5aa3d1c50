import Foundation

/// Why a text is no JSON, and at which byte.
struct JSONParseError: LocalizedError, Equatable {
  let byte: Int
  let reason: String

  var errorDescription: String? { "byte \(byte): \(reason)" }
}

/// Reads one JSON document (RFC 8259) of UTF-8.
///
/// Foundation's parser puts objects into dictionaries of texts, in which two keys are one where Unicode says that they
/// look alike; here they are one only where their bytes are.
struct JSONParser {
  private let bytes: UnsafeRawBufferPointer
  private var at = 0
  private static let deepest = 512

  /// The value of a document; of a key that stands in an object twice the last counts, and keys are put in order.
  static func value(of data: Data) throws(JSONParseError) -> JSON {
    let outcome = data.withUnsafeBytes { bytes -> Result<JSON, JSONParseError> in
      do throws(JSONParseError) {
        var parser = JSONParser(bytes)
        return .success(try parser.document())
      } catch { return .failure(error) }
    }
    return try outcome.get()
  }

  private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private func failure(_ reason: String) -> JSONParseError { JSONParseError(byte: at, reason: reason) }

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipBlanks() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    at += 1
    return true
  }

  private mutating func document() throws(JSONParseError) -> JSON {
    // A byte order mark is no value.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
    let value = try value(depth: 0)
    skipBlanks()
    guard at == bytes.count else { throw failure("more text behind the value") }
    return value
  }

  private mutating func value(depth: Int) throws(JSONParseError) -> JSON {
    guard depth < Self.deepest else { throw failure("nests more than \(Self.deepest) levels deep") }
    skipBlanks()
    guard let byte = next else { throw failure("the text ends where a value should stand") }
    switch byte {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try array(depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ word: String, _ value: JSON) throws(JSONParseError) -> JSON {
    guard bytes[at...].starts(with: word.utf8) else { throw failure("no value") }
    at += word.utf8.count
    return value
  }

  private mutating func array(_ depth: Int) throws(JSONParseError) -> JSON {
    at += 1
    var elements: [JSON] = []
    skipBlanks()
    if take("]") { return .array([]) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipBlanks()
      if take("]") { return .array(elements) }
      guard take(",") else { throw failure("expected a comma or the end of a list") }
    }
  }

  private mutating func object(_ depth: Int) throws(JSONParseError) -> JSON {
    at += 1
    var values: [ExactText: JSON] = [:]
    skipBlanks()
    if take("}") { return .object([]) }
    while true {
      skipBlanks()
      guard next == UInt8(ascii: "\"") else { throw failure("expected a key in quotes") }
      let key = ExactText(try string())
      skipBlanks()
      guard take(":") else { throw failure("expected a colon behind the key") }
      values[key] = try value(depth: depth + 1)
      skipBlanks()
      if take("}") { break }
      guard take(",") else { throw failure("expected a comma or the end of an object") }
    }
    return .object(values.sorted { $0.key < $1.key }.map { JSON.Member($0.key.text, $0.value) })
  }

  private mutating func number() throws(JSONParseError) -> JSON {
    let start = at
    func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }
    var isWhole = true
    _ = take("-")
    guard isDigit(next) else { throw failure("no value") }
    if take("0") {
      guard !isDigit(next) else { throw failure("a number begins with 0") }
    }
    while isDigit(next) { at += 1 }
    if take(".") {
      isWhole = false
      guard isDigit(next) else { throw failure("no digit behind the point") }
      while isDigit(next) { at += 1 }
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      isWhole = false
      at += 1
      if !take("+") { _ = take("-") }
      guard isDigit(next) else { throw failure("no digit in the exponent") }
      while isDigit(next) { at += 1 }
    }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    if isWhole, let number = Int(text) { return .int(number) }
    guard let number = Double(text), number.isFinite else { throw failure("a number that is too large") }
    return .double(number)
  }

  private mutating func string() throws(JSONParseError) -> String {
    at += 1
    let start = at
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { at += 1 }
    if next == UInt8(ascii: "\"") {
      defer { at += 1 }
      return try text(Array(bytes[start..<at]))
    }
    var unit = Array(bytes[start..<at])
    while let byte = next {
      at += 1
      switch byte {
      case UInt8(ascii: "\""): return try text(unit)
      case UInt8(ascii: "\\"): unit += try escaped()
      case ..<0x20: throw failure("a control character in a text")
      default: unit.append(byte)
      }
    }
    throw failure("a text that does not end")
  }

  private func text(_ bytes: [UInt8]) throws(JSONParseError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw failure("a text that is not valid UTF-8")
    }
    return text
  }

  private mutating func escaped() throws(JSONParseError) -> [UInt8] {
    guard let byte = next else { throw failure("a text that does not end") }
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): break
    default: throw failure("an unknown mark behind a backslash")
    }
    var units = [try codeUnit()]
    if UTF16.isLeadSurrogate(units[0]), bytes[at...].starts(with: "\\u".utf8) {
      at += 2
      units.append(try codeUnit())
    }
    guard let text = String(validating: units, as: UTF16.self) else {
      throw failure("half of a surrogate pair")
    }
    return Array(text.utf8)
  }

  private mutating func codeUnit() throws(JSONParseError) -> UInt16 {
    guard at + 4 <= bytes.count,
      let unit = UInt16(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16),
      bytes[at] != UInt8(ascii: "+")
    else { throw failure("no four hexadecimal digits behind \\u") }
    at += 4
    return unit
  }
}
