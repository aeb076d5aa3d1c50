import Foundation

/// What a user sets for a run: a file or recipe, and single keys over it.
///
/// Keys of the method stay in ``method``; the keys that every run has are taken out of it.
public struct RunSettings: Sendable {
  /// Overrides of the method's (and the training's) settings.
  public private(set) var method: JSON
  /// Featurizer of each modality: its name, or an object of `name` and settings.
  public private(set) var features: JSON
  /// Whether all texts have one vocabulary (`features.shared`); nil asks the texts.
  let sharesWords: Bool?
  /// How words of all texts are counted, under the names of the featurizer `words`: what official programs have as
  /// `vocab_threshold` and `vocab_splits`.
  let words: [JSON.Member]
  /// Threads that an operation may use; nil for what the machine has.
  public let threads: Int?

  /// - Parameters:
  ///   - tree: what the file or recipe says.
  ///   - assignments: `key=value` over it, dotted keys reach inward: `features.text.size=120`.
  ///   - keys: those of the method, so that an assignment wins over the file under any of a key's names.
  /// - Throws: ``ConfigurationError``.
  public init(_ tree: JSON, assignments: [String] = [], keys: [ConfigurationKey] = []) throws {
    guard tree.isNull || tree.members != nil else {
      throw ConfigurationError.badValue(
        key: "configuration", value: tree.text(), expected: "keys with values")
    }
    let rename = { (key: String) in
      keys.contains { $0.name == key } ? key : keys.first { $0.aliases.contains(key) }?.name ?? key
    }
    var tree = try tree.renamed(rename)
    let sharesSchedule = keys.contains { $0.name == "schedule" }
    if sharesSchedule { tree = try TrainingConfiguration.withAliasesInSchedule(tree, except: keys) }
    for assignment in assignments {
      let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let names = parts[0].split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 2, !names.contains("") else {
        throw ConfigurationError.badValue(key: "--set", value: assignment, expected: "of the form key=value")
      }
      let value = (try? JSON(yaml: String(parts[1]))) ?? .string(String(parts[1]))
      var path = names.map(String.init)
      path[0] = rename(path[0])
      if sharesSchedule, let alias = path.first, path.count == 1, !keys.contains(where: { $0.name == alias }),
        let member = TrainingConfiguration.scheduleAliases[alias]
      {
        // Every so many epochs is of steps alone; a factor is of other kinds too.
        if member == "every" || tree["schedule"] == nil { try tree.set(["schedule", "kind"], to: "step") }
        path = ["schedule", member]
      }
      // A part and its own name do not stand side by side: the later wins.
      if let part = keys.first(where: { $0.name == path[0] })?.part, let whole = tree[part.key] {
        tree[part.key] = whole.setting(part.member, to: value)
        tree[path[0]] = nil
        continue
      }
      for key in keys where key.part?.key == path[0] {
        if path.count == 1 || path[1] == key.part?.member { tree[key.name] = nil }
      }
      try tree.set(path[...], to: value)
    }
    let given = tree["features"] ?? .null
    // A method's own number of this name stands where the names of modalities would.
    let isOfMethod = given.members == nil && keys.contains { $0.name == "features" }
    guard isOfMethod || given.isNull || given.members != nil else {
      throw ConfigurationError.badValue(
        key: "features", value: given.text(), expected: "names of modalities with a featurizer each")
    }
    var named: JSON = isOfMethod || given.isNull ? .object([]) : given
    // A modality of this name has a featurizer, which is no truth.
    sharesWords = named["shared"]?.bool
    if sharesWords != nil { named["shared"] = nil }
    features = named
    threads = try tree["threads"].map {
      guard let threads = $0.int, (1...1024).contains(threads) else {
        throw ConfigurationError.badValue(
          key: "threads", value: $0.text(), expected: "a whole number from 1 to 1024")
      }
      return threads
    }
    words = Self.wordKeys.compactMap { key in tree["vocab_" + key].map { JSON.Member(key, $0) } }
    for key in Self.names where key != "features" || !isOfMethod { tree[key] = nil }
    method = tree
  }

  /// The same with a featurizer for a modality.
  func settingFeature(of modality: String, to featurizer: JSON) -> RunSettings {
    var settings = self
    settings.features[modality] = featurizer
    return settings
  }

  /// Keys that every run has.
  static let names = ["features", "threads"] + wordKeys.map { "vocab_" + $0 }
  /// Settings of the featurizer `words` that official programs have with `vocab_` before them.
  private static let wordKeys = ["threshold", "splits"]
}

extension JSON {
  /// The members under the names that `rename` gives them; a null is no members.
  fileprivate func renamed(_ rename: (String) -> String) throws -> JSON {
    var renamed: [Member] = []
    for member in members ?? [] {
      let name = rename(member.key)
      if renamed.contains(where: { $0.key == name }) {
        let other = members?.first { rename($0.key) == name }?.key ?? name
        throw ConfigurationError.givenTwice(key: other, alias: member.key)
      }
      renamed.append(Member(name, member.value))
    }
    return .object(renamed)
  }

  /// Sets a value at a path of keys; a plain value on the way becomes the `name` of an object.
  mutating func set(_ path: ArraySlice<String>, to value: JSON) throws {
    guard let key = path.first else {
      self = value
      return
    }
    if let name = string { self = ["name": .string(name)] }
    guard members != nil || isNull else {
      throw ConfigurationError.badValue(
        key: path.joined(separator: "."), value: text(), expected: "an object")
    }
    var child = self[key] ?? .null
    try child.set(path.dropFirst(), to: value)
    self[key] = child
  }
}
