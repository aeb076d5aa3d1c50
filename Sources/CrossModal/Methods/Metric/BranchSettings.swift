import Torch

/// What a batch's pairs are told apart by.
public enum Positives: String, Sendable, Codable, CaseIterable {
  /// Items of one pair match; items that are known to belong to several pairs match in all of them.
  case pair
  /// Items of one class match.
  case `class`
}

/// Whether the modalities share one network.
public enum BranchSharing: String, Sendable, Codable, CaseIterable {
  case separate
  case shared
}

/// What several processes compare with each other.
public enum Gathering: String, Sendable, Codable, CaseIterable {
  /// The whole batch, as one process would.
  case exact
  /// Each its own part alone; gradients are averaged. Less is sent, and there are fewer mismatches.
  case none

  static let key = ConfigurationKey(
    "gather",
    "of several processes: exact (the loss of the whole batch, as of one process) or none (each compares its own part "
      + "alone)")
}

/// Settings of every method that maps both modalities to one space with networks of its own.
public protocol JointSettings: MethodConfiguration {
  var embedSize: Int { get }
  var branches: BranchSharing { get }
  /// Bring what has an ``InputScaling`` to mean 0 and deviation 1 over the training part.
  var standardize: Bool { get }
  var standardizeEpsilon: Double { get }
  /// Nil chooses: `pair` for two modalities, `class` for one.
  var positives: Positives? { get }
  var chunkSize: Int { get }
  /// Rates of what was trained before.
  var multipliers: RateMultipliers { get }
  /// What is remembered of past batches.
  var memory: MemorySettings { get }
}

extension JointSettings {
  public var memory: MemorySettings { MemorySettings() }
  public var multipliers: RateMultipliers { RateMultipliers() }
}

/// Settings that every method of metric learning has: its networks, and what they are given.
public protocol BranchSettings: JointSettings {
  var encoder: PerView<EncoderKind> { get }
  var hidden: Int { get }
  var pooling: PerView<FragmentPooling> { get }
  var normalizeFeatures: Bool { get }
  var sizeAugmentation: Bool { get }
  var pictures: PictureSettings { get }
  var text: TextSettings { get }
  var bert: BERTSettings { get }
  var transform: PerView<InputScaling.Transform> { get }
  /// Where the networks are those of a paper.
  var style: BranchStyle { get }
  /// The key that chose the network of a modality, for messages.
  func encoderKey(side: Int) -> String
}

extension BranchSettings {
  public var style: BranchStyle { BranchStyle() }

  public func encoderKey(side: Int) -> String { "encoder" }

  /// The keys that all of these methods have.
  static var branchKeys: [ConfigurationKey] {
    [
      ConfigurationKey("embed_size", "width of the vectors of the common space"),
      ConfigurationKey(
        "encoder",
        "network: \(EncoderKind.choices); a list gives each modality its own; regions of one vector are precomp"
      ),
      ConfigurationKey(
        "hidden", "units of the hidden layer of mlp, channels of the last convolution of conv"),
      ConfigurationKey(
        "pooling",
        "of linear and mlp on a set or a sequence: before (the mean of its vectors, then the network), or mean, max, "
          + "k_max(k) (the mean of the k largest, 10 where no number is said) or gpo (learned weights of the sorted "
          + "values) of what the network makes of each"),
      ConfigurationKey("normalize_features", "divide given vectors by their norms first"),
      ConfigurationKey("size_augmentation", "leave random vectors of sets out in training"),
      ConfigurationKey("pictures", PictureSettings.about),
      ConfigurationKey("text", TextSettings.about),
      ConfigurationKey("bert", BERTSettings.about),
      ConfigurationKey("multipliers", RateMultipliers.about),
      ConfigurationKey(
        "branches",
        "separate networks, or one shared by both modalities (of one width); one modality alone has one"),
      ConfigurationKey(
        "transform", "of each number of the input: none, sqrt or log; a list gives each modality its own"),
      ConfigurationKey("standardize", "bring columns (of pictures, channels) to mean 0 and deviation 1"),
      ConfigurationKey("standardize_epsilon", "added to the deviation"),
      ConfigurationKey(
        "positives",
        "what matches: pair (paired items) or class (items of one class); null chooses pair for two modalities"
      ),
      ConfigurationKey(
        "chunk_size", "items whose graph is in memory at a time (gradient caching); 0 for the whole batch"),
    ]
  }

  func validateBranches() throws {
    try pictures.validate()
    try text.validate()
    try bert.validate()
    try multipliers.validate()
    try requireUnits("embed_size", embedSize)
    try requireUnits("hidden", hidden)
    try require(
      standardizeEpsilon > 0 && standardizeEpsilon.isFinite, "standardize_epsilon", standardizeEpsilon,
      "above 0")
    try require(chunkSize >= 0, "chunk_size", chunkSize, "0 or more")
    // Statistics of a chunk are not those of the batch.
    try require(
      chunkSize == 0 || !encoder.values.contains(where: normalizesBatches), "chunk_size", chunkSize,
      "0 where a network normalises by the batch (one that is finetuned, unless pictures.mode is eval; regions with a "
        + "perceptron)")
  }

  /// Whether a network uses the statistics of the batch in training.
  private func normalizesBatches(_ kind: EncoderKind) -> Bool {
    switch kind {
    case .cnn: pictures.finetune && pictures.mode != .eval
    // Of sets, auto is one of regions there.
    case .regions, .auto: style.hasRegionPerceptron
    default: false
    }
  }
}

extension JointSettings {
  func require(_ holds: Bool, _ key: String, _ value: some Any, _ expected: String) throws {
    guard holds else { throw ConfigurationError.badValue(key: key, value: "\(value)", expected: expected) }
  }

  /// Widths beyond this are typing errors: their weights fit into no memory.
  func requireUnits(_ key: String, _ value: Int) throws {
    try require((1...1 << 20).contains(value), key, value, "1 to \(1 << 20)")
  }

  /// The training that metric learning on vectors starts from.
  static func metricTraining() -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 30
    training.batchSize = 128
    training.learningRate = 1e-3
    training.weightDecay = 1e-4
    return training
  }
}
