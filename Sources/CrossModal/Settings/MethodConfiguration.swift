import Foundation

/// The settings of a method: a value with a default for every key.
///
/// Keys of files and of `--set` are the property names in snake case (`ridgeMode` is `ridge_mode`).
public protocol MethodConfiguration: Codable, Sendable, Equatable {
  /// The defaults.
  init()
  /// Every key in the order that a reader wants them.
  static var keys: [ConfigurationKey] { get }
  /// A property whose own settings stand among the others in files, as if they were the configuration's; nil for none.
  static var inlined: String? { get }
  /// Throws when values do not go together. Bounds of single numbers stand beside their keys.
  func validateRelations() throws
  /// What settings of a user stand over: the defaults, or the values of a preset that they name.
  static func base(for overrides: JSON) throws -> Self
  /// Settings of a user with what can be written in two ways written in one.
  static func spelledOut(_ overrides: JSON) -> JSON
}

extension MethodConfiguration {
  public static var inlined: String? { nil }

  public static func base(for overrides: JSON) throws -> Self { Self() }

  public static func spelledOut(_ overrides: JSON) -> JSON { overrides }

  public func validateRelations() throws {}

  /// Throws when numbers are out of the bounds of their keys or values do not go together.
  ///
  /// - Throws: ``ConfigurationError`` naming the key.
  public func validate() throws {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let tree = try Self.inlining(JSON(json: encoder.encode(self)))
    for key in Self.keys where key.part == nil { try key.check(tree[key.name] ?? .null) }
    try validateRelations()
  }

  /// Every key with its value, in no order.
  private var encoded: JSON {
    get throws { Self.inlining(try JSON(encoding: self)) }
  }

  private static func inlining(_ tree: JSON) -> JSON {
    guard let inlined, let own = tree[inlined] else { return tree }
    var tree = tree
    for member in own.members ?? [] { tree[member.key] = member.value }
    return tree
  }

  /// What ``encoded`` wrote. Decoding passes over what it does not look for, so that everything may stand in both places.
  private init(encoded: JSON) throws {
    var tree = encoded
    if let inlined = Self.inlined { tree[inlined] = encoded }
    self = try tree.decoded(as: Self.self)
  }
}

extension MethodConfiguration {
  /// The defaults with the members of `overrides` put in place, validated.
  ///
  /// - Throws: ``ConfigurationError`` for a key or value that cannot be used; what ``validate()`` throws.
  public init(overrides: JSON) throws {
    let overrides = Self.spelledOut(overrides)
    try self.init(overrides: overrides, over: Self.base(for: overrides))
  }

  /// Other values than the defaults with the members of `overrides` put in place, validated.
  ///
  /// - Throws: ``ConfigurationError`` for a key or value that cannot be used; what ``validate()`` throws.
  public init(overrides: JSON, over base: Self) throws {
    var tree = try base.encoded
    var parts: [ConfigurationKey] = []
    for member in overrides.members ?? [] {
      try member.value.checkFinite(member.key)
      guard let key = Self.keys.first(where: { $0.name == member.key || $0.aliases.contains(member.key) })
      else {
        throw ConfigurationError.unknown(member.key, known: Self.keys.map(\.name))
      }
      if key.name != member.key, overrides[key.name] != nil {
        throw ConfigurationError.givenTwice(key: key.name, alias: member.key)
      }
      guard let part = key.part else {
        tree[key.name] = member.value
        continue
      }
      // Null leaves it to the other key.
      guard !member.value.isNull else { continue }
      if let given = overrides[part.key]?.part(part.member), given != member.value {
        throw ConfigurationError.givenTwice(key: key.path, alias: member.key)
      }
      parts.append(key)
    }
    for key in parts {
      // What is so already stays in the form it has, so that settings read back are the same settings.
      guard let part = key.part, let value = overrides.value(of: key),
        tree[part.key]?.part(part.member) != value
      else { continue }
      tree[part.key] = (tree[part.key] ?? .null).setting(part.member, to: value)
    }
    do {
      self = try Self(encoded: tree)
      try validate()
    } catch let error as DecodingError {
      throw
        (Self.uncountable(in: tree)
        ?? ConfigurationError(error, in: tree, keys: Self.keys, inlined: Self.inlined) { path, value in
          (try? Self(encoded: tree.replacing(path[...], with: value))) != nil
        }).naming(parts)
    } catch let error as ConfigurationError {
      throw error.naming(parts)
    }
  }

  /// A fraction, or a number too large, where a whole number belongs: the decoder does not say where it stopped.
  private static func uncountable(in tree: JSON) -> ConfigurationError? {
    var tree = tree
    for path in tree.fractions {
      let value = path.reduce(Optional(tree)) { $0?.part($1) }
      tree = tree.replacing(path[...], with: 1)
      guard (try? Self(encoded: tree)) != nil, let number = value?.double else { continue }
      return .badValue(
        key: path.joined(separator: "."), value: value?.text() ?? "",
        expected: number.rounded() == number ? "a whole number below 2^63" : "a whole number")
    }
    return nil
  }

  /// Every key with its value, in the order of ``keys``.
  public func tree() throws -> JSON {
    let encoded = try encoded
    return .object(
      Self.keys.map { key in
        let value = key.part.map { encoded[$0.key]?.part($0.member) } ?? encoded[key.name]
        return JSON.Member(key.name, value ?? .null)
      })
  }
}

extension MethodConfiguration {
  /// Throws, naming the key and what was expected of its value, where a condition does not hold.
  func require(_ holds: Bool, _ key: String, _ value: some Any, _ expected: String) throws {
    guard holds else { throw ConfigurationError.badValue(key: key, value: "\(value)", expected: expected) }
  }
}

extension JSON {
  /// Throws for a number that is infinite or none: files of settings cannot hold it.
  fileprivate func checkFinite(_ key: String) throws {
    if case .double(let value) = self, !value.isFinite {
      throw ConfigurationError.badValue(key: key, value: "\(value)", expected: "a finite number")
    }
    for (place, value) in (array ?? []).enumerated() { try value.checkFinite("\(key).\(place)") }
    for member in members ?? [] { try member.value.checkFinite("\(key).\(member.key)") }
  }

  /// Where numbers stand that are no `Int`.
  fileprivate var fractions: [[String]] {
    switch self {
    case .double(let number): Int(exactly: number) == nil ? [[]] : []
    case .array(let elements):
      elements.enumerated().flatMap { at, element in element.fractions.map { ["\(at)"] + $0 } }
    case .object(let members): members.flatMap { member in member.value.fractions.map { [member.key] + $0 } }
    default: []
    }
  }

  fileprivate func replacing(_ path: ArraySlice<String>, with value: JSON) -> JSON {
    guard let first = path.first else { return value }
    let rest = path.dropFirst()
    if let array {
      return .array(array.enumerated().map { "\($0)" == first ? $1.replacing(rest, with: value) : $1 })
    }
    var changed = self
    changed[first] = self[first]?.replacing(rest, with: value)
    return changed
  }
}

/// `warmupSteps` as files write it: `warmup_steps`.
func snakeCase(_ name: String) -> String {
  name.reduce(into: "") { out, letter in
    if letter.isUppercase { out += "_" + letter.lowercased() } else { out.append(letter) }
  }
}
