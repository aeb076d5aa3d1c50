import Torch

/// What a batch's pairs are told apart by.
public enum Positives: String, Sendable, Codable, CaseIterable {
  /// Items of one pair match; items that are known to belong to several pairs match in all of them.
  case pair
  /// Items of one class match.
  case `class`

  static let key = ConfigurationKey(
    "positives",
    "what matches: pair (paired items) or class (items of one class); null chooses pair for two modalities")
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
  var networks: NetworkSettings { get }
  /// Nil chooses: `pair` for two modalities, `class` for one.
  var positives: Positives? { get }
  /// What is remembered of past batches.
  var memory: MemorySettings { get }
}

extension JointSettings {
  public var memory: MemorySettings { MemorySettings() }
}

/// Settings of the methods of metric learning that take any of the networks. Those of the networks are had as the
/// method's own: `settings.hidden` is `settings.networks.hidden`, and in files their keys stand beside the others.
@dynamicMemberLookup
public protocol BranchSettings: JointSettings {
  var networks: NetworkSettings { get set }
  /// Where the networks are those of a paper.
  var style: BranchStyle { get }
  /// The key that chose the network of a modality, for messages.
  func encoderKey(side: Int) -> String
}

extension BranchSettings {
  public static var inlined: String? { "networks" }

  public var style: BranchStyle { BranchStyle() }

  public func encoderKey(side: Int) -> String { "encoder" }

  public subscript<Value>(dynamicMember setting: WritableKeyPath<NetworkSettings, Value>) -> Value {
    get { networks[keyPath: setting] }
    set { networks[keyPath: setting] = newValue }
  }

  func validateNetworks() throws {
    let chunk = networks.chunkSize
    try networks.bert.validate()
    try require(
      chunk == 0 || !networks.alignment.isOn, "chunk_size", chunk,
      "0 where fragments are aligned (alignment.terms)")
    // Statistics of a chunk are not those of the batch.
    try require(
      chunk == 0 || !networks.encoder.values.contains(where: normalizesBatches), "chunk_size", chunk,
      "0 where a network normalises by the batch (one that is finetuned, unless pictures.mode is eval; regions with a "
        + "perceptron; a published ResNet that is not frozen)")
  }

  /// Whether a network uses the statistics of the batch in training.
  private func normalizesBatches(_ kind: EncoderKind) -> Bool {
    switch kind {
    case .cnn: networks.pictures.finetune && networks.pictures.mode != .eval
    case .published:
      networks.published.freeze == .everything
        && networks.published.towers.contains { $0?.sizes.resnet != nil }
    // Of sets, auto is one of regions there.
    case .regions, .auto: style.hasRegionPerceptron
    default: false
    }
  }
}
