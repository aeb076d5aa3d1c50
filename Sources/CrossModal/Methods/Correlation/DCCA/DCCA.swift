import Torch

/// Deep canonical correlation analysis: two networks whose outputs correlate most (Andrew, Arora, Bilmes &
/// Livescu, ICML 2013), with minibatches and autoencoders (Wang et al., ICML 2015) and orthogonal iterations
/// (Wang et al., Allerton 2015).
///
/// After training a linear CCA is fitted to the outputs of the training pairs; it is part of the model. Follows
/// the paper's loss; the losses of other programs are options. Differs from the public programs in leaving out a
/// last smaller batch, whose covariance would ruin the step, and in fitting the linear CCA to the weights that
/// are kept.
public final class DCCA: Trainable, CorrelationReporting, FitReporting {
  public static let description = MethodDescription(
    name: "dcca", family: .correlation, task: .retrieval,
    summary: "two networks whose outputs correlate most, with a linear CCA on top",
    citation:
      "G. Andrew, R. Arora, J. Bilmes, K. Livescu, Deep Canonical Correlation Analysis, ICML 2013",
    accepts: [.vector])

  public let configuration: Configuration
  /// Names of the two views.
  public let views: [String]
  public private(set) var fitReport: FitReport?

  private let scaling1: ViewScaling
  private let scaling2: ViewScaling
  private let model1: any CorrelationNetwork
  private let model2: any CorrelationNetwork
  private let decoder1: MirrorNetwork?
  private let decoder2: MirrorNetwork?
  private let moments1: OutputMoments?
  private let moments2: OutputMoments?
  private let final: FinalCorrelation
  /// Largest condition number of an output covariance in training.
  private var worstCondition = 0.0
  /// Largest factor that the ridges had to be multiplied by in training.
  private var raisedRidges = 1.0

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    guard data.modalities.count == 2 else {
      throw CorrelationError.wrongViews(found: data.modalities.count, expected: "2")
    }
    self.configuration = configuration
    views = data.modalities.map(\.name)
    let widths = try data.modalities.map { modality in
      guard let width = modality.size else { throw DeepCorrelationError.noWidth(view: modality.name) }
      return width
    }
    let generator = try Generator(seed: 0)
    let sizes = (0..<2).map { configuration.hidden[$0] + [configuration.outputs] }
    let networks = try (0..<2).map { view -> any CorrelationNetwork in
      switch configuration.encoder {
      case .mlp:
        try PlainNetwork(
          from: widths[view], widths: sizes[view], activation: configuration.activation,
          activatesOutput: configuration.activateOutput, using: generator)
      case .normalized:
        try NormalizedNetwork(from: widths[view], widths: sizes[view], using: generator)
      }
    }
    (model1, model2) = (networks[0], networks[1])
    scaling1 = try ViewScaling(widths[0])
    scaling2 = try ViewScaling(widths[1])
    let decoders = try (0..<2).map { view in
      configuration.objective.reconstructs
        ? try MirrorNetwork(
          to: widths[view], widths: sizes[view], activation: configuration.activation, using: generator) : nil
    }
    (decoder1, decoder2) = (decoders[0], decoders[1])
    let moments = try (0..<2).map { _ in
      configuration.objective == .noi ? try OutputMoments(configuration.outputs) : nil
    }
    (moments1, moments2) = (moments[0], moments[1])
    final = try FinalCorrelation(configuration.outputs)
  }

  func model(_ view: Int) -> any CorrelationNetwork { view == 0 ? model1 : model2 }
  private func scaling(_ view: Int) -> ViewScaling { view == 0 ? scaling1 : scaling2 }
  private func decoder(_ view: Int) -> MirrorNetwork? { view == 0 ? decoder1 : decoder2 }

  /// Rows as the networks take them.
  func inputs(_ items: Items, view: Int) throws -> Tensor {
    let rows = try vectors(of: items, view: views[view])
    let width = scaling(view).mean.count
    guard rows.size(along: 1) == width else {
      throw CorrelationError.wrongWidth(view: views[view], found: rows.size(along: 1), expected: width)
    }
    return try scaling(view)(rows)
  }

  private func output(of rows: Tensor, view: Int, _ pass: Pass) throws -> Tensor {
    let network = model(view)
    return try network(rows, pass)
  }

  /// Outputs of the network of a view, without the final linear CCA: `[n, outputs]`.
  private func outputs(_ items: Items, view: Int) throws -> Tensor {
    try output(of: inputs(items, view: view), view: view, .evaluation)
  }

  // MARK: - Learning

  /// Up to so many pairs, a batch holds all of them.
  private static let fewPairs = 500

  /// Full batches with L-BFGS in float64 for a few hundred pairs, else batches with Adam, which end when correlations of
  /// pairs held back no longer grow.
  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.weightDecay = 1e-5
    training.holdBack = 0.15
    training.evaluateEvery = 2
    training.patience = 5
    if configuration.objective == .noi {
      training.epochs = 50
      training.batchSize = 256
    } else if (1...fewPairs).contains(pairs) && configuration.encoder == .mlp {
      training.optimizer = .lbfgs
      training.batchSize = nil
      training.learningRate = 1
      training.epochs = 200
      training.precision = .float64
    } else {
      training.batchSize = max(300, 10 * configuration.outputs)
      // About as many steps whatever the number of pairs.
      training.epochs = max(10, min(200, 600_000 / max(1, pairs == .max ? 0 : pairs)))
    }
    return training
  }

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    let size = min(training.batchSize ?? data.count, data.count)
    if configuration.objective.needsLargeBatch, size <= configuration.outputs {
      throw DeepCorrelationError.smallBatch(rows: size, width: configuration.outputs)
    }
    return ShuffledSampler(
      count: data.count, batchSize: size, dropsLast: true, shuffles: training.batchSize != nil)
  }

  public func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup] {
    guard configuration.decayForm == .l2 else {
      return [ParameterGroup(parameters, weightDecay: 2 * training.weightDecay)]
    }
    let all = parameters
    return [
      ParameterGroup(all.filter { $0.name.hasSuffix("weight") }),
      ParameterGroup(all.filter { !$0.name.hasSuffix("weight") }, weightDecay: 0),
    ]
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    let generator = try Generator(seed: preparation.seed)
    for view in 0..<2 {
      for layer in model(view).linears { try layer.reset(using: generator) }
      for layer in decoder(view)?.layers ?? [] { try layer.reset(using: generator) }
    }
    try scale(by: data)
    let size = min(preparation.training.batchSize ?? data.count, data.count)
    let enough = max(10 * configuration.outputs, 256)
    if configuration.objective.needsLargeBatch, size < enough {
      preparation.note(
        "warning: batches of \(size) are small for \(configuration.outputs) outputs; \(enough) or more say more "
          + "about covariances, and objective noi does with less")
    }
    for (key, ridge) in [("r1", configuration.r1), ("r2", configuration.r2)]
    where ridge == 0 && configuration.objective.needsLargeBatch {
      preparation.note("warning: \(key) is 0: outputs that depend on each other will end the training")
    }
    if configuration.pretrain != .none {
      try withoutGradient {
        try pretrain(
          on: data.sample(configuration.pretrainRows, seed: preparation.seed)
            .to(preparation.device, scaling1.mean.dtype), using: generator, preparation)
      }
    }
    if configuration.objective == .noi { try startMoments(data, preparation) }
  }

  private func scale(by data: some TrainingSet) throws {
    guard configuration.scaling != .none else { return }
    var columns = try (0..<2).map { try ColumnMoments(scaling($0).mean.count) }
    try data.forEachChunk(rows: configuration.forwardChunk) { batch in
      for view in 0..<2 { try columns[view].add(vectors(of: batch.items[view], view: views[view])) }
    }
    for view in 0..<2 {
      try scaling(view).set(
        mean: columns[view].mean,
        deviation: configuration.scaling == .standardize ? columns[view].deviation(correction: 1) : nil,
        floor: configuration.deviationFloor, view: views[view])
    }
  }

  /// The moments of one large pass, which follow better than an identity.
  private func startMoments(_ data: some TrainingSet, _ preparation: Preparation) throws {
    try withoutGradient {
      let sample = try moved(data.sample(configuration.pretrainRows, seed: preparation.seed))
      for (view, moments) in [moments1, moments2].enumerated() {
        moments?.value = try .init(of: outputs(sample.items[view], view: view))
      }
    }
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let pieces = batch.count > configuration.forwardChunk && step.processes == 1
    if pieces, step.isTraining, !model1.normalizesByBatch, !configuration.objective.reconstructs,
      configuration.objective != .noi
    {
      return try lossInPieces(batch, step)
    }
    let rows = try (0..<2).map { try inputs(batch.items[$0], view: $0) }
    let own = try (0..<2).map { try output(of: rows[$0], view: $0, step.pass) }
    let outputs = try own.map { try step.gathered($0) }
    guard configuration.objective.reconstructs else { return try objective(outputs, step) }
    let errors = try (0..<2).map { view in
      guard let decoder = decoder(view) else { throw CorrelationError.notFitted }
      return try step.gathered((decoder(own[view]) - rows[view]).squared().sum(along: 1)).to(.float64)
    }
    return try withRidges { ridges in
      try reconstructing(outputs, errors: errors, widths: rows.map { $0.size(along: 1) }, ridges: ridges)
    }
  }

  /// The objective with ridges that are large enough for this batch, where that is wanted.
  private func objective(_ outputs: [Tensor], _ step: Step) throws -> Loss {
    try withRidges { try objective(outputs, step, ridges: $0) }
  }

  /// Runs `body` with the ridges, and again with ten times larger ones while a covariance is not positive definite.
  private func withRidges(_ body: ([Double]) throws -> Loss) throws -> Loss {
    var factor = 1.0
    while true {
      do {
        // A ridge of nothing is raised from what float64 can tell from it.
        let loss = try body(configuration.ridges.map { factor == 1 ? $0 : max($0, 1e-12) * factor })
        raisedRidges = max(raisedRidges, factor)
        return loss
      } catch let error as DeepCorrelationError {
        guard configuration.raiseRidge, case .notPositive = error, factor < 1e12 else { throw error }
        factor *= 10
      }
    }
  }

  /// The objective of the joined outputs, and what to look at.
  private func objective(_ outputs: [Tensor], _ step: Step, ridges: [Double]) throws -> Loss {
    let all = configuration.outputs
    switch configuration.objective {
    case .paper, .topk, .dccae, .convexMean:
      let values = try DeepCorrelation.singularValues(outputs, ridges: ridges)
      let kept = configuration.objective == .topk ? configuration.topk ?? all : values.count
      return try loss(-(values[0..<min(kept, values.count)].sum()), values: values, outputs, ridges)
    case .sumOfSquares:
      return try loss(DeepCorrelation.sumOfSquares(outputs, ridges: ridges), outputs, ridges)
    case .michaelvll:
      return try loss(
        DeepCorrelation.eigenvalueRoots(
          outputs, ridge: ridges[0], epsilon: configuration.eps ?? 1e-9, top: configuration.topk ?? all),
        outputs, ridges)
    case .gcca:
      return try loss(
        DeepCorrelation.generalized(outputs, ridges: ridges, top: configuration.topk ?? all), outputs, ridges)
    case .eckartYoung: return try Loss(DeepCorrelation.eckartYoung(outputs))
    case .noi: return try orthogonal(outputs, step)
    }
  }

  private func loss(
    _ total: Tensor, values: Tensor? = nil, _ outputs: [Tensor], _ ridges: [Double]
  ) throws -> Loss {
    let values = try withoutGradient {
      try values?.detached()
        ?? DeepCorrelation.singularValues(outputs.map { try $0.detached() }, ridges: ridges)
    }
    let conditions = try DeepCorrelation.conditionNumbers(outputs, ridges: ridges)
    worstCondition = max(worstCondition, conditions.max() ?? 0)
    return try Loss(
      total,
      parts: [
        "correlation": values.sum(), "sigma_max": values.max(), "sigma_min": values.min(),
        "condition_1": Tensor(conditions[0]), "condition_2": Tensor(conditions[1]),
      ])
  }

  private func reconstructing(
    _ outputs: [Tensor], errors: [Tensor], widths: [Int], ridges: [Double]
  ) throws -> Loss {
    let weight = configuration.lambda
    let error = try errors[0].mean() + errors[1].mean()
    let correlation =
      configuration.objective == .dccae
      ? try DeepCorrelation.loss(outputs, ridges: ridges)
      : try DeepCorrelation.sumOfSquares(outputs, ridges: ridges)
    let total =
      configuration.objective == .dccae
      ? try correlation + error * weight
      : try correlation * (1 - weight)
        + (errors[0].mean() / Double(widths[0]) + errors[1].mean() / Double(widths[1])) * weight
    return try Loss(total, parts: ["correlation_loss": correlation, "reconstruction": error])
  }

  private func orthogonal(_ outputs: [Tensor], _ step: Step) throws -> Loss {
    guard let moments1, let moments2 else { throw CorrelationError.notFitted }
    let isSmall = outputs[0].size(along: 0) < configuration.outputs
    let rho = configuration.rho ?? (isSmall ? 0.99 : 0.9)
    let stored = [moments1, moments2]
    let moments = try (0..<2).map { view in
      let old = stored[view].value
      return step.isTraining ? try old.updated(with: outputs[view], rho: rho) : old
    }
    if step.isTraining { for view in 0..<2 { stored[view].value = moments[view] } }
    return try Loss(OrthogonalIterations.loss(outputs, moments, epsilon: configuration.eps ?? 1e-4))
  }

  /// The loss of a batch too large for one graph: outputs first, without a graph; then the gradient by the
  /// outputs; then piece after piece again, with its rows of that gradient.
  private func lossInPieces(_ batch: Batch, _ step: Step) throws -> Loss {
    let chunk = configuration.forwardChunk
    let ranges = stride(from: 0, to: batch.count, by: chunk).map { $0..<min($0 + chunk, batch.count) }
    let rows = try (0..<2).map { try inputs(batch.items[$0], view: $0) }
    let outputs = try (0..<2).map { view in
      try withoutGradient {
        try Tensor.concatenated(ranges.map { try output(of: rows[view][$0], view: view, step.pass) })
      }.requiringGradient()
    }
    let whole = try objective(outputs, step)
    let slopes = try Tensor.gradients(of: [whole.total], by: outputs)
    return try Loss(whole.total, parts: whole.parts) { [self] weight in
      for view in 0..<2 {
        guard let slope = slopes[view] else { continue }
        for range in ranges {
          try output(of: rows[view][range], view: view, step.pass).backward(slope[range] * weight)
        }
      }
    }
  }

  // MARK: - Measuring and the end

  public func measureNames(on data: some TrainingSet) throws -> [String] {
    ["total_correlation", "training_correlation"]
  }

  public func measures(
    on data: some TrainingSet, training: some TrainingSet, _ preparation: Preparation
  ) throws -> [Measure] {
    let fitted = try fit(to: training)
    let held = try (0..<2).map { view in try fitted.scores(allOutputs(data, view: view), view: view) }
    let achieved: Double = try pearsonCorrelations(held[0], held[1]).sum().item()
    return [
      Measure("total_correlation", achieved, .number),
      Measure("training_correlation", try fitted.achieved.sum().item(), .number),
    ]
  }

  public func finish(on data: some TrainingSet, _ preparation: Preparation) throws {
    let fitted = try withoutGradient { try fit(to: data) }
    try final.keep(fitted, isWeighted: configuration.rhoPower == nil)
    var report = try fitted.report(views: views, ridges: configuration.finalRidges)
    if raisedRidges > 1 {
      report.warnings.append(
        "r1 and r2 were too small for some batches and were multiplied there by up to \(raisedRidges)")
    }
    if worstCondition > 1e8 {
      report.warnings.append(
        "the condition number of an output covariance reached \(worstCondition): outputs have collapsed to fewer "
          + "directions; fewer outputs or larger r1 and r2 help")
    }
    fitReport = report
  }

  private func fit(to data: some TrainingSet) throws -> CanonicalFit {
    var joint = try JointCovariance(views: views, widths: [configuration.outputs, configuration.outputs])
    try data.forEachChunk(rows: configuration.forwardChunk) { batch in
      try joint.add(moved(batch).items.enumerated().map { try outputs($0.element, view: $0.offset).to(.cpu) })
    }
    return try CanonicalFit(
      joint,
      with: CanonicalSolver(ridges: configuration.finalRidges, components: .upTo(configuration.outputs))
    )
  }

  private func allOutputs(_ data: some TrainingSet, view: Int) throws -> Tensor {
    var parts: [Tensor] = []
    try data.forEachChunk(rows: configuration.forwardChunk) {
      parts.append(try outputs(moved($0).items[view], view: view).to(.cpu))
    }
    return try Tensor.concatenated(parts)
  }

  /// A batch where the networks are.
  private func moved(_ batch: Batch) throws -> Batch {
    try batch.to(scaling1.mean.device, scaling1.mean.dtype)
  }

  // MARK: - Using

  /// Scores are compared by their angle.
  public var metric: Metric { .cosine }

  /// ρ of the final linear CCA on the pairs that trained.
  public var learnedCorrelations: Tensor? { final.isFitted ? final.rho : nil }

  /// Scores of the final linear CCA on the network's outputs, times ρ to the power of `rho_power` where that is given:
  /// float64 `[n, components]`.
  public func encode(_ items: Items, side: Int) throws -> Features {
    guard final.isFitted else { throw CorrelationError.notFitted }
    let rows = try items.to(scaling1.mean.device, scaling1.mean.dtype)
    let scores = try final.scores(outputs(rows, view: side), view: side)
    guard let power = configuration.rhoPower, power != 0 else { return Features(scores) }
    return Features(try scores * final.rho.to(.cpu).clamped(from: 0).power(power))
  }
}

extension DCCA: RelationLearning {
  public var learnedRelation: LearnedRelation {
    .pairs(forClasses: "the method clip learns classes with positives=class")
  }
}
