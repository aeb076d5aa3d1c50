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

/// Settings that every method of metric learning has: its networks, and what they are given.
public protocol BranchSettings: MethodConfiguration {
  var embedSize: Int { get }
  var encoder: PerView<EncoderKind> { get }
  var hidden: Int { get }
  var branches: BranchSharing { get }
  var transform: PerView<InputScaling.Transform> { get }
  var standardize: Bool { get }
  var standardizeEpsilon: Double { get }
  /// Nil chooses: `pair` for two modalities, `class` for one.
  var positives: Positives? { get }
  var chunkSize: Int { get }
}

extension BranchSettings {
  /// The keys that all of these methods have.
  static var branchKeys: [ConfigurationKey] {
    [
      ConfigurationKey("embed_size", "width of the vectors of the common space"),
      ConfigurationKey(
        "encoder",
        "network: auto (mlp on vectors, conv on pictures), linear, mlp, conv or drlim-conv; a list gives each modality its own"
      ),
      ConfigurationKey(
        "hidden", "units of the hidden layer of mlp, channels of the last convolution of conv"),
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
    try require(embedSize >= 1, "embed_size", embedSize, "1 or more")
    try require(hidden >= 1, "hidden", hidden, "1 or more")
    try require(
      standardizeEpsilon > 0 && standardizeEpsilon.isFinite, "standardize_epsilon", standardizeEpsilon,
      "above 0")
    try require(chunkSize >= 0, "chunk_size", chunkSize, "0 or more")
  }

  func require(_ holds: Bool, _ key: String, _ value: some Any, _ expected: String) throws {
    guard holds else { throw ConfigurationError.badValue(key: key, value: "\(value)", expected: expected) }
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
