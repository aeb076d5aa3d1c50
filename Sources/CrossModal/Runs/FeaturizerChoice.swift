/// The featurizer of a modality before it is fitted.
struct FeaturizerChoice {
  /// The place of the modality.
  let side: Int
  let name: String
  /// Every setting that has a value.
  private(set) var settings: [JSON.Member]
  /// Splits that it is fitted to; nil for the one that is learned from.
  var splits: [String]? {
    settings.first { $0.key == "splits" }?.value.array?.compactMap(\.string)
  }

  /// Which featurizer each modality gets that the method does not take as it comes, or that the user wants one for.
  static func all(
    for type: any Method.Type, _ settings: RunSettings, _ data: DataDescription
  ) throws -> [FeaturizerChoice] {
    let names = data.modalities.map(\.name)
    let accepted = type.description.accepts
    for member in settings.features.members ?? [] where !names.contains(member.key) {
      throw ConfigurationError.unknown(member.key, known: names, under: "features")
    }
    let choices: [FeaturizerChoice] = try data.modalities.enumerated().compactMap { side, modality in
      let wanted = settings.features[modality.name] ?? .null
      let usual = type.features[modality.kind]
      guard !wanted.isNull || !accepted.contains(modality.kind) else { return nil }
      guard
        let name = wanted.string ?? wanted["name"]?.string ?? usual?["name"]?.string
          ?? Featurizers.standard(for: modality.kind, accepted: accepted)
      else {
        throw MethodError.unsuitable(
          method: type.description.name,
          reason: "does not take \(modality.name), whose rows are of kind \(modality.kind.rawValue)")
      }
      let featurizer = try Featurizers.type(of: name)
      guard accepted.contains(featurizer.gives) else {
        throw MethodError.unsuitable(
          method: type.description.name,
          reason:
            "takes \(accepted.map(\.rawValue).joined(separator: ", ")), but the featurizer '\(name)' of "
            + "\(modality.name) gives \(featurizer.gives.rawValue)")
      }
      var own = (wanted.members ?? []).filter { $0.key != "name" }
      if featurizer is WordFeaturizer.Type { own = try settings.words(with: own, of: modality.name) }
      if featurizer is TFIDFFeaturizer.Type, let shared = settings.sharesWords,
        !own.contains(where: { $0.key == Self.sharedKey })
      {
        own.append(JSON.Member(Self.sharedKey, .bool(shared)))
      }
      if let usual, usual["name"]?.string == name { own = featurizer.completing(own, with: usual) }
      return FeaturizerChoice(
        side: side, name: name,
        settings: try featurizer.checked(.object(own), under: "features.\(modality.name)"))
    }
    if let first = settings.words.first, !choices.contains(where: { $0.name == WordFeaturizer.name }) {
      throw ConfigurationError.badValue(
        key: "vocab_\(first.key)", value: first.value.text(),
        expected: "possible: no modality has words that are counted (features.NAME=words)")
    }
    return choices
  }

  /// With numbers brought to size where a method would take them as they come and cannot compute with them.
  static func rescaling(_ choices: [FeaturizerChoice], of split: Split) throws -> [FeaturizerChoice] {
    let others = try split.description.modalities.enumerated().compactMap {
      side, modality -> FeaturizerChoice? in
      guard modality.kind == .vector, !choices.contains(where: { $0.side == side }),
        let exponent = try split.exponentToSize(side: side)
      else { return nil }
      return FeaturizerChoice(
        side: side, name: RescalingFeaturizer.name, settings: [JSON.Member("exponent", .int(exponent))])
    }
    return (choices + others).sorted { $0.side < $1.side }
  }

  private static let sharedKey = "shared"

  /// Whether the words are counted together with those of other texts; nil where nothing is said.
  private var isShared: Bool? { settings.first { $0.key == Self.sharedKey }?.value.bool }

  /// Settles which choices have one vocabulary, and says so in their settings.
  ///
  /// - Returns: places of the choices that are fitted together; empty where each is fitted by itself.
  /// - Throws: ``ConfigurationError`` for texts that are to have one vocabulary and different settings.
  static func settleSharing(_ choices: inout [FeaturizerChoice], of split: Split) throws -> [Int] {
    let texts = choices.indices.filter { choices[$0].name == TFIDFFeaturizer.name }
    guard texts.count > 1 else { return [] }
    let others = texts.map { place in choices[place].settings.filter { $0.key != sharedKey } }
    let areAlike = others.allSatisfy { JSON.object($0) == JSON.object(others[0]) }
    let stated = texts.compactMap { choices[$0].isShared }
    var isShared = stated.count == texts.count && !stated.contains(false)
    if stated.isEmpty, areAlike {
      let sources = texts.map { FeaturizerSource(split, side: choices[$0].side) }
      isShared = try sources.dropFirst().allSatisfy {
        try SharedWords.overlap(sources[0], $0) >= SharedWords.enough
      }
    }
    guard areAlike || !isShared else {
      throw ConfigurationError.badValue(
        key: "features.shared", value: "true", expected: "possible with different settings of the texts")
    }
    for place in texts {
      choices[place].settings =
        others[texts.firstIndex(of: place) ?? 0] + [JSON.Member(sharedKey, .bool(isShared))]
    }
    return isShared ? texts : []
  }
}

extension RunSettings {
  /// Settings of a modality's words with those that hold for all texts.
  fileprivate func words(with own: [JSON.Member], of modality: String) throws -> [JSON.Member] {
    let keys = WordFeaturizer.Configuration.keys
    for member in words {
      guard let key = keys.first(where: { $0.name == member.key }),
        let given = own.first(where: { $0.key == key.name || key.aliases.contains($0.key) })
      else { continue }
      throw ConfigurationError.givenTwice(
        key: "features.\(modality).\(given.key)", alias: "vocab_\(member.key)")
    }
    return words + own
  }
}
