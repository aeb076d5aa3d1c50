import Torch

/// Canonical correlation analysis: pairs of directions, one a view, along which the views correlate most
/// (Hardoon, Szedmak & Shawe-Taylor, Neural Computation 2004; Hotelling 1936).
///
/// Exact, in float64, from covariances gathered in one pass; from Gram matrices when there are more columns
/// than rows. The entry of largest magnitude in each column of ``weightX`` is positive, so that results are
/// unique. Differs from scikit-learn's CCA, which iterates and is wrong on views that lack full rank.
public final class CCA: Fittable, CorrelationReporting, FitReporting {
  public static let description = MethodDescription(
    name: "cca", family: .correlation, task: .retrieval,
    summary: "linear directions of two views that correlate most, in closed form",
    citation:
      "D. R. Hardoon, S. Szedmak, J. Shawe-Taylor, Canonical correlation analysis: an overview with "
      + "application to learning methods, Neural Computation 16(12), 2004",
    accepts: [.vector], modalities: 2...Int.max)

  /// The most components that are kept unless more are asked for: projections stay below 8 KB a column.
  static let mostComponents = 1024

  /// As given; after a fit with what was chosen in place of `auto`.
  public private(set) var configuration: Configuration
  /// Names of the views.
  public let views: [String]
  public private(set) var fitReport: FitReport?

  /// Mean of the first view, `[p]`.
  @Buffer public private(set) var meanX: Tensor
  /// Mean of the second view, `[q]`.
  @Buffer public private(set) var meanY: Tensor
  /// Directions of the first view, `[p, k]`, times the weights of the components where those follow from ``rho``.
  @Buffer public private(set) var weightX: Tensor
  /// Those of the second view, `[q, k]`.
  @Buffer public private(set) var weightY: Tensor
  /// Correlations of the regularised problem, descending, `[k]`; the eigenvalues when there are several views.
  @Buffer public private(set) var rho: Tensor
  /// What turns scores of the first view back into its rows, by least squares, `[k, p]`; empty for several views.
  @Buffer public private(set) var decoderX: Tensor
  /// The same of the second view, `[k, q]`.
  @Buffer public private(set) var decoderY: Tensor
  /// Correlation of each column of the first view with its training scores, `[p, k]`; empty for several views.
  @Buffer public private(set) var loadingsX: Tensor
  /// The same of the second view, `[q, k]`.
  @Buffer public private(set) var loadingsY: Tensor
  /// Views from the third on, by their number.
  @Named private var furtherViews: [String: CanonicalView]

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    let count = data.modalities.count
    guard configuration.multiview == nil ? count == 2 : count >= 2 else {
      throw CorrelationError.wrongViews(
        found: count, expected: configuration.multiview == nil ? "2 (or set multiview)" : "2 or more")
    }
    self.configuration = configuration
    views = data.modalities.map(\.name)
    let widths = data.modalities.map { $0.size ?? 0 }
    _meanX = try learned([widths[0]], "mean_x")
    _meanY = try learned([widths[1]], "mean_y")
    _weightX = try learned([widths[0], 0], "weight_x")
    _weightY = try learned([widths[1], 0], "weight_y")
    _rho = try learned([0], "rho")
    _decoderX = try learned([0, widths[0]], "decoder_x")
    _decoderY = try learned([0, widths[1]], "decoder_y")
    _loadingsX = try learned([widths[0], 0], "loadings_x")
    _loadingsY = try learned([widths[1], 0], "loadings_y")
    let further = try widths.enumerated().dropFirst(2).map { ("\($0)", try CanonicalView(columns: $1)) }
    _furtherViews = Named(wrappedValue: Dictionary(uniqueKeysWithValues: further), "views")
  }

  // MARK: - Learning

  /// Fits to all pairs; the seed serves folds and tests only.
  ///
  /// - Throws: ``CorrelationError`` that names the view and what is wrong with it.
  /// - Complexity: O(n (p + q)²) time and O((p + q)²) memory by covariances.
  public func fit(to data: some TrainingSet, seed: UInt64 = 0) throws {
    guard data.count >= 2 else { throw CorrelationError.tooFewRows(data.count) }
    if let objective = configuration.multiview { return try fit(objective, to: data) }
    var sections: [any FitSection] = []
    var joint: JointCovariance?
    if configuration.ridgeMode[0] == .auto {
      let search = try RidgeSearch(data, views: views, configuration: configuration, seed: seed)
      configuration = search.configuration
      joint = search.joint
      sections += [search.selection, search.chosen]
    }
    var request = components
    var ridges = try (0..<2).map { try ridge(of: $0, data) }
    let choosesRidge = configuration.ridgeMode[0] == .crossValidated
    if choosesRidge || configuration.k == .crossValidated {
      let found = try select(data, ridges: ridges, choosingRidge: choosesRidge, request: request, seed: seed)
      let chosen = configuration.oneStandardError ? found.plainest : found.best
      if let value = chosen.ridge { ridges = [.relative(value), .relative(value)] }
      if configuration.k == .crossValidated { request = .exactly(chosen.k) }
      sections.append(found.reported)
    }
    let solver = self.solver(ridges, components: request)
    let fit =
      try joint.map { try CanonicalFit($0, with: solver) }
      ?? CanonicalFit(
        data, views: views, route: configuration.solver, chunkRows: configuration.chunkRows, with: solver)
    try keep(fit)
    var report = try fit.report(views: views, ridges: ridges, showsColumns: true)
    for section in sections { report.add(section) }
    if let tests = try significance(data, fit: fit, solver: solver, seed: seed) { report.add(tests) }
    fitReport = report
  }

  /// Takes over what was fitted, with the weights of the components in the projections, so that whoever multiplies by
  /// them has what is compared, and in what turns scores back.
  private func keep(_ fit: CanonicalFit) throws {
    (meanX, meanY) = (fit.means[0], fit.means[1])
    (weightX, weightY) = (fit.solution.weights[0], fit.solution.weights[1])
    (decoderX, decoderY) = (fit.decoders[0], fit.decoders[1])
    (loadingsX, loadingsY) = (fit.loadings[0].loadings, fit.loadings[1].loadings)
    rho = try fit.solution.correlations[0..<weightX.size(along: 1)].copied()
    guard let weights = try weights(of: rho) else { return }
    (weightX, weightY) = (try weightX * weights, try weightY * weights)
    let inverse = try weights.reciprocal().unsqueezed(at: 1)
    (decoderX, decoderY) = (try decoderX * inverse, try decoderY * inverse)
  }

  /// What the projections are multiplied by; nil where they stay.
  func weights(of rho: Tensor) throws -> Tensor? {
    if configuration.score == .likelihood { return try PairLikelihood.weights(rho) }
    return configuration.rhoPower == nil ? try CanonicalWeights.odds(rho) : nil
  }

  private var components: ComponentRequest {
    configuration.k.request(most: CCA.mostComponents, clip: configuration.clip)
  }

  func solver(_ ridges: [Ridge], components: ComponentRequest) -> CanonicalSolver {
    CanonicalSolver(
      ridges: ridges, components: components, centring: configuration.center,
      scaling: configuration.scale ?? .floored,
      rankTolerance: configuration.rankRtol)
  }

  /// The ridge of a view as configured or computed from the data; one to be chosen later counts as the default.
  private func ridge(of view: Int, _ data: some TrainingSet) throws -> Ridge {
    if let given = configuration.ridge(of: view) { return given }
    let rule = configuration.ridgeMode[view]
    guard rule != .crossValidated else { return .relative(1e-3) }
    let widths = try rowsOfViews(data.batch(at: [0]), views).map { $0.size(along: 1) }
    let found = try ShrinkageIntensity(
      data, view: view, views: views, scaling: configuration.scale ?? .floored,
      usesRows: configuration.solver.usesRows(widths: [widths[view]], count: data.count),
      chunkRows: configuration.chunkRows)
    return .towardsMean(rule == .oas ? found.oracleApproximating : found.ledoitWolf)
  }

  private func fit(_ objective: MultiviewCorrelation.Objective, to data: some TrainingSet) throws {
    let widths = try rowsOfViews(data.batch(at: [0]), views).map { $0.size(along: 1) }
    var joint = try JointCovariance(views: views, widths: widths)
    try data.forEachChunk(rows: configuration.chunkRows) { try joint.add(rowsOfViews($0, views)) }
    let ridges = views.indices.compactMap { configuration.ridge(of: $0) }
    let found = try MultiviewCorrelation(
      objective, of: joint, solver: solver(ridges, components: components),
      viewWeights: configuration.viewWeights)
    let means = configuration.center ? joint.means : try joint.means.map { try $0.zerosLike() }
    (meanX, meanY) = (means[0], means[1])
    (weightX, weightY) = (found.weights[0], found.weights[1])
    for view in views.indices.dropFirst(2) {
      furtherViews["\(view)"]?.set(mean: means[view], weight: found.weights[view])
    }
    rho = found.eigenvalues
    let achieved = try achievedCorrelations(of: [weightX, weightY], in: joint.selecting([0, 1]))
    fitReport = FitReport(facts: [
      "pairs": .int(joint.rows),
      "ranks": .object(zip(views, found.ranks).map { JSON.Member($0, .int($1)) }),
      "k": .int(rho.count), "objective": .string(objective.rawValue),
      "eigenvalues": .array(try rho.values(as: Double.self).map(JSON.double)),
      "correlations": .array(try achieved.values(as: Double.self).map(JSON.double)),
    ])
  }

  // MARK: - Using

  /// How vectors are compared.
  public var metric: Metric { (configuration.score ?? .cosine).metric }

  /// Scores z = (x - mean) · weight, times ρ to the power of `rho_power` where that is given: float64 `[n, k]`; with two
  /// more columns under `likelihood` (``PairLikelihood``).
  public func encode(_ items: Items, side: Int) throws -> Features {
    let scores = try scores(of: items, side: side)
    if configuration.score == .likelihood {
      return Features(try PairLikelihood.vectors(scores, rho, side: side))
    }
    guard let power = configuration.rhoPower, power != 0 else { return Features(scores) }
    return Features(try scores * rho.clamped(from: 0).power(power))
  }

  /// Of the components alone.
  public func correlations(_ x: Features, _ y: Features) throws -> [Double] {
    let scores = try [x, y].map { try $0.values.narrowed(to: 0..<rho.count, along: 1) }
    return try pearsonCorrelations(scores[0], scores[1]).values()
  }

  /// What the rows of the other view are expected to be: ŷ = mean + z · diag(ρ) · decoder, float64 `[n, q]`.
  ///
  /// - Parameter side: the view of `items`, 0 or 1.
  public func predict(from items: Items, side: Int) throws -> Tensor {
    let (mean, decoder) =
      try side == 0 ? (meanY, checkedDecoder(decoderY)) : (meanX, checkedDecoder(decoderX))
    return try mean + (scores(of: items, side: side) * rho).matmul(decoder)
  }

  /// Rows of a view from their scores `[n, k]`, by least squares: float64 `[n, p]`.
  public func reconstruct(_ scores: Tensor, side: Int) throws -> Tensor {
    let (mean, decoder) =
      try side == 0 ? (meanX, checkedDecoder(decoderX)) : (meanY, checkedDecoder(decoderY))
    return try mean + scores.to(.float64).matmul(decoder)
  }

  private func checkedDecoder(_ decoder: Tensor) throws -> Tensor {
    guard decoder.size(along: 0) == rho.count, rho.count > 0 else {
      throw rho.count == 0
        ? CorrelationError.notFitted
        : CorrelationError.impossible("prediction is between two views; this model was fitted to several")
    }
    return decoder
  }

  /// ρ of the regularised problem; nil of several views, whose eigenvalues are none.
  public var learnedCorrelations: Tensor? {
    configuration.multiview == nil && rho.count > 0 ? rho : nil
  }

  private func scores(of items: Items, side: Int) throws -> Tensor {
    guard rho.count > 0 else { throw CorrelationError.notFitted }
    let rows = try vectors(of: items, view: views[side])
    let (mean, weight): (Tensor, Tensor) =
      switch side {
      case 0: (meanX, weightX)
      case 1: (meanY, weightY)
      default: furtherViews["\(side)"].map { ($0.mean, $0.weight) } ?? (meanX, weightX)
      }
    guard rows.size(along: 1) == mean.count else {
      throw CorrelationError.wrongWidth(
        view: views[side], found: rows.size(along: 1), expected: mean.count)
    }
    return try (rows.to(.float64) - mean).matmul(weight)
  }
}

/// The map of one of several views.
final class CanonicalView: Module {
  @Buffer private(set) var mean: Tensor
  @Buffer private(set) var weight: Tensor

  init(columns: Int) throws {
    _mean = try learned([columns], "mean")
    _weight = try learned([columns, 0], "weight")
  }

  func set(mean: Tensor, weight: Tensor) {
    self.mean = mean
    self.weight = weight
  }
}

/// State whose shape is known after learning.
func learned(_ shape: [Int], _ name: String, _ dtype: DataType = .float64) throws -> Buffer {
  Buffer(wrappedValue: try Tensor.zeros(shape, dtype), name, shapeMayChange: true)
}

extension CCA: Predicting {
  /// The rows of the other view (``predict(from:side:)``); nil for several views.
  public func prediction(from items: Items, side: Int) throws -> PredictedItems? {
    guard configuration.multiview == nil else { return nil }
    return PredictedItems(try predict(from: items, side: side), of: .rows(side: 1 - side))
  }
}

extension CCA: RelationLearning {
  public var learnedRelation: LearnedRelation {
    .pairs(
      forClasses:
        "ridge_mode=auto with criterion=map chooses settings for classes, and the method scm learns them")
  }
}

extension CCA: ColumnReporting {
  /// Weights of each view's columns and their correlations with its scores.
  public var columnTables: [ColumnTable] {
    guard rho.count > 0 else { return [] }
    let further = furtherViews.sorted { $0.key < $1.key }.compactMap { number, view in
      Int(number).map { ColumnTable("weights", side: $0, view.weight) }
    }
    let weights = [ColumnTable("weights", side: 0, weightX), ColumnTable("weights", side: 1, weightY)]
    let loadings = [ColumnTable("loadings", side: 0, loadingsX), ColumnTable("loadings", side: 1, loadingsY)]
    return weights + further + loadings.filter { $0.values.size(along: 1) > 0 }
  }
}
