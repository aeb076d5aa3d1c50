import Foundation
import Torch

/// CLIP's objective (Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML
/// 2021): cross-entropy of cosines times a learned scale, averaged over both directions.
///
/// Differs from open_clip: items known to match are never each other's negatives.
public final class CLIP: JointBranches, Trainable, JointEmbedding, PublishedScaleTaking {
  public static let description = MethodDescription(
    name: "clip", family: .metric, task: .retrieval,
    summary: "finds each item's partner among the batch by cosine, with a learned temperature",
    citation:
      "A. Radford et al., Learning transferable visual models from natural language supervision, ICML 2021",
    accepts: [.vector, .set, .sequence, .images, .tokens])

  public struct Configuration: BranchSettings {
    public var initTemperature = 0.07
    public var learnTemperature = true
    public var maxLogitScale = 100.0
    public var multiPositive = true
    public var symmetric = true
    public var gather = Gathering.exact
    public var memory = MemorySettings()
    public var positives: Positives?
    public var networks = NetworkSettings()

    public init() {}

    public static let keys: [ConfigurationKey] =
      [
        ConfigurationKey("init_temperature", "divides the cosines at the start", in: .above(0)),
        ConfigurationKey("learn_temperature", "learn the temperature"),
        ConfigurationKey("max_logit_scale", "largest factor of the cosines; the smallest is 1", in: .from(1)),
        ConfigurationKey(
          "multi_positive",
          "items that belong to several of the batch share the target; false takes the paired one alone"),
        ConfigurationKey(
          "symmetric", "average both directions; false has the first modality find the second alone"),
        Gathering.key,
        MemorySettings.key,
        Positives.key,
        BranchAlignmentSettings.key,
      ] + NetworkSettings.keys

    public func validateRelations() throws {
      try validateNetworks()
      try require(memory.size == 0 || gather == .exact, "gather", gather.rawValue, "exact with a memory")
    }
  }

  public let configuration: Configuration
  /// Logarithm of what the cosines are multiplied with, a scalar.
  @Parameter private var logitScale: Tensor
  var memory: MemoryBank?

  public let metric = Metric.cosine

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    self.configuration = configuration
    let start = Float(-log(configuration.initTemperature))
    _logitScale = Parameter(wrappedValue: try Tensor(start).requiringGradient(), "logit_scale")
    memory = try MemoryBank(of: configuration, for: data)
    try super.init(settings: configuration, data: data) {
      try configuration.branch(on: data.modalities[$0], side: $0, using: $1)
    }
  }

  public func encode(_ items: Items, side: Int) throws -> Features {
    try features(items, side: side, normalizes: true)
  }

  // MARK: - Learning

  /// Where published weights come with a scale, it starts from theirs, unless the settings say another.
  public override func begin(with contents: AssetContents) throws {
    try super.begin(with: contents)
    guard configuration.initTemperature == Configuration().initTemperature else { return }
    for encoder in publishedEncoders {
      if let model = encoder.weightsFile.flatMap({ contents.published[$0] }) { try takeScale(of: model) }
    }
  }

  /// Without a split to choose weights by, a tenth of the pairs is held back: many epochs learn the pairs by heart.
  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = standardTraining
    training.holdBack = 0.1
    return training
  }

  /// The scale does not decay; without `learn_temperature` it is not trained.
  public override func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup] {
    let scale = parameters.filter { $0.name == "logit_scale" }
    let networks = groups(of: parameters.filter { $0.name != "logit_scale" })
    return configuration.learnTemperature ? networks + [ParameterGroup(scale, weightDecay: 0)] : networks
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    if step.isTraining { try limitScale() }
    let step = configuration.gather == .exact ? step : step.alone
    let known = try matches(batch, step)
    let matches = configuration.multiPositive ? known : try Matches(pairs: known.count, on: step.device)
    let scale = try step.shared(logitScale)
    let objective = try PairObjective(
      SoftmaxContrast(logScale: scale), symmetric: configuration.symmetric,
      chunk: Self.blockRows(matches.count))
    var value = try value(batch, step) { x, y in
      let (x, y) = (try step.gathered(x), try step.gathered(y))
      let value = try objective(x, y, matches)
      guard let memory else { return value }
      return try memory.adding(
        to: value, objective, [x, y], ids: ids(batch, step), symmetric: configuration.symmetric,
        configuration.memory, step)
    }
    value.parts.append(("logit_scale", try logitScale.detached().exp()))
    return try Loss(value)
  }

  var scales: [(name: String, parameter: Parameter)] { [("logit_scale", _logitScale)] }

  public func finish(on data: some TrainingSet, _ preparation: Preparation) throws { try limitScale() }

  /// Keeps the factor between 1 and `max_logit_scale`.
  private func limitScale() throws {
    let now: Double = try logitScale.item()
    let most = log(configuration.maxLogitScale)
    guard now < 0 || now > most else { return }
    let isTrained = logitScale.requiresGradient
    let limited = try logitScale.detached().clamped(from: 0, to: most)
    logitScale = isTrained ? try limited.requiringGradient() : limited
  }
}
