import Foundation
import Torch

/// SigLIP's objective (Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023): every pair of the
/// batch is told apart by itself, matching or not, by a sigmoid of its scaled and shifted cosine.
///
/// Better than the softmax in small batches; any number of items may match.
public final class SigLIP: JointBranches, Trainable, JointEmbedding, PublishedScaleTaking {
  public static let description = MethodDescription(
    name: "siglip", family: .metric, task: .retrieval,
    summary: "tells every pair of the batch apart by a sigmoid of its cosine",
    citation:
      "X. Zhai, B. Mustafa, A. Kolesnikov, L. Beyer, Sigmoid loss for language image pre-training, ICCV 2023",
    accepts: [.vector, .set, .sequence, .images, .tokens])

  public struct Configuration: BranchSettings {
    public var initLogitScale = 10.0
    public var initBias = -10.0
    public var multiPositive = true
    public var symmetric = true
    public var gather = Gathering.exact
    public var memory = MemorySettings()
    public var positives: Positives?
    public var networks = NetworkSettings()

    public init() {}

    public static let keys: [ConfigurationKey] =
      [
        ConfigurationKey("init_logit_scale", "factor of the cosines at the start", in: .above(0)),
        ConfigurationKey("init_bias", "added to the scaled cosines at the start", in: .any),
        ConfigurationKey(
          "multi_positive",
          "items that are known to match all count as matches; false takes the paired ones alone"),
        ConfigurationKey(
          "symmetric",
          "compare both modalities with the memory, not the first alone; of a batch both directions are one"),
        Gathering.key,
        MemorySettings.key,
        Positives.key,
      ] + NetworkSettings.keys

    public func validateRelations() throws {
      try validateNetworks()
      try require(memory.size == 0 || gather == .exact, "gather", gather.rawValue, "exact with a memory")
    }
  }

  public let configuration: Configuration
  /// Logarithm of what the cosines are multiplied with, a scalar.
  @Parameter private var logitScale: Tensor
  /// What is added to the scaled cosines, a scalar.
  @Parameter private var logitBias: Tensor
  var memory: MemoryBank?

  public let metric = Metric.cosine

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    self.configuration = configuration
    _logitScale = Parameter(
      wrappedValue: try Tensor(Float(log(configuration.initLogitScale))).requiringGradient(), "logit_scale")
    _logitBias = Parameter(
      wrappedValue: try Tensor(Float(configuration.initBias)).requiringGradient(), "logit_bias")
    memory = try MemoryBank(of: configuration, for: data)
    try super.init(settings: configuration, data: data) {
      try configuration.branch(on: data.modalities[$0], side: $0, using: $1)
    }
  }

  public func encode(_ items: Items, side: Int) throws -> Features {
    try features(items, side: side, normalizes: true)
  }

  // MARK: - Learning

  /// Where published weights come with a scale and a bias, they start from theirs, unless the settings say others.
  public override func begin(with contents: AssetContents) throws {
    try super.begin(with: contents)
    let usual = Configuration()
    guard configuration.initLogitScale == usual.initLogitScale, configuration.initBias == usual.initBias
    else {
      return
    }
    for encoder in publishedEncoders {
      if let model = encoder.weightsFile.flatMap({ contents.published[$0] }) { try takeScale(of: model) }
    }
  }

  var scales: [(name: String, parameter: Parameter)] {
    [("logit_scale", _logitScale), ("logit_bias", _logitBias)]
  }

  /// Without a split to choose weights by, a tenth of the pairs is held back: many epochs learn the pairs by heart.
  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = standardTraining
    training.holdBack = 0.1
    return training
  }

  /// Scale and bias do not decay.
  public override func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup] {
    let isOwn = { (entry: StateEntry) in entry.name == "logit_scale" || entry.name == "logit_bias" }
    return groups(of: parameters.filter { !isOwn($0) })
      + [ParameterGroup(parameters.filter(isOwn), weightDecay: 0)]
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let step = configuration.gather == .exact ? step : step.alone
    let known = try matches(batch, step)
    let matches = configuration.multiPositive ? known : try Matches(pairs: known.count, on: step.device)
    let loss = SigmoidContrast(logScale: try step.shared(logitScale), bias: try step.shared(logitBias))
    let objective = try PairObjective(loss, chunk: Self.blockRows(matches.count))
    var value = try value(batch, step) { x, y in
      let (x, y) = (try step.gathered(x), try step.gathered(y))
      let value = try objective(x, y, matches)
      guard let memory else { return value }
      return try memory.adding(
        to: value, objective, [x, y], ids: ids(batch, step), symmetric: configuration.symmetric,
        configuration.memory, step)
    }
    value.parts.append(("logit_scale", try logitScale.detached().exp()))
    value.parts.append(("logit_bias", try logitBias.detached()))
    return try Loss(value)
  }
}
