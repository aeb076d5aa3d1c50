import Torch

/// Stacked cross attention for matching images and texts (Lee, Chen, Hua, Hu & He, ECCV 2018): words attend to image
/// regions, or regions to words, and an image and a text match as well as what they attend to fits.
///
/// Names and settings are those of the authors' program. Differs from its defaults in what people forget: the hardest
/// negatives and both directions of the text encoder are on.
public final class SCAN: Module, Trainable, Alignment {
  public static let description = MethodDescription(
    name: "scan", family: .attention, task: .retrieval,
    summary:
      "matches every word with the image regions it names, or every region with the words that name it",
    citation:
      "K.-H. Lee, X. Chen, G. Hua, H. Hu, X. He, Stacked cross attention for image-text matching, ECCV 2018",
    accepts: [.set, .sequence, .tokens])

  public struct Configuration: RegionWordConfiguration {
    public var crossAttn = CrossAttention.Direction.t2i
    public var aggFunc = CrossAttention.Aggregation.logSumExp
    public var rawFeatureNorm = CrossAttention.Normalization.clippedL2norm
    /// Nil for 9 (t2i) or 4 (i2t).
    public var lambdaSoftmax: Double?
    /// Nil for 6 (t2i) or 5 (i2t).
    public var lambdaLse: Double?
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
        ConfigurationKey("cross_attn", "t2i (words attend to regions) or i2t (regions attend to words)"),
        ConfigurationKey(
          "agg_func", "how relevances become a score: LogSumExp, Mean (the paper's AVG), Max or Sum"),
        CrossAttention.Normalization.key,
        ConfigurationKey(
          "lambda_softmax", "how sharp attention is; null for 9 (t2i) or 4 (i2t)", in: .from(0, or: "null")),
        ConfigurationKey(
          "lambda_lse", "how sharp LogSumExp is; null for 6 (t2i) or 5 (i2t)", in: .from(0, or: "null")),
      ] + learningKeys

    public func validateRelations() throws {
      // Scores are float32, where the smallest numbers are 0.
      try require(
        aggFunc != .logSumExp || Float(attention.lambdaLSE) > 0, "lambda_lse", attention.lambdaLSE,
        "above 0, which LogSumExp needs")
      try validateLearning()
    }

    /// The attention of these settings.
    public var attention: CrossAttention {
      var attention = CrossAttention()
      attention.direction = crossAttn
      attention.normalization = rawFeatureNorm
      attention.aggregation = aggFunc
      attention.lambdaSoftmax = lambdaSoftmax ?? (crossAttn == .t2i ? 9 : 4)
      attention.lambdaLSE = lambdaLse ?? (crossAttn == .t2i ? 6 : 5)
      return attention
    }
  }

  public let configuration: Configuration
  let sides: RegionsAndWords
  @Named var encoders: RegionWordEncoders

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    self.configuration = configuration
    sides = try RegionsAndWords(data, for: Self.description)
    _encoders = Named(
      wrappedValue: try configuration.encoders(sides, using: Generator(seed: 0)), "")
  }

  // MARK: - Features and scores

  public func encode(_ items: Items, side: Int) throws -> Features {
    try withoutGradient { try encoders(items, side: side, blocks: true).packed() }
  }

  public func similarity(_ x: Features, _ y: Features) throws -> Tensor {
    try sides.scores(x, y) { try configuration.attention.scores($0, $1) }
  }

  public static func ownNames(ofOfficial names: [String]) -> [String]? {
    ImageTextCheckpoint.ownNames(of: names)
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
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let (regions, words) = try encoders.gathered(batch, step)
    return try Loss(
      configuration.loss(ofScores: configuration.attention.scores(regions, words), batch, step))
  }
}
