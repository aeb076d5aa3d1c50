import Torch

/// Iterative matching with recurrent attention memory (Chen, Ding, Liu, Lin, Liu & Han, CVPR 2020): ``SCAN`` several
/// times over, where words or regions take in what they attended to before they attend again, from things that are easily
/// found to what relates them. The score is the sum of the scores of all steps.
///
/// Names and settings are those of the authors' program. Differs from it in what has no effect there: the change after
/// the last step is left out. With one step it is ``SCAN`` that pools by the mean.
public final class IMRAM: Module, Trainable, Alignment {
  public static let description = MethodDescription(
    name: "imram", family: .attention, task: .retrieval,
    summary: "matches words with image regions in several steps, each with what the one before it found",
    citation:
      "H. Chen, G. Ding, X. Liu, Z. Lin, J. Liu, J. Han, IMRAM: Iterative matching with recurrent attention "
      + "memory for cross-modal image-text retrieval, CVPR 2020",
    accepts: [.set, .sequence, .tokens])

  /// Who attends; names of the authors' program.
  public enum Mode: String, Sendable, Codable, CaseIterable {
    /// Words attend to regions.
    case text = "text_IMRAM"
    /// Regions attend to words.
    case image = "image_IMRAM"
    /// Both, and their scores are added up.
    case full = "full_IMRAM"

    /// The passes over the pairs.
    var directions: [CrossAttention.Direction] {
      switch self {
      case .text: [.t2i]
      case .image: [.i2t]
      case .full: [.t2i, .i2t]
      }
    }
  }

  public struct Configuration: RegionWordConfiguration {
    public var modelMode = Mode.full
    public var iterationStep = 3
    public var memory = MemoryUnit.Kind.gate
    public var noImramNorm = false
    public var rawFeatureNorm = CrossAttention.Normalization.clippedL2norm
    public var lambdaSoftmax = 9.0
    public var margin = 0.2
    public var maxViolation = true
    public var warmupEpochs = 0
    public var warmupReduction = Reduction.mean
    public var maskSameImage = false
    public var embedSize = 1024
    public var wordDim = 300
    public var numLayers = 1
    public var biGru = true
    public var precompEncType = RegionEncoder.Kind.basic
    public var noImgnorm = false
    public var noTxtnorm = false
    public var dropLast = false

    public init() {}

    public static let keys =
      [
        ConfigurationKey(
          "model_mode",
          "text_IMRAM (words attend to regions), image_IMRAM (regions attend to words) or full_IMRAM (both)"),
        ConfigurationKey(
          "iteration_step", "how often they attend; 1 is SCAN that pools by the mean", in: .count(1...64)),
        ConfigurationKey(
          "memory",
          "how what attends takes in what it found: gate (the paper's), mlp (one layer) or add (their sum)"),
        ConfigurationKey(
          "no_imram_norm", "leave vectors as long as they are after they took it in",
          aliases: ["no_IMRAM_norm"]),
        CrossAttention.Normalization.key,
        ConfigurationKey("lambda_softmax", "how sharp attention is", in: .from(0)),
      ] + learningKeys

    public func validateRelations() throws { try validateLearning() }

    /// The attention of one pass.
    func attention(_ direction: CrossAttention.Direction) -> RecurrentAttention {
      var attention = CrossAttention()
      attention.direction = direction
      attention.normalization = rawFeatureNorm
      attention.lambdaSoftmax = lambdaSoftmax
      return RecurrentAttention(attention, steps: iterationStep, normalizesMemory: !noImramNorm)
    }
  }

  public let configuration: Configuration
  let sides: RegionsAndWords
  @Named var encoders: RegionWordEncoders
  /// Of the words that attend, and of the regions; both are there whoever attends, as in the authors' checkpoints.
  @Named private var wordMemory: MemoryUnit
  @Named private var regionMemory: MemoryUnit

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    self.configuration = configuration
    sides = try RegionsAndWords(data, for: Self.description)
    let generator = try Generator(seed: 0)
    func memory(_ pass: String) throws -> MemoryUnit {
      try MemoryUnit(configuration.memory, size: configuration.embedSize, pass: pass, using: generator)
    }
    _encoders = Named(
      wrappedValue: try configuration.encoders(sides, map: "fc_local", using: generator), "")
    _wordMemory = Named(wrappedValue: try memory("t2i"), "")
    _regionMemory = Named(wrappedValue: try memory("i2t"), "")
  }

  // MARK: - Features and scores

  /// The passes over the pairs, each with its memory.
  ///
  /// - Parameter step: of training, where several processes share the gradient of the memory.
  func passes(_ step: Step? = nil) throws -> [RecurrentAttention.Pass] {
    try configuration.modelMode.directions.map { direction in
      let unit = direction == .t2i ? wordMemory : regionMemory
      return (configuration.attention(direction), try unit.weights(step))
    }
  }

  public func encode(_ items: Items, side: Int) throws -> Features {
    try withoutGradient { try encoders(items, side: side, blocks: true).packed() }
  }

  public func similarity(_ x: Features, _ y: Features) throws -> Tensor {
    try withoutGradient {
      try sides.scores(x, y) { regions, words in
        try Tensor.concatenated(passes().map { try $0.attention.scores(regions, words, $0.memory) })
          .sum(along: 0)
      }
    }
  }

  // MARK: - Learning

  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    .regionsAndWords
  }

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    configuration.sampler(for: data, training)
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    try encoders.reset(seed: preparation.seed)
    try wordMemory.reset(using: Generator(seed: mixed(preparation.seed, 2)))
    try regionMemory.reset(using: Generator(seed: mixed(preparation.seed, 3)))
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let (regions, words) = try encoders.gathered(batch, step)
    return try Loss(
      RecurrentAttention.loss(regions, words, passes(step)) {
        try configuration.loss(ofScores: $0, batch, step)
      }.loss)
  }
}
