/// Settings that stand as an object under one key of a configuration, such as `memory.size`.
extension Decoder {
  /// The members of the object, none of which is unknown.
  ///
  /// - Parameter name: of the key, for messages.
  /// - Throws: ``ConfigurationError`` for a member that `keys` do not have, with the nearest of them.
  func settings<Keys: CodingKey & CaseIterable>(
    _ keys: Keys.Type, under name: String
  ) throws -> KeyedDecodingContainer<Keys> {
    let known = Keys.allCases.map { snakeCase($0.stringValue) }
    for key in try container(keyedBy: AnyKey.self).allKeys.map({ snakeCase($0.stringValue) })
    where !known.contains(key) {
      throw ConfigurationError.unknown(key, known: known, under: name)
    }
    return try container(keyedBy: Keys.self)
  }
}

extension KeyedDecodingContainer {
  /// The value of a member, or what it has where it is not given.
  func value<Value: Decodable>(_ key: Key, or standard: Value) throws -> Value {
    try decodeIfPresent(Value.self, forKey: key) ?? standard
  }
}

private struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
