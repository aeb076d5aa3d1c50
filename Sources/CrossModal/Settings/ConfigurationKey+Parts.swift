/// Keys that are names for parts of other keys: `word_dim` for `text.word_dim`, `image_encoder` for the first of `encoder`.
extension JSON {
  /// What settings give for a key under any of its names.
  func value(of key: ConfigurationKey) -> JSON? {
    ([key.name] + key.aliases).lazy.compactMap { self[$0] }.first
  }

  /// A member of an object, or a place in a list; one value alone stands in every place.
  func part(_ name: String) -> JSON? {
    guard let place = Int(name) else { return self[name] }
    guard let all = array else { return self }
    return all.isEmpty ? nil : all[min(place, all.count - 1)]
  }

  /// The same with another value of a part; as it is where it has no parts, which decoding then tells.
  func setting(_ name: String, to value: JSON) -> JSON {
    guard let place = Int(name) else {
      guard members != nil || isNull else { return self }
      var changed = self
      changed[name] = value
      return changed
    }
    return .array(
      (0..<max(2, place + 1, array?.count ?? 0)).map { $0 == place ? value : part("\($0)") ?? .null })
  }
}

extension ConfigurationError {
  /// The same in the words of a user who named a part of a key by a key of its own.
  func naming(_ keys: [ConfigurationKey]) -> ConfigurationError {
    guard case .badValue(let path, let value, let expected) = self,
      let key = keys.first(where: { $0.path == path })
    else { return self }
    return .badValue(key: key.name, value: value, expected: expected)
  }
}
