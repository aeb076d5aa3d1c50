import Foundation
import Yams

/// A tree of values as JSON and YAML have them. Objects keep the order of their keys.
public enum JSON: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([JSON])
  case object([Member])

  /// A key of an object and its value.
  public struct Member: Sendable, Hashable {
    public var key: String
    public var value: JSON

    public init(_ key: String, _ value: JSON) {
      self.key = key
      self.value = value
    }
  }

  /// An object from pairs in order.
  public static func object(_ pairs: KeyValuePairs<String, JSON>) -> JSON {
    .object(pairs.map { Member($0.key, $0.value) })
  }
}

/// Why a text was not taken although it may be YAML.
public enum JSONError: LocalizedError, Equatable {
  case tooDeep(limit: Int)
  case tooLarge(limit: Int)

  public var errorDescription: String? {
    switch self {
    case .tooDeep(let limit): "nests more than \(limit) levels deep"
    case .tooLarge(let limit): "has more than \(limit) values"
    }
  }
}

// MARK: - Access

extension JSON {
  /// The value of a key; nil when this is no object or has no such key. Setting nil removes the key.
  public subscript(_ key: String) -> JSON? {
    get { members?.first { $0.key == key }?.value }
    set {
      var members = members ?? []
      if let at = members.firstIndex(where: { $0.key == key }) {
        if let newValue { members[at].value = newValue } else { members.remove(at: at) }
      } else if let newValue {
        members.append(Member(key, newValue))
      }
      self = .object(members)
    }
  }

  public var members: [Member]? { if case .object(let members) = self { members } else { nil } }
  public var array: [JSON]? { if case .array(let elements) = self { elements } else { nil } }
  public var string: String? { if case .string(let text) = self { text } else { nil } }
  public var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
  public var isNull: Bool { self == .null }

  /// A whole number, also one written as `3.0`.
  public var int: Int? {
    switch self {
    case .int(let number): number
    case .double(let number): Int(exactly: number)
    default: nil
    }
  }

  public var double: Double? {
    switch self {
    case .int(let number): Double(number)
    case .double(let number): number
    default: nil
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = .object(elements.map { Member($0, $1) })
  }
  public init(nilLiteral: ()) { self = .null }
}

// MARK: - Reading

extension JSON {
  /// Parses one YAML document; JSON is YAML too.
  ///
  /// - Throws: `YamlError`, which says line and column; ``JSONError`` for a tree that is too deep, or too large
  ///   because of aliases that repeat what they stand for.
  public init(yaml text: String) throws {
    guard JSON.depth(of: text) <= JSON.deepest else { throw JSONError.tooDeep(limit: JSON.deepest) }
    guard let node = try JSON.composed(text) else {
      self = .null
      return
    }
    var left = JSON.mostNodes
    self = try JSON(node, &left)
  }

  /// YAML writes a character beyond the first 65,536 with one mark, JSON with two.
  private static func composed(_ text: String) throws -> Node? {
    do { return try Yams.compose(yaml: text) } catch {
      let joined = text.replacing(
        /\\u(?<lead>[dD][89abAB][0-9a-fA-F]{2})\\u(?<trail>[dD][c-fC-F][0-9a-fA-F]{2})/
      ) {
        let (lead, trail) = (UInt32($0.lead, radix: 16) ?? 0, UInt32($0.trail, radix: 16) ?? 0)
        let scalar = String(0x10000 + (lead & 0x3FF) << 10 + trail & 0x3FF, radix: 16)
        return "\\U" + String(repeating: "0", count: 8 - scalar.count) + scalar
      }
      guard joined != text else { throw error }
      return try Yams.compose(yaml: joined)
    }
  }

  private static let deepest = 64
  private static let mostNodes = 2_000_000

  /// How deep values nest by brackets that are open, and by dashes at the start of a line.
  private static func depth(of text: String) -> Int {
    var (open, start, deepest, isStart) = (0, 0, 0, true)
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "["), UInt8(ascii: "{"): open += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"): open = max(0, open - 1)
      case UInt8(ascii: "\n"): (start, isStart) = (0, true)
      default: break
      }
      if isStart, byte == UInt8(ascii: "-") || byte == UInt8(ascii: "?") { start += 1 }
      if byte > 0x20, byte != UInt8(ascii: "-"), byte != UInt8(ascii: "?") { isStart = false }
      deepest = max(deepest, open, start)
    }
    return deepest
  }

  private init(_ node: Node, _ left: inout Int) throws {
    left -= 1
    guard left > 0 else { throw JSONError.tooLarge(limit: JSON.mostNodes) }
    switch node {
    case .mapping(let mapping):
      var members: [Member] = []
      for (key, value) in mapping { members.append(Member(key.string ?? "", try JSON(value, &left))) }
      self = .object(members)
    case .sequence(let sequence):
      var elements: [JSON] = []
      for element in sequence { elements.append(try JSON(element, &left)) }
      self = .array(elements)
    case .scalar(let scalar):
      self = JSON(scalar)
    case .alias(let alias):
      self = .string(alias.anchor.rawValue)
    }
  }

  private init(_ scalar: Node.Scalar) {
    let node = Node.scalar(scalar)
    guard scalar.style == .plain || scalar.style == .any else {
      self = .string(scalar.string)
      return
    }
    if scalar.string.isEmpty || ["~", "null", "Null", "NULL"].contains(scalar.string) {
      self = .null
    } else if let number = Int(scalar.string) {
      self = .int(number)
    } else if let number = JSON.number(scalar) {
      self = .double(number)
    } else if let flag = Bool.construct(from: scalar), ["true", "false"].contains(scalar.string.lowercased())
    {
      self = .bool(flag)
    } else {
      self = .string(node.string ?? scalar.string)
    }
  }

  /// `nan` and `inf` without YAML's dot are words, and `1:30` is a text, not a number to the base of 60.
  private static func number(_ scalar: Node.Scalar) -> Double? {
    let text = scalar.string
    guard !(text.first?.isLetter ?? false), !text.contains(":") else { return nil }
    return Double(text) ?? Double.construct(from: scalar)
  }

  /// Parses one JSON document of UTF-8; keys of objects are put in order.
  public init(json data: Data) throws { self = try JSONParser.value(of: data) }
}

// MARK: - Writing

extension JSON: CustomStringConvertible {
  public var description: String { text() }

  /// This value as JSON text.
  ///
  /// Numbers are written as short as reads back equal; NaN and infinities, which JSON has not, as null.
  /// - Parameter pretty: indented over several lines, short lists of plain values on one.
  public func text(pretty: Bool = false) -> String {
    var out = ""
    write(to: &out, indent: pretty ? 0 : nil)
    return out
  }

  private func write(to out: inout String, indent: Int?) {
    switch self {
    case .null: out += "null"
    case .bool(let flag): out += flag ? "true" : "false"
    case .int(let number): out += String(number)
    case .double(let number):
      if !number.isFinite {
        out += "null"
      } else if number == number.rounded(), abs(number) < 1e15 {
        out += String(Int(number)) + ".0"
      } else {
        out += "\(number)"
      }
    case .string(let text): JSON.write(text, to: &out)
    case .array(let elements):
      let inner = elements.contains { $0.isContainer } ? indent : nil
      JSON.write(elements, between: ("[", "]"), indent: inner, spaced: indent != nil, to: &out) {
        $0.write(to: &$2, indent: $1)
      }
    case .object(let members):
      JSON.write(members, between: ("{", "}"), indent: indent, spaced: true, to: &out) {
        JSON.write($0.key, to: &$2)
        $2 += ": "
        $0.value.write(to: &$2, indent: $1)
      }
    }
  }

  private var isContainer: Bool {
    switch self {
    case .array(let elements): !elements.isEmpty
    case .object(let members): !members.isEmpty
    default: false
    }
  }

  private static func write<Element>(
    _ elements: [Element], between ends: (String, String), indent: Int?, spaced: Bool, to out: inout String,
    each: (Element, Int?, inout String) -> Void
  ) {
    out += ends.0
    for (i, element) in elements.enumerated() {
      if i > 0 { out += "," }
      if let indent {
        out += "\n" + String(repeating: "  ", count: indent + 1)
      } else if i > 0 && spaced {
        out += " "
      }
      each(element, indent.map { $0 + 1 }, &out)
    }
    if let indent, !elements.isEmpty { out += "\n" + String(repeating: "  ", count: indent) }
    out += ends.1
  }

  private static func write(_ text: String, to out: inout String) {
    out += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20: out += "\\u" + String(scalar.value + 0x10000, radix: 16).dropFirst()
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }

  /// This value as a YAML document.
  public func yaml() throws -> String { try Yams.serialize(node: node, width: -1, allowUnicode: true) }

  private var node: Node {
    switch self {
    case .null: Node("null")
    case .bool(let flag): Node(flag ? "true" : "false")
    case .int, .double: Node(text())
    case .string(let text):
      // What would read back as a number, a flag or nothing is quoted.
      Node(text, Tag(.str), JSON(plain: text).string == nil ? .doubleQuoted : .any)
    case .array(let elements):
      Node(elements.map(\.node), Tag(.seq), elements.contains { $0.isContainer } ? .block : .flow)
    case .object(let members): Node(members.map { (Node($0.key), $0.value.node) }, Tag(.map), .block)
    }
  }

  private init(plain text: String) { self = JSON(Node.Scalar(text)) }
}

// MARK: - Codable values

extension JSON {
  /// What `value` encodes to, keys in snake case.
  public init(encoding value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    self = try JSON(json: try encoder.encode(value))
  }

  /// A value of `type` from this tree, keys in snake case.
  public func decoded<Value: Decodable>(as type: Value.Type) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(type, from: Data(text().utf8))
  }
}
