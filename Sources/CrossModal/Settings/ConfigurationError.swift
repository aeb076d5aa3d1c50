import Foundation

/// A setting that cannot be used.
public enum ConfigurationError: LocalizedError, UserMistake, Equatable {
  /// A key that nobody knows, with the nearest that are known, and the method whose keys they are.
  case unknownKey(String, nearest: [String], known: [String], method: String? = nil)
  /// A value of the wrong type or out of range.
  case badValue(key: String, value: String, expected: String)
  /// Two names of one key, with different values.
  case givenTwice(key: String, alias: String)

  /// Letters of a value that a message repeats; a file taken for settings is one long value.
  private static let longestValue = 120

  /// Keys that a message names; more are a list that nobody reads.
  private static let mostKeys = 12

  /// What users of other programs look for among the settings.
  private static let options: Set = ["seed", "device", "split", "data", "out"]

  public var errorDescription: String? {
    switch self {
    case .unknownKey(let key, _, _, _) where Self.options.contains(key):
      return "'\(key)' is no setting but an option of its own, --\(key)"
    case .unknownKey(let key, let nearest, let known, let method):
      let hint = nearest.isEmpty ? "." : meant(nearest)
      let list =
        known.count > Self.mostKeys
        ? "`crossmodal methods \(method ?? "NAME")` lists all \(known.count)"
        : "Known keys: \(known.joined(separator: ", "))"
      return "unknown key '\(key)'\(hint) \(list)"
    case .badValue(let key, let value, let expected):
      let shown = value.count > Self.longestValue ? value.prefix(Self.longestValue) + "…" : value[...]
      return "\(key): \(shown) is not \(expected)"
    case .givenTwice(let key, let alias): return "'\(key)' and '\(alias)' are two names of one key; give one"
    }
  }
}

extension ConfigurationError {
  /// A key that is none of those that are known.
  ///
  /// - Parameter outer: what stands before the keys, such as `schedule`; empty for nothing.
  static func unknown(
    _ key: String, known: [String], under outer: String = "", method: String? = nil
  ) -> ConfigurationError {
    let full = { (key: String) in outer.isEmpty ? key : "\(outer).\(key)" }
    return .unknownKey(
      full(key), nearest: nearestNames(to: key, in: known).map(full), known: known.map(full), method: method)
  }

  /// The key and value that a failed decoding stopped at.
  ///
  /// - Parameters:
  ///   - inlined: a property that a user does not know of.
  ///   - isTaken: whether the settings would be taken with another value at the place where decoding stopped.
  init(
    _ error: DecodingError, in tree: JSON, keys: [ConfigurationKey], inlined: String?,
    isTaken: ([String], JSON) -> Bool
  ) {
    let stop = { (context: DecodingError.Context) in ConfigurationError.path(context, inlined) }
    let (context, expected): (DecodingError.Context, String) =
      switch error {
      case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
        (context, ConfigurationError.words(for: type))
      case .keyNotFound(let key, let context): (context, "complete: '\(key.stringValue)' is missing")
      case .dataCorrupted(let context):
        (
          context,
          ConfigurationError.choices(context, at: stop(context), in: tree, keys, isTaken)
            ?? context.debugDescription
        )
      @unknown default: (.init(codingPath: [], debugDescription: ""), "what was expected")
      }
    let path = stop(context)
    let value = ConfigurationError.value(at: path, in: tree)
    self = .badValue(
      key: path.joined(separator: "."), value: value?.text() ?? "nothing", expected: expected)
  }

  /// Where decoding stopped, as a user names it.
  private static func path(_ context: DecodingError.Context, _ inlined: String?) -> [String] {
    context.codingPath.map { $0.intValue.map(String.init) ?? snakeCase($0.stringValue) }
      .drop { $0 == inlined }.map { $0 }
  }

  private static func value(at path: [String], in tree: JSON) -> JSON? {
    path.reduce(Optional(tree)) { value, key in
      value?[key] ?? Int(key).flatMap { at in value?.array.flatMap { at < $0.count ? $0[at] : nil } }
    }
  }

  /// What the key has to choose from, where a name was none of an enumeration's cases: the standard library then
  /// speaks of types, which no user knows. The names are the words of the key's description that would be taken.
  private static func choices(
    _ context: DecodingError.Context, at path: [String], in tree: JSON, _ keys: [ConfigurationKey],
    _ isTaken: ([String], JSON) -> Bool
  ) -> String? {
    guard context.debugDescription.hasPrefix("Cannot initialize"), let key = path.first else { return nil }
    let expected = "a choice of this key"
    guard let about = keys.first(where: { $0.name == key })?.about else { return expected }
    let words = about.split { !$0.isLetter && !$0.isNumber && $0 != "-" && $0 != "_" }.map(String.init)
    var choices: [String] = []
    for word in words where !choices.contains(word) && isTaken(path, .string(word)) { choices.append(word) }
    guard !choices.isEmpty else { return "\(expected): \(about)" }
    let given = value(at: path, in: tree)?.string ?? ""
    return "\(expected): \(choices.joined(separator: ", "))\(meant(nearestNames(to: given, in: choices)))"
  }

  private static func words(for type: Any.Type) -> String {
    switch type {
    case is Int.Type: "a whole number"
    case is Double.Type, is Float.Type: "a number"
    case is Bool.Type: "true or false"
    case is String.Type: "a text"
    case is [Any].Type: "a list"
    default: "of the expected form"
    }
  }
}
