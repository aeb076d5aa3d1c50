import Torch

/// Triplet-center loss (He et al., "Triplet-Center Loss for Multi-View 3D Object Retrieval", CVPR 2018): each item
/// is to be closer to the learned center of its class than to any other center by a margin, beside a classifier.
///
/// Both modalities share the centers and the classifier, and that is what aligns them. Several views of an object
/// become one vector. Differs from the paper in its reduction, the mean, as in the authors' program.
public final class TripletCenter: JointBranches, Trainable, JointEmbedding {
  public static let description = MethodDescription(
    name: "triplet-center", family: .metric, task: .retrieval,
    summary: "pulls items to the centre of their class and away from the nearest other; needs labels",
    citation:
      "X. He, Y. Zhou, Z. Zhou, S. Bai, X. Bai, Triplet-center loss for multi-view 3D object retrieval, CVPR 2018",
    accepts: [.vector, .set, .sequence, .images, .tokens], modalities: 1...2)

  /// What the loss compares with centers.
  public enum Place: String, Sendable, Codable, CaseIterable {
    case features
    /// The classifier's scores; centers are then `[classes, classes]`.
    case logits
  }

  /// How centers learn.
  public enum CenterUpdate: String, Sendable, Codable, CaseIterable {
    case autograd
    /// Each of the two sums of the gradient divided by one more than its terms: the paper's.
    case countNormalized = "count_normalised"
  }

  public struct Configuration: BranchSettings {
    /// Nil for 5, or 0.5 with `normalize`.
    public var margin: Double?
    /// Weight of the triplet-center loss.
    public var lambda = 0.1
    public var softmaxWeight = 1.0
    public var reduction = Reduction.mean
    public var variant = TripletCenterLoss.Variant.paper
    public var on = Place.features
    public var negatives = TripletCenterLoss.Negatives.nearest
    public var centerInit = CenterInit.normal(1)
    public var centerLr = 0.1
    public var centerUpdate = CenterUpdate.autograd
    public var normalize = false
    public var viewPool = ViewPooling.max
    public var sharedCenters = true
    public var score = Metric.cosine
    public var networks = NetworkSettings()
    public var positives: Positives? { .class }

    public init() {}

    public static let keys: [ConfigurationKey] =
      [
        ConfigurationKey(
          "margin", "m, in units of the distance; null for 5, or 0.5 for normalised vectors", in: .above(0)),
        ConfigurationKey(
          "lambda", "weight of the triplet-center loss; 0 leaves the classifier alone", in: .from(0)),
        ConfigurationKey("softmax_weight", "weight of the classifier's loss", in: .from(0)),
        ConfigurationKey("reduction", "mean over items (the authors' program) or sum (the paper)"),
        ConfigurationKey(
          "variant",
          "paper (½‖f−c‖², all other centres), author_batch (‖f−c‖, centres of the batch's classes) or author_all"
        ),
        ConfigurationKey("on", "features, or logits: the classifier's scores"),
        ConfigurationKey("negatives", "nearest other centre, or all_mean: the mean over all others"),
        ConfigurationKey(
          "center_init", "normal(deviation), or class_means of the first vectors", in: .from(0)),
        ConfigurationKey(
          "center_lr", "learning rate of the centres, which follow plain gradients", in: .from(0)),
        ConfigurationKey("center_update", "autograd, or count_normalised (the paper's)"),
        ConfigurationKey("normalize", "divide vectors and centres by their norms"),
        ConfigurationKey("view_pool", "how views of one object become one vector: max or mean"),
        ConfigurationKey("shared_centers", "one set of centres for both modalities"),
        ConfigurationKey("score", "how vectors are compared: cosine, dot or euclidean"),
      ] + NetworkSettings.keys

    public func validateRelations() throws {
      try validateNetworks()
      try require(
        !normalize || marginInUse <= 2, "margin", marginInUse,
        "at most 2, which is as far as half squared distances of normalised vectors go")
      try require(lambda > 0 || softmaxWeight > 0, "lambda", lambda, "above 0 where softmax_weight is 0")
      try require(reduction == .mean || reduction == .sum, "reduction", reduction.rawValue, "mean or sum")
      try require(
        centerUpdate == .autograd || variant == .paper, "center_update", centerUpdate.rawValue,
        "autograd for the authors' variants")
      try require(
        centerUpdate == .autograd || negatives == .nearest, "center_update", centerUpdate.rawValue,
        "autograd with negatives all_mean: the paper's update is of the nearest centre alone")
    }

    var marginInUse: Double { margin ?? (normalize ? 0.5 : 5) }
  }

  /// Where centers start.
  public enum CenterInit: Sendable, Equatable {
    /// Normal numbers of a deviation.
    case normal(Double)
    /// The mean of each class's vectors before training.
    case classMeans
  }

  public let configuration: Configuration
  /// `[classes, d]`, of the first modality where each has its own.
  @Parameter private var centers: Tensor
  @Parameter private var centersB: Tensor
  let classifier: LinearEncoder
  private let classes: Int

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    guard let classes = data.classes, classes >= 2 else {
      throw ConfigurationError.badValue(
        key: "triplet-center", value: "data set '\(data.name)'",
        expected: "labelled with two or more classes (it has \(data.classes ?? 0))")
    }
    self.configuration = configuration
    self.classes = classes
    let generator = try Generator(seed: 0)
    let width = configuration.on == .logits ? classes : configuration.embedSize
    let own = configuration.sharedCenters || data.modalities.count == 1 ? 0 : classes
    _centers = Parameter(wrappedValue: try Tensor.normal([classes, width], using: generator))
    _centersB = Parameter(wrappedValue: try Tensor.normal([own, width], using: generator), "centers_b")
    classifier = try LinearEncoder(from: configuration.embedSize, to: classes, using: generator)
    try super.init(settings: configuration, data: data) {
      try configuration.branch(on: data.modalities[$0], side: $0, using: $1)
    }
  }

  public var metric: Metric { configuration.score }

  public func encode(_ items: Items, side: Int) throws -> Features {
    try features(items, side: side, normalizes: configuration.normalize)
  }

  // MARK: - Learning

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    guard modalities.count == 1, let objects = data.group(side: 0) else {
      return try pairSampler(data, training)
    }
    return ObjectSampler(objects: objects, batchSize: training.batchSize ?? data.count)
  }

  /// Centres have a rate of their own, without weight decay: in one group with the networks they are too slow.
  public override func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup] {
    let isCenter = { (entry: StateEntry) in entry.name == "centers" || entry.name == "centers_b" }
    let rate = training.learningRate > 0 ? configuration.centerLr / training.learningRate : 0
    return groups(of: parameters.filter { !isCenter($0) }) + [
      ParameterGroup(
        parameters.filter { isCenter($0) && $0.tensor.count > 0 }, rateFactor: rate, weightDecay: 0,
        optimizer: training.optimizer == .lbfgs ? nil : .sgd, momentum: 0)
    ]
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    try prepareBranches(data, preparation)
    let generator = try Generator(seed: mixed(preparation.seed, 2))
    try classifier.reset(using: generator)
    func drawn(_ old: Tensor, _ deviation: Double) throws -> Tensor {
      try (Tensor.normal(old.shape, using: generator) * deviation).to(old.dtype).to(old.device)
        .requiringGradient()
    }
    switch configuration.centerInit {
    case .normal(let deviation):
      centers = try drawn(centers, deviation)
      centersB = try drawn(centersB, deviation)
    case .classMeans:
      let means = try (0..<min(2, modalities.count)).map { try classMeans(data, side: $0, preparation) }
      let isShared = centersB.count == 0
      let first = isShared && means.count == 2 ? try (means[0] + means[1]) * 0.5 : means[0]
      centers = try first.to(centers.dtype).requiringGradient()
      if !isShared { centersB = try means[1].to(centersB.dtype).requiringGradient() }
    }
  }

  private func classMeans(
    _ data: some TrainingSet, side: Int, _ preparation: Preparation
  ) throws -> Tensor {
    var sums = try centers.detached().zerosLike()
    var counts = try Tensor.zeros([classes], centers.dtype, on: centers.device)
    try data.forEachChunk(rows: 1024) { batch in
      let batch = try batch.to(preparation.device, centers.dtype)
      let labels = try Tensor(labels(batch)).to(centers.device)
      let rows = try withoutGradient {
        try compared(vectors(batch.items[side], side: side)).rows
      }
      sums = try sums.adding(rows, at: labels)
      counts = try counts + labels.counts(length: classes).to(counts.dtype)
    }
    return try sums / counts.clamped(from: 1).unsqueezed(at: 1)
  }

  /// What is compared with centers, and the classifier's scores.
  ///
  /// - Parameter views: rows that become one.
  private func compared(
    _ features: Tensor, views: Int = 1, _ step: Step? = nil
  ) throws -> (rows: Tensor, logits: Tensor) {
    let pooled =
      views == 1
      ? features
      : try configuration.viewPool.pooled(features.reshaped(-1, views, features.size(along: 1)))
    let features = configuration.normalize ? try pooled.normalized(along: 1) : pooled
    let logits = try classifier(features, sharing: step)
    let rows = configuration.on == .features ? features : logits
    return (
      configuration.on == .logits && configuration.normalize ? try rows.normalized(along: 1) : rows, logits
    )
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    var all = try step.gathered(labels(batch))
    var views = 1
    if let group = batch.group, group > 1, all.count % group == 0 {
      views = group
      all = stride(from: 0, to: all.count, by: views).map { all[$0] }
    }
    let labels = try Tensor(all).to(step.device)
    return try Loss(
      value(batch, step) { x, y in
        var parts = [try compared(step.gathered(x), views: views, step)]
        if modalities.count > 1 { parts.append(try compared(step.gathered(y), views: views, step)) }
        let targets = parts.count == 2 ? try Tensor.concatenated([labels, labels]) : labels
        let logits = try Tensor.concatenated(parts.map(\.logits))
        let softmax =
          try logits.crossEntropy(targets)
          * (configuration.reduction == .sum ? Double(logits.size(along: 0)) : 1)
        let center = try centerLoss(parts.map(\.rows), labels, targets, step)
        return ObjectiveValue(
          total: try softmax * configuration.softmaxWeight + center.total * configuration.lambda
            + center.slope,
          parts: [
            ("softmax", try softmax.detached()), ("triplet_center", try center.total.detached()),
            ("active", try (center.hinges.detached() .> 0).to(softmax.dtype).mean()),
          ] + (try centerDistances()))
      })
  }

  /// The loss against the centers, and a number of value 0 that carries the paper's update of the centers where
  /// that is wanted: it depends neither on the batch's size nor on lambda.
  private func centerLoss(
    _ sides: [Tensor], _ labels: Tensor, _ targets: Tensor, _ step: Step
  ) throws -> (total: Tensor, hinges: Tensor, slope: Tensor) {
    let loss = try TripletCenterLoss(
      margin: configuration.marginInUse, variant: configuration.variant, negatives: configuration.negatives,
      reduction: configuration.reduction)
    let groups: [(rows: Tensor, labels: Tensor, centers: Tensor)] =
      centersB.count == 0
      ? [(sides.count == 1 ? sides[0] : try Tensor.concatenated(sides), targets, centers)]
      : [(sides[0], labels, centers), (sides[1], labels, centersB)]
    var total: Tensor?
    var hinges: [Tensor] = []
    var slope = try Tensor.zeros([], sides[0].dtype, on: sides[0].device)
    for group in groups {
      let shared = try step.shared(group.centers)
      let used = configuration.normalize ? try shared.normalized(along: 1) : shared
      let isPlain = configuration.centerUpdate == .autograd
      let value = try loss(group.rows, group.labels, isPlain ? used : used.detached())
      total = try total.map { try $0 + value.total } ?? value.total
      hinges.append(value.hinges)
      guard !isPlain else { continue }
      let update = try TripletCenterLoss.normalizedGradient(
        group.rows.detached(), group.labels, used.detached(), hinges: value.hinges, nearest: value.nearest)
      let carrier = try (used * update).sum()
      slope = try slope + (carrier - carrier.detached())
    }
    let whole = try (total ?? slope) / (configuration.reduction == .mean ? Double(groups.count) : 1)
    return (whole, try Tensor.concatenated(hinges), slope)
  }

  /// How far centers are from each other: on average, and the two that are nearest.
  private func centerDistances() throws -> [(name: String, value: Tensor)] {
    try withoutGradient {
      let places = try configuration.normalize ? centers.detached().normalized(along: 1) : centers.detached()
      let distances = try places.distances(to: places)
      let pairs = Double(classes * (classes - 1))
      let isOwn = try Tensor.identity(classes, .float32, on: distances.device) .> 0
      return [
        ("mean_center_distance", try distances.sum() / pairs),
        ("nearest_center_distance", try distances.masked(with: isOwn, fill: .infinity).min()),
      ]
    }
  }
}

extension LinearEncoder {
  /// The map with parameters whose gradient every process of a step computes in full.
  fileprivate func callAsFunction(_ rows: Tensor, sharing step: Step?) throws -> Tensor {
    guard let step, step.processes > 1, let bias = linear.bias else { return try self(rows) }
    return try step.shared(bias).addingProduct(rows, step.shared(weight).transposed())
  }
}

extension TripletCenter.CenterInit: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    if text == "class_means" {
      self = .classMeans
    } else if let number = text.argument(of: "normal").flatMap(Double.init), number >= 0, number.isFinite {
      self = .normal(number)
    } else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "normal(deviation) or class_means")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .normal(let deviation): try container.encode("normal(\(deviation))")
    case .classMeans: try container.encode("class_means")
    }
  }
}
