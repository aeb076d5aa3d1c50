import Foundation
import Torch

extension Run {
  /// Fits a closed-form method to a split of a data set.
  ///
  /// Everything that can be wrong with settings and data is checked before the work starts.
  /// - Parameters:
  ///   - type: the method.
  ///   - settings: what the user set.
  ///   - data: the data set, whose `split` is learned from.
  ///   - note: told in a sentence what happens.
  public static func fit(
    _ type: any Method.Type, settings: RunSettings, data: DataSet, split splitName: String = "train",
    seed: UInt64 = 0, note: (String) -> Void = { _ in }
  ) throws -> Run {
    let learning = try Learning(
      type, settings: settings, data: data, split: splitName, seed: seed, note: note)
    guard let fittable = learning.method as? any Fittable else {
      throw MethodError.unsuitable(
        method: type.description.name, reason: "is trained by gradient, not fitted")
    }
    note("fitting \(type.description.name) to \(learning.data.count) pairs")
    try fittable.fit(to: learning.data, seed: seed)
    return Run(
      record: try learning.record(), method: fittable, featurizers: learning.featurizers,
      targets: learning.targets)
  }
}

/// A method and the data it is to learn from, checked and put together before the work starts.
struct Learning {
  let method: any Method
  /// Settings of training; nil for closed forms.
  let training: TrainingConfiguration?
  /// Pairs to learn from, as the method takes them.
  let data: FeaturizedSplit
  /// Featurisers by the name of the modality.
  let featurizers: [String: any Featurizer]
  /// What the method learns to give.
  let targets: [FittedTarget]
  /// Pictures that cannot be read, with which what belongs to them was left out.
  let damaged: [DamagedPicture]
  private let set: DataSet
  private let seed: UInt64
  /// Which featuriser each modality has, and its settings.
  private let choices: [FeaturizerChoice]
  private let targetSettings: TargetSettings

  /// - Parameter isResuming: weights come from a checkpoint, not from files that the settings name.
  /// - Throws: what is wrong with settings or data.
  init(
    _ type: any Method.Type, settings: RunSettings, data set: DataSet, split splitName: String, seed: UInt64,
    isResuming: Bool = false, note: (String) -> Void
  ) throws {
    self.set = set
    self.seed = seed
    let whole = try set.split(splitName)
    let description = whole.description
    try Self.suits(type, description)
    // Set even when it stays as it is, so that the matrix library does not choose by itself how many it uses.
    try Runtime.setThreads(settings.threads ?? Runtime.threads)
    choices = try Self.featurizerChoices(type, settings: settings, data: description)
    // A key that nobody knows is told before features are computed.
    targetSettings = try TargetSettings(of: type, settings.method)
    let own = try type.settings(targetSettings.others, pairs: whole.count)
    training = own.training
    let (split, damaged) = try whole.withoutDamagedPictures(sides: Array(description.modalities.indices))
    self.damaged = damaged
    if !damaged.isEmpty { note(damaged.sentence) }
    var featurizers: [String: any Featurizer] = [:]
    // A split that is not there is told before features are computed.
    let counted = try choices.map { choice in
      try choice.splits?.map { $0 == splitName ? split : try set.split($0) } ?? [split]
    }
    for (choice, splits) in zip(choices, counted) {
      let name = description.modalities[choice.side].name
      note("features of \(name): \(choice.name)")
      featurizers[name] = try Featurizers.fit(
        choice.name, to: splits, side: choice.side, settings: .object(choice.settings), seed: seed)
    }
    self.featurizers = featurizers
    targets = try targetSettings.fitted(to: split, note)
    var data = try FeaturizedSplit(
      split, description.modalities.map { featurizers[$0.name] }, targets: targets)
    method = try type.make(own.method, for: data.description)
    let assets = (method as? any Trainable)?.assets ?? []
    if let pairs = assets.first(where: { $0.kind == .pairs }) {
      data.givenPairs = try GivenPairs(pairs.file, of: data)
    }
    self.data = data
    if !isResuming { try begin(with: assets, note) }
  }

  /// Gives the method what the files hold that it begins with.
  private func begin(with assets: [Asset], _ note: (String) -> Void) throws {
    guard let trainable = method as? any Trainable else { return }
    let names = data.description.modalities.map(\.name)
    let contents = try AssetContents(
      of: assets, words: names.map { (featurizers[$0] as? WordFeaturizer)?.vocabulary.words })
    try trainable.begin(with: contents)
    for asset in assets where asset.kind == .wordVectors {
      for (name, vectors) in zip(names, contents.wordVectors[asset.key] ?? []) {
        guard let vectors else { continue }
        let count = vectors.table.size(along: 0)
        note("\(vectors.found) of \(count) words of \(name) have vectors in \(asset.file)")
      }
    }
  }

  /// Another split of the data set, as the method takes it.
  func pairs(of name: String) throws -> FeaturizedSplit {
    let split = try set.split(name)
    // Pictures that become vectors are read below; the others are not to be found damaged after an epoch.
    let raw = split.description.modalities.indices.filter {
      featurizers[split.description.modalities[$0].name] == nil
    }
    if let first = try split.withoutDamagedPictures(sides: raw).damaged.first {
      throw DataError.malformed(
        file: split.description.name, place: "split '\(name)'",
        reason: "\(first.reason); only in training are such pictures left out")
    }
    return try FeaturizedSplit(
      split, split.description.modalities.map { featurizers[$0.name] }, targets: targets)
  }

  /// What `config.yaml` says.
  func record(device: Device = .cpu) throws -> RunRecord {
    let documents = FeaturizerFiles.documents(featurizers, of: data.split.description)
    let features = choices.map { choice in
      let modality = data.split.description.modalities[choice.side].name
      var own: JSON = ["name": .string(choice.name)]
      let stored = documents[modality].map(FeaturizerFiles.record) ?? []
      for member in choice.settings + (featurizers[modality]?.settings.members ?? []) + stored {
        own[member.key] = member.value
      }
      return JSON.Member(modality, own)
    }
    return RunRecord(
      method: Swift.type(of: method).description.name, configuration: try method.settings(),
      training: try training?.tree() ?? .null, features: .object(features),
      targets: targetSettings.record(of: targets), seed: seed,
      threads: Runtime.threads, device: device.description, dataPath: set.url?.path ?? "",
      split: data.split.name,
      fingerprint: try set.fingerprint(), data: data.split.description, skipped: damaged.map(\.file))
  }

  private static func suits(_ type: any Method.Type, _ data: DataDescription) throws {
    let about = type.description
    guard about.modalities.contains(data.modalities.count) else {
      throw MethodError.unsuitable(
        method: about.name,
        reason: "relates \(about.modalities.words) modalities; \(data.name) has \(data.modalities.count)")
    }
  }

  /// Which featuriser each modality gets that the method does not take as it comes, or that the user wants one for.
  private static func featurizerChoices(
    _ type: any Method.Type, settings: RunSettings, data: DataDescription
  ) throws -> [FeaturizerChoice] {
    let names = data.modalities.map(\.name)
    let accepted = type.description.accepts
    for member in settings.features.members ?? [] where !names.contains(member.key) {
      throw ConfigurationError.unknownKey(
        "features.\(member.key)", nearest: nearest(to: member.key, in: names), known: names)
    }
    let choices: [FeaturizerChoice] = try data.modalities.enumerated().compactMap { side, modality in
      let wanted = settings.features[modality.name] ?? .null
      guard !wanted.isNull || !accepted.contains(modality.kind) else { return nil }
      guard
        let name = wanted.string ?? wanted["name"]?.string
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
}

/// The featuriser of a modality before it is fitted.
private struct FeaturizerChoice {
  /// The place of the modality.
  let side: Int
  let name: String
  /// Every setting that has a value.
  let settings: [JSON.Member]
  /// Splits that it is fitted to; nil for the one that is learned from.
  var splits: [String]? {
    settings.first { $0.key == "splits" }?.value.array?.compactMap(\.string)
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

extension Method {
  /// Every setting, for use through `any Method`.
  func settings() throws -> JSON { try configuration.tree() }
}

extension DataDescription {
  /// The same data with what the featurisers make of them.
  func throughFeatures(_ featurizers: [String: any Featurizer]) -> DataDescription {
    var seen = self
    for (side, modality) in modalities.enumerated() {
      guard let featurizer = featurizers[modality.name] else { continue }
      seen.modalities[side] = featurizer.output(named: modality.name)
    }
    return seen
  }
}

extension ClosedRange<Int> {
  fileprivate var words: String {
    lowerBound == upperBound
      ? "\(lowerBound)" : upperBound == .max ? "\(lowerBound) or more" : "\(lowerBound) to \(upperBound)"
  }
}

extension Method {
  /// The user's settings taken apart: those of the method, and those of training with the method's defaults
  /// under them; nil for closed forms.
  static func settings(
    _ all: JSON, pairs: Int
  ) throws -> (method: JSON, training: TrainingConfiguration?) {
    guard let trainable = Self.self as? any Trainable.Type else {
      _ = try Configuration(overrides: all)
      return (all, nil)
    }
    let own = Set(Configuration.keys.flatMap { [$0.name] + $0.aliases })
    let shared = (all.members ?? []).filter { !own.contains($0.key) && TrainingConfiguration.knows($0.key) }
    let rest = (all.members ?? []).filter { member in !shared.contains { $0.key == member.key } }
    if let unknown = rest.first(where: { !own.contains($0.key) }) {
      let known = Configuration.keys.map(\.name) + TrainingConfiguration.keys.map(\.name) + RunSettings.names
      throw ConfigurationError.unknownKey(
        unknown.key, nearest: nearest(to: unknown.key, in: known), known: known)
    }
    return (.object(rest), try trainable.training(.object(shared), method: .object(rest), pairs: pairs))
  }
}

extension Trainable {
  fileprivate static func training(
    _ overrides: JSON, method: JSON, pairs: Int
  ) throws -> TrainingConfiguration {
    let configuration = try Configuration(overrides: method)
    var defaults = trainingDefaults(configuration, pairs: pairs)
    // Rates and batches that suit L-BFGS suit no other optimiser, and the other way round: a user who names
    // one gets what the method sets for it, which is that of few or of many pairs.
    let quasiNewton = TrainingConfiguration.OptimizerKind.lbfgs
    if let wanted = (overrides["optimizer"] ?? overrides["optim"])?.string,
      (wanted == quasiNewton.rawValue) != (defaults.optimizer == quasiNewton)
    {
      defaults = trainingDefaults(configuration, pairs: wanted == quasiNewton.rawValue ? 1 : .max)
    }
    return try defaults.overridden(by: overrides)
  }
}
