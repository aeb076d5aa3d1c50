import Torch

/// N-pair loss (Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NIPS 2016): each
/// item is to find its partner among the partners of all others in the batch.
///
/// Vectors keep their norms, which a penalty holds in check. Both directions are averaged; the paper has one.
public final class NPair: JointBranches, Trainable, JointEmbedding, ObjectClustering {
  public static let description = MethodDescription(
    name: "n-pair", family: .metric, task: .retrieval,
    summary: "finds each item's partner among all partners of the batch, by inner products",
    citation:
      "K. Sohn, Improved deep metric learning with multi-class N-pair loss objective, NIPS 2016",
    accepts: [.vector, .set, .sequence, .images, .tokens], modalities: 1...2)

  /// Which of the paper's losses.
  public enum Form: String, Sendable, Codable, CaseIterable {
    /// One against all others at once (N-pair-mc).
    case mc
    /// One against each other in turn (N-pair-ovo).
    case ovo
    /// The (N+1)-tuplet loss with the batch's other items as negatives.
    case tuplet
  }

  /// How batches are put together.
  public enum Sampling: String, Sendable, Codable, CaseIterable {
    case pairs
    /// Different classes, two items of each.
    case classes
    /// Of four times as many classes those that violate most against each other.
    case hardClasses = "hard_classes"
    /// Any items; items of one class share the target.
    case all
  }

  public struct Configuration: BranchSettings {
    public var form = Form.mc
    public var symmetric = true
    public var l2Reg = 0.02
    public var l2Convention = NormPenalty.Convention.tensorflow
    public var normalize = false
    public var temperature = 1.0
    public var targets = SoftmaxContrast.Targets.soft
    public var sampler: Sampling?
    public var score = Metric.cosine
    public var kmeans = KMeansSettings()
    public var memory = MemorySettings()
    public var positives: Positives?
    public var networks = NetworkSettings()

    public init() {}

    public static let keys: [ConfigurationKey] =
      [
        ConfigurationKey("form", "mc (one against all others), ovo (one against one) or tuplet"),
        ConfigurationKey("symmetric", "average both directions; the paper has one"),
        ConfigurationKey("l2_reg", "weight of the penalty on the vectors' norms; 0 for none", in: .from(0)),
        ConfigurationKey(
          "l2_convention",
          "tensorflow (weight/4 of both means of squares), chainer (weight/2) or pml (mean norm)"),
        ConfigurationKey("normalize", "divide vectors by their norms; wants a temperature below 1"),
        ConfigurationKey("temperature", "divides the scores; 0.07 with normalize is InfoNCE", in: .above(0)),
        ConfigurationKey(
          "targets",
          "of items with several matches: soft (each of them), exclude (others are left out) or distinct (an error)"
        ),
        ConfigurationKey(
          "sampler",
          "pairs, classes (different classes, two items of each), hard_classes (of four times as many the hardest) "
            + "or all (items of one class share the target); null chooses pairs, for one modality classes"),
        ConfigurationKey("score", "how vectors are compared in retrieval: cosine, dot or euclidean"),
        ConfigurationKey("kmeans", KMeansSettings.about, members: KMeansSettings.bounds),
        MemorySettings.key,
        Positives.key,
      ] + NetworkSettings.keys

    public func validateRelations() throws {
      try validateNetworks()
      try require(
        memory.size == 0 || (form == .mc && targets == .soft), "memory", memory.size,
        "0 unless form is mc with soft targets")
    }
  }

  public let configuration: Configuration
  var memory: MemoryBank?
  private let sampling: Sampling

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    var configuration = configuration
    if configuration.sampler == .all { configuration.positives = .class }
    self.configuration = configuration
    sampling = configuration.sampler ?? (data.modalities.count == 1 ? .classes : .pairs)
    if sampling == .pairs || sampling == .all, data.modalities.count == 1 {
      throw ConfigurationError.badValue(
        key: "sampler", value: sampling.rawValue, expected: "classes or hard_classes for one modality alone")
    }
    if sampling == .classes || sampling == .hardClasses, data.classes == nil {
      throw ConfigurationError.badValue(
        key: "sampler", value: sampling.rawValue, expected: "possible: data set '\(data.name)' has no labels")
    }
    if configuration.memory.size > 0 {
      try configuration.require(
        sampling == .pairs || sampling == .all, "memory", configuration.memory.size, "0 with this sampler")
    }
    memory = try MemoryBank(of: configuration, for: data)
    try super.init(settings: configuration, data: data) {
      try configuration.branch(on: data.modalities[$0], side: $0, using: $1)
    }
  }

  public var metric: Metric { configuration.score }

  var clustering: KMeansSettings { configuration.kmeans }

  public func encode(_ items: Items, side: Int) throws -> Features {
    try features(items, side: side, normalizes: configuration.normalize)
  }

  // MARK: - Learning

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    guard sampling == .classes || sampling == .hardClasses, let labels = data.labels else {
      return try pairSampler(data, training)
    }
    // A class with one item has no pair.
    let counts = Dictionary(grouping: labels, by: { $0 }).mapValues(\.count)
    let classes = counts.values.count { $0 > 1 }
    guard classes >= 2 else {
      throw ConfigurationError.badValue(
        key: "sampler", value: sampling.rawValue, expected: "possible: fewer than two classes have two items")
    }
    let compared = min(Self.classes(comparedIn: training), classes)
    let pool = sampling == .hardClasses ? min(4 * compared, classes) : compared
    return PairedClassSampler(
      labels: labels, classes: pool, batchesPerEpoch: max(1, data.count / (2 * compared)))
  }

  /// Classes of two items each that `batch_size` has room for.
  private static func classes(comparedIn training: TrainingConfiguration) -> Int {
    training.batchSize.map { max(2, $0 / 2) } ?? .max
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    try prepareBranches(data, preparation)
    if let labels = data.labels, sampling == .classes || sampling == .hardClasses {
      let lone = Dictionary(grouping: labels, by: { $0 }).values.count { $0.count == 1 }
      if lone > 0 { preparation.note("\(lone) classes with one item are left out") }
    }
    if configuration.normalize, configuration.temperature == 1 {
      preparation.note("normalised vectors learn slowly at temperature 1; 0.07 is usual")
    }
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let size = batch.group.flatMap { $0 > 1 ? $0 : nil }
    let all = size == nil ? try matches(batch, step) : nil
    let labels = size == nil ? [] : try step.gathered(labels(batch))
    return try Loss(
      value(batch, step) { x, y in
        var (anchors, partners) = (try step.gathered(x), try step.gathered(y))
        var matches = all
        if let size {
          // Items of a class stand next to each other: one is the anchor, the next its partner.
          var first = Array(stride(from: 0, to: labels.count - 1, by: size))
          let compared = Self.classes(comparedIn: step.training)
          if sampling == .hardClasses, first.count > compared {
            let start = Int(step.number) % first.count
            first = try HardClasses.chosen(
              anchors.rows(at: first), partners.rows(at: first.map { $0 + 1 }), count: compared,
              first: start
            ).classes.map { first[$0] }
          }
          anchors = try anchors.rows(at: first)
          partners = try partners.rows(at: first.map { $0 + 1 })
          let ids = try Tensor(first.map { labels[$0] }).to(step.device)
          matches = Matches(ids: ids, ids)
        }
        guard let matches else { throw ObjectiveError.empty("pairs") }
        if configuration.targets == .distinct { try checkDistinct(matches) }
        var value = try self.value(anchors, partners, matches)
        let norms = try [anchors, partners].map { try $0.detached().norm(along: 1).mean() }
        value.parts.append(("mean_norm", try (norms[0] + norms[1]) * 0.5))
        guard let memory else { return value }
        return try memory.adding(
          to: value, mcObjective(matches.count), [anchors, partners], ids: ids(batch, step),
          symmetric: configuration.symmetric, configuration.memory, step)
      })
  }

  private func value(_ anchors: Tensor, _ partners: Tensor, _ matches: Matches) throws -> ObjectiveValue {
    switch configuration.form {
    case .mc: try mcObjective(matches.count)(anchors, partners, matches)
    case .tuplet: try objective(softmax(.exclude), matches.count)(anchors, partners, matches)
    case .ovo:
      try objective(NPairOneVersusOne(temperature: configuration.temperature), matches.count)(
        anchors, partners, matches)
    }
  }

  private func softmax(_ targets: SoftmaxContrast.Targets) throws -> SoftmaxContrast {
    let distance: Distance = configuration.normalize ? .cosine : .dot
    guard configuration.temperature != 1 else { return SoftmaxContrast(targets: targets, distance: distance) }
    return SoftmaxContrast(temperature: configuration.temperature, targets: targets, distance: distance)
  }

  private func mcObjective(_ count: Int) throws -> PairObjective<SoftmaxContrast> {
    try objective(softmax(configuration.targets), count)
  }

  private func objective<PartLoss: PairLoss>(_ loss: PartLoss, _ count: Int) throws -> PairObjective<PartLoss>
  {
    try PairObjective(
      loss, distance: configuration.normalize ? .cosine : .dot, symmetric: configuration.symmetric,
      chunk: Self.blockRows(count),
      penalty: configuration.l2Reg > 0
        ? NormPenalty(weight: configuration.l2Reg, convention: configuration.l2Convention) : nil)
  }

  private func checkDistinct(_ matches: Matches) throws {
    let counts = try matches.masks().positive.sum(along: 1).values(as: Int.self)
    let repeated = counts.indices.filter { counts[$0] > 1 }
    guard repeated.isEmpty else { throw ObjectiveError.repeatedLabels(rows: repeated) }
  }
}
