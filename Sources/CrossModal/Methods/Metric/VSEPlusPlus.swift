import Foundation
import Torch

/// Visual-semantic embeddings with hard negatives (Faghri, Fleet, Kiros & Fidler, "VSE++: Improving Visual-Semantic
/// Embeddings with Hard Negatives", BMVC 2018), with what came before (VSE0, order embeddings) and the options of
/// VSE-infinity (Chen et al., CVPR 2021).
///
/// Weights have the official names, `img_enc.*` and `txt_enc.*`. Differs from the released program: known matches are
/// never negatives (`mask_duplicates`), training goes back to its mode after an evaluation (`cnn_mode: eval` does
/// not), a vector of zeros stays zero.
public final class VSEPlusPlus: JointBranches, Trainable, JointEmbedding, RetrievalMeasuring {
  public static let description = MethodDescription(
    name: "vsepp", family: .metric, task: .retrieval,
    summary: "ranks every pair above its hardest wrong partner in the batch by a margin",
    citation:
      "F. Faghri, D. J. Fleet, J. R. Kiros, S. Fidler, VSE++: Improving visual-semantic embeddings with hard "
      + "negatives, BMVC 2018",
    accepts: [.vector, .set, .sequence, .images, .tokens])

  public let configuration: Configuration
  /// Whether all weights were given, so that none are drawn.
  private var hasLoaded = false

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    self.configuration = configuration
    try super.init(settings: configuration, data: data, names: ("img_enc", "txt_enc")) {
      try configuration.branch(on: data.modalities[$0], side: $0, using: $1)
    }
  }

  // MARK: - Weights

  /// The files of networks that were trained before, and the one of everything.
  public override var assets: [Asset] {
    super.assets + [start].compactMap { $0 }
  }

  private var start: Asset? {
    configuration.startFrom.map { Asset(.weights, key: "start_from", file: $0) }
  }

  public override func begin(with contents: AssetContents) throws {
    try super.begin(with: contents)
    guard let start, let weights = contents.weights[start.key] else { return }
    try loadWeights(weights, from: start.file)
    hasLoaded = true
  }

  override var isStarted: Bool { configuration.startFrom != nil }

  // MARK: - Vectors

  public var metric: Metric { configuration.measure == .order ? .order : .dot }

  /// As the papers have it: divided by their norms (of images unless `no_imgnorm`), absolute with `use_abs`.
  override func finished(_ vectors: Tensor, side: Int) throws -> Tensor {
    let normalizes = side > 0 || !configuration.noImgnorm
    let vectors = normalizes ? try vectors.normalized(along: 1) : vectors
    return configuration.useAbs ? try vectors.magnitude() : vectors
  }

  public func encode(_ items: Items, side: Int) throws -> Features {
    try features(items, side: side, normalizes: false)
  }

  // MARK: - Learning

  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 30
    training.batchSize = 128
    training.learningRate = configuration.preset == .order0 ? 1e-3 : 2e-4
    training.schedule = Schedule(kind: .step, every: 15)
    training.gradientClip = 2
    if configuration.preset == .vseInfinity {
      training.epochs = 25
      training.learningRate = 5e-4
      training.optimizer = .adamw
      training.weightDecay = 1e-4
    }
    return training
  }

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    if let captions = configuration.captionsPerItem { try check(captions, data) }
    return try pairSampler(data, training)
  }

  private func check(_ captions: Int, _ data: some TrainingSet) throws {
    var counts: [Int: Int] = [:]
    for row in data.itemsOfPairs?[0] ?? Array(0..<data.count) { counts[row, default: 0] += 1 }
    guard let (row, count) = counts.sorted(by: { $0.key < $1.key }).first(where: { $0.value != captions })
    else {
      return
    }
    throw ConfigurationError.badValue(
      key: "captions_per_item", value: "\(captions)",
      expected: "\(count), the texts that row \(row) of \(modalities[0].name) has")
  }

  /// Folds and ties as the settings have them.
  func evaluation(rows: Int) throws -> RetrievalEvaluation {
    let folds = configuration.folds
    guard folds == 1 || rows >= folds else {
      throw EvaluationError.badValue("folds: \(folds) parts were asked of \(rows) rows")
    }
    return RetrievalEvaluation(
      protocol: folds == 1 ? .full : .folds(size: rows / folds), ties: configuration.tiePolicy)
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    guard !hasLoaded else { return try fitScaling(to: data) }
    try prepareBranches(data, preparation)
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let known = try matches(batch, step)
    let matches = configuration.maskDuplicates ? known : try Matches(pairs: known.count, on: step.device)
    let isWarmingUp = step.isTraining && step.epoch < configuration.violationWarmupEpochs
    let objective = try configuration.objective(
      isWarmingUp: isWarmingUp, chunk: Self.blockRows(matches.count))
    let value = try value(batch, step) { x, y in
      try objective(step.gathered(x), step.gathered(y), matches)
    }
    var loss = try Loss(value)
    if objective.negatives == .hardest {
      // Where every wrong partner scores as high as the right one, the hardest violations come to 2 α a pair and teach
      // nothing.
      loss.standstill = .init(
        loss: 2 * configuration.margin * (configuration.reduction == .sum ? Double(matches.count) : 1),
        cause: "all items score alike",
        advice:
          "begin with the sum of violations (violation_warmup_epochs: 1), or set negatives to top_k(10) or sum, or "
          + "a smaller learning_rate")
    }
    return loss
  }
}

// MARK: - Published weights

extension VSEPlusPlus {
  /// Takes weights of this program or of the official one.
  ///
  /// An official checkpoint holds a list of two parts, the image encoder's and the text encoder's, which are `0.` and
  /// `1.` after conversion. `module.` of data-parallel training may be anywhere. What it does not have beside its
  /// networks (the scaling of inputs) stays.
  /// - Parameters:
  ///   - tensors: names and tensors.
  ///   - source: the file, for messages.
  /// - Throws: ``StateError`` naming every weight that is missing, unknown or of another shape.
  public func loadWeights(_ tensors: [(name: String, tensor: Tensor)], from source: String) throws {
    let entries = stateEntries
    let own = Dictionary(entries.map { (Self.plainName($0.name), $0.name) }) { first, _ in first }
    var renamed = tensors.map { (name: own[Self.plainName($0.name)] ?? $0.name, tensor: $0.tensor) }
    let given = Set(renamed.map(\.name))
    for entry in entries where !given.contains(entry.name) {
      let isOptional =
        entry.name.hasPrefix("scaling_") || entry.name.hasPrefix("alignment.")
        || entry.name.hasSuffix("num_batches_tracked")
      if isOptional { renamed.append((entry.name, entry.tensor)) }
    }
    try load(renamed, from: source)
  }

  public static func ownNames(ofOfficial names: [String]) -> [String]? {
    ImageTextCheckpoint.ownNames(of: names)
  }

  private static func plainName(_ name: String) -> String {
    ImageTextCheckpoint.ownName(of: name.withoutWrapping("model"))
  }
}
