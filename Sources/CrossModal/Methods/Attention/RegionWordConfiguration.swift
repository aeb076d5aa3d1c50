import Torch

/// Settings of methods that score regions against words and learn by the hinge loss of those scores: the encoders and
/// the learning of SCAN (Lee et al., ECCV 2018), which IMRAM has too.
protocol RegionWordConfiguration: MethodConfiguration {
  var margin: Double { get set }
  var maxViolation: Bool { get set }
  var warmupEpochs: Int { get }
  var warmupReduction: Reduction { get }
  var maskSameImage: Bool { get }
  var embedSize: Int { get set }
  var wordDim: Int { get set }
  var numLayers: Int { get set }
  var biGru: Bool { get set }
  var precompEncType: RegionEncoder.Kind { get set }
  var noImgnorm: Bool { get set }
  var noTxtnorm: Bool { get set }
  var dropLast: Bool { get }
}

extension RegionWordConfiguration {
  /// The keys of these settings.
  static var learningKeys: [ConfigurationKey] {
    [
      ConfigurationKey("margin", "of the hinge loss, in units of the score", in: .from(0)),
      ConfigurationKey("max_violation", "only the hardest negatives of a batch count, or all"),
      ConfigurationKey(
        "warmup_epochs", "epochs in which all negatives count, before the hardest alone; for noisy data",
        in: .count(from: 0)),
      ConfigurationKey("warmup_reduction", "of the loss in those epochs: mean over the pairs, or sum"),
      ConfigurationKey(
        "mask_same_image", "captions of one image are no negatives of each other's image in a batch"),
      ConfigurationKey("embed_size", "width of the common space", in: .units),
      ConfigurationKey("word_dim", "width of the word vectors", in: .units),
      ConfigurationKey("num_layers", "layers of the text encoder", in: .layers),
      ConfigurationKey("bi_gru", "read texts in both directions"),
      ConfigurationKey("precomp_enc_type", "the map of the regions: basic or weight_norm"),
      ConfigurationKey("no_imgnorm", "leave region vectors as long as they are"),
      ConfigurationKey("no_txtnorm", "leave word vectors as long as they are"),
      ConfigurationKey("drop_last", "leave out the last batch of an epoch where it is smaller"),
    ]
  }

  func validateLearning() throws {
    try require(
      warmupReduction == .mean || warmupReduction == .sum, "warmup_reduction", warmupReduction.rawValue,
      "mean or sum")
  }

  /// The encoders of these settings.
  ///
  /// - Parameter map: what the official program calls the map of the regions.
  func encoders(
    _ sides: RegionsAndWords, map: String = "fc", using generator: Generator
  ) throws -> RegionWordEncoders {
    RegionWordEncoders(
      sides,
      regions: try RegionEncoder(
        from: sides.regionWidth, to: embedSize, precompEncType, named: map, using: generator),
      words: try GRUTextEncoder(
        vocabulary: sides.vocabulary, wordSize: wordDim, size: embedSize, layers: numLayers,
        bidirectional: biGru, using: generator),
      normalizesRegions: !noImgnorm, normalizesWords: !noTxtnorm)
  }

  /// The loss of these settings.
  func ranking(isWarmingUp: Bool) throws -> HingeRanking {
    try HingeRanking(
      margin: margin, negatives: maxViolation && !isWarmingUp ? .hardest : .sum,
      reduction: isWarmingUp ? warmupReduction : .sum)
  }

  /// The loss of the scores of a batch, with several processes of the whole of it.
  func loss(ofScores scores: Tensor, _ batch: Batch, _ step: Step) throws -> ObjectiveValue {
    let numbers = try Tensor.range(0..<scores.size(along: 0)).to(scores.device)
    let matches =
      maskSameImage
      ? Matches(
        anyOf: try batch.rows.prefix(2).map { rows in
          let ids = try Tensor(step.gathered(rows)).to(scores.device)
          return (x: ids, y: ids)
        })
      : Matches(ids: numbers, numbers)
    return try ranking(isWarmingUp: step.epoch < warmupEpochs).loss(ofScores: scores, matches)
  }

  func sampler(for data: some TrainingSet, _ training: TrainingConfiguration) -> ShuffledSampler {
    ShuffledSampler(count: data.count, batchSize: training.batchSize ?? data.count, dropsLast: dropLast)
  }
}

extension CrossAttention.Normalization {
  static let key = ConfigurationKey(
    "raw_feature_norm",
    "how similarities are normalised before attention: "
      + allCases.map(\.rawValue).joined(separator: ", "))
}

extension TrainingConfiguration {
  /// Training as SCAN's authors ran it, and those who built on it.
  static var regionsAndWords: TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 30
    training.batchSize = 128
    training.learningRate = 2e-4
    training.gradientClip = 2
    training.schedule = Schedule(kind: .step, every: 15, gamma: 0.1)
    return training
  }
}
