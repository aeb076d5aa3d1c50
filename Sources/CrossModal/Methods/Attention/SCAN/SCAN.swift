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

  public struct Configuration: MethodConfiguration {
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

    public static let keys = [
      ConfigurationKey("cross_attn", "t2i (words attend to regions) or i2t (regions attend to words)"),
      ConfigurationKey(
        "agg_func", "how relevances become a score: LogSumExp, Mean (the paper's AVG), Max or Sum"),
      ConfigurationKey(
        "raw_feature_norm",
        "how similarities are normalised before attention: "
          + CrossAttention.Normalization.allCases.map(\.rawValue).joined(separator: ", ")),
      ConfigurationKey("lambda_softmax", "how sharp attention is; null for 9 (t2i) or 4 (i2t)"),
      ConfigurationKey("lambda_lse", "how sharp LogSumExp is; null for 6 (t2i) or 5 (i2t)"),
      ConfigurationKey("margin", "of the hinge loss, in units of the score"),
      ConfigurationKey("max_violation", "only the hardest negatives of a batch count, or all"),
      ConfigurationKey(
        "warmup_epochs", "epochs in which all negatives count, before the hardest alone; for noisy data"),
      ConfigurationKey("warmup_reduction", "of the loss in those epochs: mean over the pairs, or sum"),
      ConfigurationKey(
        "mask_same_image", "captions of one image are no negatives of each other's image in a batch"),
      ConfigurationKey("embed_size", "width of the common space"),
      ConfigurationKey("word_dim", "width of the word vectors"),
      ConfigurationKey("num_layers", "layers of the text encoder"),
      ConfigurationKey("bi_gru", "read texts in both directions"),
      ConfigurationKey("precomp_enc_type", "the map of the regions: basic or weight_norm"),
      ConfigurationKey("no_imgnorm", "leave region vectors as long as they are"),
      ConfigurationKey("no_txtnorm", "leave word vectors as long as they are"),
      ConfigurationKey("drop_last", "leave out the last batch of an epoch where it is smaller"),
    ]

    public func validate() throws {
      // Scores are float32, so settings have to be finite there.
      func isFinite(_ value: Double) -> Bool { Float(value).isFinite }
      let attention = attention
      try require(
        attention.lambdaSoftmax >= 0 && isFinite(attention.lambdaSoftmax), "lambda_softmax",
        attention.lambdaSoftmax, "0 or more")
      try require(
        aggFunc != .logSumExp || Float(attention.lambdaLSE) > 0 && isFinite(attention.lambdaLSE),
        "lambda_lse",
        attention.lambdaLSE, "above 0, which LogSumExp needs")
      try require(margin >= 0 && isFinite(margin), "margin", margin, "0 or more")
      try require(warmupEpochs >= 0, "warmup_epochs", warmupEpochs, "0 or more")
      try require(
        warmupReduction == .mean || warmupReduction == .sum, "warmup_reduction", warmupReduction.rawValue,
        "mean or sum")
      for (key, value) in [("embed_size", embedSize), ("word_dim", wordDim), ("num_layers", numLayers)] {
        try require(value >= 1, key, value, "1 or more")
      }
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

    /// The loss of these settings.
    func ranking(isWarmingUp: Bool) throws -> HingeRanking {
      try HingeRanking(
        margin: margin, negatives: maxViolation && !isWarmingUp ? .hardest : .sum,
        reduction: isWarmingUp ? warmupReduction : .sum)
    }
  }

  public let configuration: Configuration
  @Named private var imageEncoder: RegionEncoder
  @Named private var textEncoder: GRUTextEncoder
  /// Which modality has the words; the other one has the regions.
  let textSide: Int
  private let names: [String]

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    self.configuration = configuration
    names = data.modalities.map(\.name)
    let isText = data.modalities.map { $0.kind == .tokens }
    guard isText.count == 2, isText[0] != isText[1] else {
      throw MethodError.unsuitable(
        method: Self.description.name,
        reason: "relates texts and sets of regions; \(data.name) has "
          + data.modalities.map { "\($0.name) of kind \($0.kind.rawValue)" }.joined(separator: ", "))
    }
    textSide = isText[0] ? 0 : 1
    let (regions, words) = (data.modalities[1 - textSide], data.modalities[textSide])
    guard let width = regions.size, let vocabulary = words.vocabulary else {
      throw MethodError.unsuitable(
        method: Self.description.name,
        reason: "needs the width of \(regions.name) and the number of words of \(words.name)")
    }
    let generator = try Generator(seed: 0)
    _imageEncoder = Named(
      wrappedValue: try RegionEncoder(
        from: width, to: configuration.embedSize, configuration.precompEncType, using: generator), "img_enc")
    _textEncoder = Named(
      wrappedValue: try GRUTextEncoder(
        vocabulary: vocabulary, wordSize: configuration.wordDim, size: configuration.embedSize,
        layers: configuration.numLayers, bidirectional: configuration.biGru, using: generator), "txt_enc")
  }

  // MARK: - Features and scores

  /// Fragments of items in the common space, `[n, l, d]` with lengths; what is behind them means nothing.
  func fragments(_ items: Items, side: Int, blocks: Bool = false) throws -> Features {
    switch items {
    case .tokens(let tokens, let lengths):
      let words =
        blocks
        ? try textEncoder.encode(tokens, lengths: lengths, .states)
        : try textEncoder(tokens, lengths: lengths, .states)
      return Features(configuration.noTxtnorm ? words : try words.unitFragments(), lengths: lengths)
    case .sets(let rows, let lengths), .sequences(let rows, let lengths):
      if let empty = lengths.firstIndex(of: 0) {
        throw MethodError.unsuitable(
          method: Self.description.name, reason: "\(names[side]) \(empty) has no regions")
      }
      let regions = try imageEncoder(rows.to(parameters[0].tensor.dtype))
      return Features(configuration.noImgnorm ? regions : try regions.unitFragments(), lengths: lengths)
    default:
      throw MethodError.unsuitable(
        method: Self.description.name,
        reason: "does not take \(names[side]), whose rows are of kind \(items.kind.rawValue)")
    }
  }

  public func encode(_ items: Items, side: Int) throws -> Features {
    try withoutGradient { try fragments(items, side: side, blocks: true).packed() }
  }

  public func similarity(_ x: Features, _ y: Features) throws -> Tensor {
    textSide == 1
      ? try configuration.attention.scores(x, y)
      : try configuration.attention.scores(y, x).transposed()
  }

  // MARK: - Learning

  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 30
    training.batchSize = 128
    training.learningRate = 2e-4
    training.gradientClip = 2
    training.schedule = Schedule(kind: .step, every: 15, gamma: 0.1)
    return training
  }

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    ShuffledSampler(
      count: data.count, batchSize: training.batchSize ?? data.count, dropsLast: configuration.dropLast)
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    try imageEncoder.reset(using: Generator(seed: mixed(preparation.seed, 0)))
    try textEncoder.reset(using: Generator(seed: mixed(preparation.seed, 1)))
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let sides = try [1 - textSide, textSide].map { side in
      let own = try fragments(batch.items[side], side: side)
      return Features(
        try step.gathered(own.values), lengths: try step.gathered(own.lengths ?? []))
    }
    let scores = try configuration.attention.scores(sides[0], sides[1])
    let numbers = try Tensor.range(0..<scores.size(along: 0)).to(scores.device)
    let matches =
      configuration.maskSameImage
      ? Matches(
        anyOf: try batch.rows.prefix(2).map { rows in
          let ids = try Tensor(step.gathered(rows)).to(scores.device)
          return (x: ids, y: ids)
        })
      : Matches(ids: numbers, numbers)
    return try Loss(
      configuration.ranking(isWarmingUp: step.epoch < configuration.warmupEpochs)
        .loss(ofScores: scores, matches))
  }
}

extension Tensor {
  /// Every fragment divided by its length, with what the authors' program adds to it.
  fileprivate func unitFragments() throws(TorchError) -> Tensor {
    try self / (norm(along: -1, keepingDimension: true) + 1e-8)
  }
}
