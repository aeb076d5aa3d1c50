import Foundation

/// A setting that cannot be used.
public enum ConfigurationError: LocalizedError, UserMistake, Equatable {
  /// A key that nobody knows, with the nearest that is known.
  case unknownKey(String, nearest: String?, known: [String])
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
    case .unknownKey(let key, _, _) where Self.options.contains(key):
      return "'\(key)' is no setting but an option of its own, --\(key)"
    case .unknownKey(let key, let nearest, let known):
      let hint = nearest.map { "; did you mean '\($0)'?" } ?? "."
      let list =
        known.count > Self.mostKeys
        ? "`crossmodal methods NAME` lists the \(known.count) keys of a method"
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
  /// The key and value that a failed decoding stopped at.
  ///
  /// - Parameter inlined: a property that a user does not know of.
  init(_ error: DecodingError, in tree: JSON, keys: [ConfigurationKey], inlined: String?) {
    let (context, expected): (DecodingError.Context, String) =
      switch error {
      case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
        (context, ConfigurationError.words(for: type))
      case .keyNotFound(let key, let context): (context, "complete: '\(key.stringValue)' is missing")
      case .dataCorrupted(let context):
        (
          context,
          ConfigurationError.choices(context, of: ConfigurationError.path(context, inlined).first, keys)
            ?? context.debugDescription
        )
      @unknown default: (.init(codingPath: [], debugDescription: ""), "what was expected")
      }
    let path = ConfigurationError.path(context, inlined)
    let value = path.reduce(Optional(tree)) { value, key in
      value?[key] ?? Int(key).flatMap { at in value?.array.flatMap { at < $0.count ? $0[at] : nil } }
    }
    self = .badValue(
      key: path.joined(separator: "."), value: value?.text() ?? "nothing", expected: expected)
  }

  /// Where decoding stopped, as a user names it.
  private static func path(_ context: DecodingError.Context, _ inlined: String?) -> [String] {
    context.codingPath.map { $0.intValue.map(String.init) ?? snakeCase($0.stringValue) }
      .drop { $0 == inlined }.map { $0 }
  }

  /// What the key has to choose from, where a name was none of an enumeration's cases: the standard library then
  /// speaks of types, which no user knows.
  private static func choices(
    _ context: DecodingError.Context, of key: String?, _ keys: [ConfigurationKey]
  ) -> String? {
    guard context.debugDescription.hasPrefix("Cannot initialize"), let key else { return nil }
    return "a choice of this key" + (keys.first { $0.name == key }.map { ": \($0.about)" } ?? "")
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
