import Torch

/// Contrastive embedding (Hadsell, Chopra & LeCun, "Dimensionality Reduction by Learning an Invariant Mapping",
/// CVPR 2006): matching items are pulled together, others pushed at least a margin apart.
///
/// Two networks, one a modality, or one of them for both (siamese); all pairs of a batch count. One modality
/// alone learns from its classes. Differs from the paper in its reduction: the mean over matches plus the mean
/// over mismatches, which outnumber them.
public final class Contrastive: JointBranches, Trainable, JointEmbedding {
  public static let description = MethodDescription(
    name: "contrastive", family: .metric, task: .retrieval,
    summary: "pulls matching pairs together and pushes others a margin apart",
    citation:
      "R. Hadsell, S. Chopra, Y. LeCun, Dimensionality reduction by learning an invariant mapping, CVPR 2006",
    accepts: [.vector, .set, .sequence, .images, .tokens], modalities: 1...2)

  public struct Configuration: BranchSettings {
    public var objective = Objective.contrastive
    /// Which formula of the contrastive loss.
    public var kind = ContrastiveLoss.Kind.squared
    /// How far apart mismatches shall be; nil for the kind's own.
    public var margin: Margin?
    /// Of `linear`.
    public var posMargin = 0.0
    public var negMargin = 1.0
    /// Of `triplet_margin`.
    public var triplets = TripletMarginLoss.Triplets.semihard
    public var smooth = false
    public var swap = false
    /// Of `multi_similarity`.
    public var alpha = 2.0
    public var beta = 50.0
    public var base = 0.5
    public var epsilonMargin: Double? = 0.1
    /// Of `circle`.
    public var gamma = 80.0
    /// Of `supcon` and `ntxent`; nil for the loss's own.
    public var temperature: Double?
    /// Divide vectors by their norm.
    public var normalize = true
    /// Nil for `balanced`, of `triplet_margin` `avg_non_zero`.
    public var reduction: Reduction?
    public var negatives = Negatives.all
    /// Average both directions, where the choice of negatives makes a difference.
    public var symmetric = true
    public var gather = Gathering.exact
    public var sampler = Sampling.inBatch
    /// `in_batch`, or a file of pairs that are said to be similar or dissimilar.
    public var pairs = Self.inBatch
    static let inBatch = "in_batch"
    /// The file of pairs; nil where those of a batch count.
    var pairFile: String? { pairs == Self.inBatch ? nil : pairs }
    public var memory = MemorySettings()
    public var positives: Positives?
    public var networks = NetworkSettings()

    public init() {}

    public static let keys: [ConfigurationKey] =
      [
        ConfigurationKey(
          "objective",
          "contrastive, triplet_margin, multi_similarity, circle, supcon (supervised contrast) or ntxent: losses of the pairs of a batch"
        ),
        ConfigurationKey(
          "kind",
          "of contrastive: squared (match ½D², mismatch ½max(0, m−D)²: the paper's), squared_distance_margin (½D², ½max(0, m−D²)), "
            + "linear (max(0, D−pos_margin), max(0, neg_margin−D)) or cosine (1−s, max(0, s−m))"),
        ConfigurationKey(
          "margin",
          "m; null for 1 (0.5 for cosine, 0.2 for triplet_margin, 0.4 for circle); auto for 1.25 times the median distance at the start, for vectors of "
            + "kind squared that are not normalised; linear has pos_margin and neg_margin instead",
          aliases: ["m"], in: .any),
        ConfigurationKey("pos_margin", "of linear: how far apart matches may be", in: .any),
        ConfigurationKey("neg_margin", "of linear: how far apart mismatches shall be", in: .any),
        ConfigurationKey(
          "triplets",
          "of triplet_margin: all, hard, semihard, or batch_hard (the farthest match and the closest mismatch of each item)",
          aliases: ["miner"]),
        ConfigurationKey(
          "swap", "of triplet_margin: the distance of match and mismatch where it is the smaller one"),
        ConfigurationKey("smooth", "of triplet_margin: log(1 + exp(x)) instead of max(0, x)"),
        ConfigurationKey("alpha", "of multi_similarity: sharpness for matches", in: .any),
        ConfigurationKey("beta", "of multi_similarity: sharpness for mismatches", in: .any),
        ConfigurationKey("base", "of multi_similarity: the cosine around which pairs are weighed", in: .any),
        ConfigurationKey(
          "epsilon_margin", "of multi_similarity: slack of its choice of pairs; null for all pairs",
          in: .from(0)),
        ConfigurationKey("gamma", "of circle: scale", in: .any),
        ConfigurationKey(
          "temperature", "of supcon (null: 0.1) and ntxent (null: 0.07): divides the cosines", in: .any),
        ConfigurationKey("normalize", "divide vectors by their norm, which cosines always do"),
        ConfigurationKey(
          "reduction",
          "of contrastive: sum, mean (over all pairs), balanced (mean over matches + mean over mismatches) or "
            + "avg_non_zero (mean over what costs something); of triplet_margin all but balanced; null for balanced, of "
            + "triplet_margin avg_non_zero"),
        ConfigurationKey(
          "negatives", "all, or hard(k): the k closest mismatches of each item", in: .count(from: 1)),
        ConfigurationKey("symmetric", "average both directions where hard negatives make a difference"),
        Gathering.key,
        ConfigurationKey(
          "sampler",
          "in_batch (any pairs) or m_per_class(m) (m pairs of each of some classes, 2 where no number is said)",
          in: .count(from: 2)),
        ConfigurationKey(
          "pairs",
          "in_batch (all pairs of a batch), or a file of pairs that alone count: a line has a row of the first modality, a "
            + "row of the second, and similar or dissimilar; rows of the training part from 0"),
        MemorySettings.key,
        Positives.key,
      ] + NetworkSettings.keys

    public func validateRelations() throws {
      try validateNetworks()
      try require(memory.size == 0 || gather == .exact, "gather", gather.rawValue, "exact with a memory")
      if pairFile != nil {
        try require(memory.size == 0, "memory.size", memory.size, "0 with pairs of a file")
        try require(sampler == .inBatch, "sampler", sampler.rawValue, "in_batch with pairs of a file")
        try require(!pairs.isEmpty, "pairs", "\"\"", "in_batch or a file")
      }
      try validateObjective()
    }

    /// The objective.
    ///
    /// - Parameter margin: instead of `auto`.
    func loss(margin auto: Double) throws -> ContrastiveLoss {
      let number: Double? =
        switch margin {
        case .auto: auto
        case .number(let number): number
        case nil: nil
        }
      do {
        return try ContrastiveLoss(
          kind, margin: kind == .linear ? negMargin : number, positiveMargin: kind == .linear ? posMargin : 0,
          reduction: reduction ?? .balanced)
      } catch ObjectiveError.badSetting(let key, let value, let expected) {
        throw ConfigurationError.badValue(
          key: key == "margin" ? (kind == .linear ? "neg_margin" : "margin") : "pos_margin",
          value: "\(value)",
          expected: expected)
      }
    }
  }

  /// A margin that is given, or chosen from the distances at the start.
  public enum Margin: Sendable, Equatable {
    case number(Double)
    case auto
  }

  /// How batches are put together.
  public enum Sampling: Sendable, Equatable, RawRepresentable {
    /// Any pairs.
    case inBatch
    /// So many pairs of each of some classes.
    case perClass(Int)

    public init?(rawValue: String) {
      switch rawValue {
      case "in_batch": self = .inBatch
      case "m_per_class": self = .perClass(2)
      default:
        guard let count = rawValue.argument(of: "m_per_class").flatMap(Int.init), count >= 2 else {
          return nil
        }
        self = .perClass(count)
      }
    }

    public var rawValue: String {
      if case .perClass(let count) = self { "m_per_class(\(count))" } else { "in_batch" }
    }
  }

  /// Which mismatches count.
  public enum Negatives: Sendable, Equatable {
    case all
    /// The closest few of each item.
    case hard(Int)
  }

  public let configuration: Configuration
  /// The margin in use when it is chosen from the distances at the start.
  @Buffer private var margin: Tensor
  var memory: MemoryBank?

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    self.configuration = configuration
    _margin = Buffer(wrappedValue: try Tensor(Float(1)))
    memory = try MemoryBank(of: configuration, for: data)
    if case .perClass = configuration.sampler, data.classes == nil {
      throw ConfigurationError.badValue(
        key: "sampler", value: configuration.sampler.rawValue,
        expected: "possible: data set '\(data.name)' has no labels")
    }
    try super.init(settings: configuration, data: data) {
      try configuration.branch(on: data.modalities[$0], side: $0, using: $1)
    }
  }

  public var metric: Metric {
    configuration.isAngular ? .cosine : .euclidean
  }

  public func encode(_ items: Items, side: Int) throws -> Features {
    try features(items, side: side, normalizes: metric == .cosine)
  }

  // MARK: - Learning

  /// The files of networks that were trained before, and the one of pairs.
  public override var assets: [Asset] {
    super.assets + (configuration.pairFile.map { [Asset(.pairs, key: "pairs", file: $0)] } ?? [])
  }

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    let size = min(training.batchSize ?? data.count, data.count)
    if let given = data.givenPairs {
      return GivenPairSampler(given, of: data, batchSize: training.batchSize ?? given.pairs.count)
    }
    if let file = configuration.pairFile {
      throw ConfigurationError.badValue(
        key: "pairs", value: file, expected: "among the training data, whose givenPairs are nil")
    }
    guard case .perClass(let views) = configuration.sampler, let labels = data.labels else {
      return try pairSampler(data, training)
    }
    try checkMemory(batch: size)
    try configuration.require(
      size / views >= 2, "batch_size", size, "\(2 * views) or more, for two classes of \(views) pairs")
    return ClassSampler(labels: labels, classes: size / views, views: views)
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    try prepareBranches(data, preparation)
    guard configuration.margin == .auto else { return }
    let sample = try data.sample(512, seed: preparation.seed).to(preparation.device, margin.dtype)
    let distances = try withoutGradient {
      try Distance.euclidean.matrix(
        vectors(sample.items[0], side: 0),
        vectors(sample.items[modalities.count - 1], side: modalities.count - 1))
    }
    let chosen = try 1.25 * distances.flattened().quantiles([0.5]).item()
    margin = try Tensor(chosen).to(margin.dtype).to(margin.device)
    preparation.note("margin \(chosen): 1.25 times the median distance at the start")
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let step = configuration.gather == .exact ? step : step.alone
    let matches = try matches(batch, step)
    let value = try value(batch, step) { x, y in
      let vectors = try [step.gathered(x), step.gathered(y)]
      let scored = Scored(vectors: vectors, matches: matches, batch: batch, step: step)
      return try self.value(of: scored)
    }
    var loss = try Loss(value)
    if step.isTraining { loss.note = try lackOfPairs(value) }
    return loss
  }

  /// Without mismatches all vectors become one, without matches they only go apart.
  private func lackOfPairs(_ value: ObjectiveValue) throws -> String? {
    let lacking = try [("positives", "matches"), ("negatives", "mismatches")].first { name, _ in
      try value.parts.first { $0.name == name }?.value.item() == 0
    }
    return lacking.map {
      "a batch has no \($0.1), from which little can be learned; see batch_size, positives and sampler"
    }
  }

  /// What belongs together, which given pairs say where there are such.
  override func matches(_ batch: Batch, _ step: Step) throws -> Matches {
    guard let given = batch.givenPairs else { return try super.matches(batch, step) }
    let rows = try batch.rows.prefix(2).map { try step.gathered($0) }
    return try Matches(given, rows[0], rows[rows.count - 1], on: step.device)
  }

  /// What an objective is of.
  struct Scored {
    let vectors: [Tensor]
    let matches: Matches
    let batch: Batch
    let step: Step
  }

  /// The margin that was chosen from the distances at the start, where it is to be chosen.
  var chosenMargin: Double {
    get throws { configuration.margin == .auto ? try margin.item() : 1 }
  }

  /// The value of a loss of pairs, with what is remembered of past batches.
  func value<PartLoss: PairLoss>(
    _ loss: PartLoss, _ scored: Scored, miner: any PairMiner = AllPairs()
  ) throws -> ObjectiveValue {
    // Cosines are of unit vectors, whatever `normalize` says.
    let distance = configuration.isAngular ? loss.defaultDistance : Distance(loss.defaultDistance.kind)
    let objective = try PairObjective(
      loss, distance: distance, miner: miner, symmetric: configuration.symmetric,
      chunk: Self.blockRows(scored.matches.count), reportsPairs: true)
    let value = try objective(scored.vectors[0], scored.vectors[1], scored.matches)
    guard let memory else { return value }
    return try memory.adding(
      to: value, objective, modalities.count > 1 ? scored.vectors : [scored.vectors[0]],
      ids: ids(scored.batch, scored.step), symmetric: configuration.symmetric, configuration.memory,
      scored.step)
  }
}

// MARK: - Settings in files

extension Contrastive.Margin: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if try container.decode(String.self) == "auto" {
      self = .auto
    } else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "a number or auto")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .number(let number): try container.encode(number)
    case .auto: try container.encode("auto")
    }
  }
}

extension Contrastive.Sampling: Codable {}

extension Contrastive.Negatives: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    if text == "all" {
      self = .all
    } else if let count = text.argument(of: "hard").flatMap(Int.init) {
      self = .hard(count)
    } else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "all or hard(k)")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .all: try container.encode("all")
    case .hard(let count): try container.encode("hard(\(count))")
    }
  }
}
