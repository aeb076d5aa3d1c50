import Foundation
import Torch

/// A method and the data it is to learn from, checked and put together before the work starts.
struct Learning {
  let method: any Method
  /// Settings of training; nil for closed forms.
  let training: TrainingConfiguration?
  /// Pairs to learn from, as the method takes them.
  let data: FeaturizedSplit
  /// Featurizers by the name of the modality.
  let featurizers: [String: any Featurizer]
  /// What the method learns to give.
  let targets: [FittedTarget]
  /// Pictures that cannot be read, with which what belongs to them was left out.
  let damaged: [DamagedPicture]
  /// What is held back of the split that is learned from, to choose weights by; nil for nothing.
  private let heldBack: HeldBack?
  private let seed: UInt64
  /// Which featurizer each modality has, and its settings.
  private let choices: [FeaturizerChoice]
  private let targetSettings: TargetSettings
  /// Told how far features are computed.
  private let progress: (FeatureProgress) -> Void

  /// - Parameters:
  ///   - settings: of features and threads.
  ///   - isResuming: weights come from a checkpoint, not from files that the settings name.
  ///   - progress: told how far features are computed.
  ///   - plan: the method and its settings; called when it is known that the data suit the method.
  /// - Throws: what is wrong with settings or data.
  init(
    _ type: any Method.Type, from whole: Split, settings: RunSettings, seed: UInt64, isResuming: Bool = false,
    note: (String) -> Void, progress: @escaping (FeatureProgress) -> Void = { _ in },
    plan: () throws -> MethodPlan
  ) throws {
    self.seed = seed
    self.progress = progress
    let description = whole.description
    try Self.suits(type, description)
    // Set even when it stays as it is, so that the matrix library does not choose by itself how many it uses.
    try Runtime.setThreads(settings.threads ?? Runtime.threads)
    // A key that nobody knows is told before features are computed.
    var plan = try plan()
    var settings = settings
    let published = try PublishedResolution(plan, settings, description)
    (plan, settings) = (published.plan, published.settings)
    for text in published.notes { note(text) }
    var choices = try FeaturizerChoice.all(for: type, settings, description)
    (training, targetSettings) = (plan.training, plan.targets)
    let (readable, damaged) = try whole.withoutDistractors().withoutDamagedPictures(
      sides: Array(description.modalities.indices))
    self.damaged = damaged
    if !damaged.isEmpty { note(damaged.sentence) }
    heldBack = try training.flatMap { try HeldBack(of: readable, $0, seed: seed) }
    if let heldBack { note(heldBack.sentence) }
    let split = heldBack?.kept ?? readable
    choices = try FeaturizerChoice.rescaling(choices, of: split)
    var featurizers: [String: any Featurizer] = [:]
    // A split that is not there is told before features are computed.
    let counted = try choices.map { choice in
      try choice.splits?.map {
        $0 == whole.name
          ? split : try whole.source.split($0).withoutDistractors().withoutDamagedPictures().split
      } ?? [split]
    }
    let together = try FeaturizerChoice.settleSharing(&choices, of: split)
    self.choices = choices
    for (place, (choice, splits)) in zip(choices, counted).enumerated() {
      let name = description.modalities[choice.side].name
      if let first = together.first, together.contains(place), place != first {
        let other = description.modalities[choices[first].side].name
        note("features of \(name): \(choice.name), with the words of \(other)")
        featurizers[name] = featurizers[other]
        continue
      }
      note("features of \(name): \(choice.name)")
      // Texts that say much with the same words are counted together.
      let sides = together.contains(place) ? together.map { choices[$0].side } : [choice.side]
      let featurizer = try Featurizers.fit(
        choice.name, to: splits, sides: sides, settings: .object(choice.settings), seed: seed)
      featurizer.notes.forEach(note)
      featurizers[name] = featurizer
    }
    self.featurizers = featurizers
    targets = try targetSettings.fitted(to: split, note)
    var data = try FeaturizedSplit(
      split, description.modalities.map { featurizers[$0.name] }, targets: targets, progress: progress)
    method = try plan.make(data.description)
    let assets = (method as? any Trainable)?.assets ?? []
    if let pairs = assets.first(where: { $0.kind == .pairs }) {
      guard heldBack == nil else {
        throw ConfigurationError.badValue(
          key: "hold_back", value: "\(training?.holdBack ?? 0)",
          expected: "possible with \(pairs.key), whose rows are those of all pairs: set 0")
      }
      data.givenPairs = try GivenPairs(pairs.file, of: data)
    }
    self.data = data
    if !isResuming {
      try begin(with: assets, note)
      if let warning = Self.warning(
        ofFew: data, of: description, assets,
        knowsPictures: featurizers.values.contains { $0 is EncoderFeaturizer })
      {
        note("warning: \(warning)")
      }
    }
  }

  /// Pairs below which little is learned of what pictures show. Of 296 emoji, 8 to 12 % are found among the first ten by
  /// their names after 80 pairs, 20 to 25 % after 300, 30 to 38 % after 600.
  private static let few = 500

  /// What is to be said where pictures are to be understood from too few pairs alone; nil otherwise.
  private static func warning(
    ofFew data: FeaturizedSplit, of description: DataDescription, _ assets: [Asset], knowsPictures: Bool
  ) -> String? {
    guard data.count < few, description.modalities.count > 1,
      let pictures = description.modalities.first(where: { $0.kind == .images }),
      !assets.contains(where: { [.weights, .published].contains($0.kind) }), !knowsPictures
    else { return nil }
    return
      "\(data.count) pairs are few to learn what \(pictures.name) shows; expect little more than colors and layout "
      + "to be found. It takes some thousands, or a network with published weights (pictures.weights of clip or vsepp)"
  }

  /// What a user wrote, on a split of a data set.
  init(
    _ type: any Method.Type, settings: RunSettings, data: DataSet, split: String, seed: UInt64,
    isResuming: Bool = false, note: (String) -> Void,
    progress: @escaping (FeatureProgress) -> Void = { _ in }
  ) throws {
    let whole = try data.split(split)
    try self.init(
      type, from: whole, settings: settings, seed: seed, isResuming: isResuming, note: note,
      progress: progress
    ) { try type.plan(settings.method, pairs: whole.count) }
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

  /// Mixes published weights into those that were trained on, where the settings say so.
  func averagePublished() throws {
    guard let branches = method as? JointBranches, branches.publishedShare > 0 else { return }
    try branches.averagePublished(with: AssetContents(of: branches.assets.filter { $0.kind == .published }))
  }

  /// Another split of the data set, as the method takes it.
  ///
  /// - Parameter note: told which pictures are left out because they cannot be read.
  func pairs(of name: String, _ note: (String) -> Void = { _ in }) throws -> FeaturizedSplit {
    let (split, damaged) = try data.split.source.split(name).withoutDamagedPictures()
    if !damaged.isEmpty { note("\(name): " + damaged.sentence) }
    return try FeaturizedSplit(
      split, split.description.modalities.map { featurizers[$0.name] }, targets: targets, progress: progress)
  }

  /// The pairs to measure on in the course of training: those of the split that the settings name, else of one that is
  /// called val, dev or validation, else those that are held back; nil where there is none or nothing is to be measured.
  ///
  /// - Parameter note: told which pictures are left out because they cannot be read.
  func heldOut(_ note: (String) -> Void = { _ in }) throws -> FeaturizedSplit? {
    let names = data.split.source.splitNames
    guard let training else { return nil }
    if let wanted = training.validation {
      guard names.contains(wanted) else { throw TrainingError.noValidation(wanted, known: names) }
      return try pairs(of: wanted, note)
    }
    guard training.evaluateEvery > 0 else { return nil }
    if let name = HeldBack.splits.first(where: names.contains) { return try pairs(of: name, note) }
    return try heldBack.map { held in
      try FeaturizedSplit(
        held.held, held.held.description.modalities.map { featurizers[$0.name] }, targets: targets,
        progress: progress)
    }
  }

  /// Learns in closed form.
  func fit(_ note: (String) -> Void) throws {
    guard let fittable = method as? any Fittable else {
      throw MethodError.unsuitable(method: name, reason: "is trained by gradient, not fitted")
    }
    note("fitting \(name) to \(data.count) pairs")
    try fittable.fit(to: data, seed: seed)
  }

  /// The method as one that is trained, with its settings.
  func trainable() throws -> (method: any Trainable, training: TrainingConfiguration) {
    guard let trainable = method as? any Trainable, let training else {
      throw MethodError.unsuitable(method: name, reason: "is fitted, not trained by gradient")
    }
    return (trainable, training)
  }

  private var name: String { Swift.type(of: method).description.name }

  /// The run of the method.
  func run(_ record: RunRecord) -> Run {
    Run(record: record, method: method, featurizers: featurizers, targets: targets)
  }

  /// What `config.yaml` says.
  func record(device: Device = .cpu) throws -> RunRecord {
    RunRecord(
      method: Swift.type(of: method).description.name, configuration: try method.settings(),
      training: try training?.tree() ?? .null, chosen: try method.reasons(),
      features: FeaturizerFiles.record(choices, featurizers, of: data.split.description),
      targets: targetSettings.record(of: targets), seed: seed,
      threads: Runtime.threads, device: device.description, dataPath: data.split.source.path ?? "",
      split: data.split.name,
      fingerprint: try data.split.source.fingerprint(), data: data.split.description,
      skipped: damaged.map(\.file), heldBack: heldBack?.rows ?? [])
  }

  private static func suits(_ type: any Method.Type, _ data: DataDescription) throws {
    let about = type.description
    guard about.modalities.contains(data.modalities.count) else {
      throw MethodError.unsuitable(
        method: about.name,
        reason: "relates \(about.modalities.words) modalities; \(data.name) has \(data.modalities.count)")
    }
  }
}

extension Method {
  /// Every setting, for use through `any Method`.
  func settings() throws -> JSON { try configuration.tree() }

  /// Why settings are what they are, by key: what a fit chose, and the reasons of those that are defaults.
  func reasons() throws -> JSON {
    let found = (self as? any FitReporting)?.fitReport?.sections(ChosenSettings.self) ?? []
    let chosen = found.flatMap(\.reasons).map { JSON.Member($0.key, .string($0.reason)) }
    let (own, defaults) = (try configuration.tree(), try Configuration().tree())
    let standing = Configuration.keys.compactMap { key in
      key.reason.flatMap { own[key.name] == defaults[key.name] ? JSON.Member(key.name, .string($0)) : nil }
    }
    return .object(chosen + standing.filter { member in !chosen.contains { $0.key == member.key } })
  }
}

extension DataDescription {
  /// The same data with what the featurizers make of them.
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
