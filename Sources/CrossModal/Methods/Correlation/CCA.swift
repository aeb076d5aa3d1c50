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
    accepts: [.vector])

  public let configuration: Configuration
  /// Names of the two views.
  public let views: [String]
  public private(set) var fitReport: FitReport?

  /// Mean of the first view, `[p]`.
  @Buffer public private(set) var meanX: Tensor
  /// Mean of the second view, `[q]`.
  @Buffer public private(set) var meanY: Tensor
  /// Directions of the first view, `[p, k]`.
  @Buffer public private(set) var weightX: Tensor
  /// Directions of the second view, `[q, k]`.
  @Buffer public private(set) var weightY: Tensor
  /// Correlations of the regularised problem, descending, `[k]`.
  @Buffer public private(set) var rho: Tensor

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    guard data.modalities.count == 2 else {
      throw CorrelationError.wrongViews(found: data.modalities.count, expected: "2")
    }
    self.configuration = configuration
    views = data.modalities.map(\.name)
    let widths = data.modalities.map { $0.size ?? 0 }
    _meanX = Buffer(wrappedValue: try Tensor.zeros([widths[0]], .float64), "mean_x", shapeMayChange: true)
    _meanY = Buffer(wrappedValue: try Tensor.zeros([widths[1]], .float64), "mean_y", shapeMayChange: true)
    _weightX = Buffer(
      wrappedValue: try Tensor.zeros([widths[0], 0], .float64), "weight_x", shapeMayChange: true)
    _weightY = Buffer(
      wrappedValue: try Tensor.zeros([widths[1], 0], .float64), "weight_y", shapeMayChange: true)
    _rho = Buffer(wrappedValue: try Tensor.zeros([0], .float64), "rho", shapeMayChange: true)
  }

  // MARK: - Learning

  /// Fits to all pairs; nothing is random.
  ///
  /// - Throws: ``CorrelationError`` that names the view and what is wrong with it.
  /// - Complexity: O(n (p + q)²) time and O((p + q)²) memory by covariances.
  public func fit(to data: some TrainingSet, seed: UInt64 = 0) throws {
    guard data.count >= 2 else { throw CorrelationError.tooFewRows(data.count) }
    let solver = CanonicalSolver(
      ridges: [configuration.ridge(of: 0), configuration.ridge(of: 1)],
      components: configuration.k.map { configuration.clip ? .upTo($0) : .exactly($0) } ?? .upTo(10),
      centring: configuration.center, scaling: configuration.scale, rankTolerance: configuration.rankRtol)
    let widths = try rows(of: data.batch(at: [0])).map { $0.size(along: 1) }
    let usesGram =
      switch configuration.solver {
      case .auto: widths.contains { $0 > data.count }
      case .covariance: false
      case .gram: true
      }
    if usesGram {
      try fit(rows: rows(of: data.all()), with: solver)
    } else {
      var joint = try JointCovariance(views: views, widths: widths)
      try data.forEachChunk(rows: configuration.chunkRows) { try joint.add(rows(of: $0)) }
      try fit(joint, with: solver)
    }
  }

  private func fit(_ joint: JointCovariance, with solver: CanonicalSolver) throws {
    let solution = try solver.solve(joint)
    let products = try solution.weights.enumerated().map { view, weight in
      try (weight * joint.covariance(view, view).matmul(weight)).sum(along: 0)
    }
    let cross = try (solution.weights[0] * joint.covariance(0, 1).matmul(solution.weights[1])).sum(along: 0)
    let achieved = try cross / (products[0] * products[1]).squareRoot()
    try keep(solution, means: joint.means, rows: joint.rows, achieved: achieved)
  }

  private func fit(rows: [Tensor], with solver: CanonicalSolver) throws {
    let whole = try rows.map { try $0.to(.float64) }
    for (view, tensor) in zip(views, whole) { try checkFinite(tensor, view: view) }
    let means = try whole.map { try $0.mean(along: 0) }
    let centred = configuration.center ? try zip(whole, means).map { try $0 - $1 } : whole
    let constant = try whole.indices.map { view in
      guard configuration.center else { return try whole[view].magnitude().max(along: 0) .== 0.0 }
      let spread = try whole[view].variance(along: 0).squareRoot()
      return try (whole[view].max(along: 0) .== whole[view].min(along: 0))
        .or(spread .<= (means[view].magnitude() * 1e-12))
    }
    let solution = try solver.solve(rows: centred, constant: constant, views: views)
    let achieved = try pearsonCorrelations(
      centred[0].matmul(solution.weights[0]), centred[1].matmul(solution.weights[1]))
    try keep(solution, means: means, rows: whole[0].size(along: 0), achieved: achieved)
  }

  private func keep(_ solution: CanonicalCorrelation, means: [Tensor], rows: Int, achieved: Tensor) throws {
    let centre = configuration.center
    meanX = centre ? means[0] : try means[0].zerosLike()
    meanY = centre ? means[1] : try means[1].zerosLike()
    weightX = solution.weights[0]
    weightY = solution.weights[1]
    let k = weightX.size(along: 1)
    rho = try solution.correlations[0..<k].copied()
    fitReport = try CCA.report(
      solution, views: views, widths: means.map(\.count), rows: rows, k: k,
      ridges: [configuration.ridge(of: 0), configuration.ridge(of: 1)], achieved: achieved.values())
  }

  // MARK: - Using

  /// How vectors are compared.
  public var metric: Metric { configuration.score }

  /// Scores z = (x - mean) · weight, times ρ to the power of `rho_power`: float64 `[n, k]`.
  public func encode(_ items: Items, side: Int) throws -> Features {
    guard rho.count > 0 else { throw CorrelationError.notFitted }
    let rows = try vectors(of: items, view: views[side])
    let (mean, weight) = side == 0 ? (meanX, weightX) : (meanY, weightY)
    guard rows.size(along: 1) == mean.count else {
      throw CorrelationError.wrongWidth(
        view: views[side], found: rows.size(along: 1), expected: mean.count)
    }
    let scores = try (rows.to(.float64) - mean).matmul(weight)
    guard configuration.rhoPower != 0 else { return Features(scores) }
    return Features(try scores * rho.clamped(from: 0).power(configuration.rhoPower))
  }

  private func rows(of batch: Batch) throws -> [Tensor] {
    try zip(views, batch.items).map { try vectors(of: $1, view: $0) }
  }
}

/// The rows of items that are vectors, `[n, d]`.
func vectors(of items: Items, view: String) throws -> Tensor {
  guard case .vectors(let rows) = items, rows.rank == 2 else {
    throw CorrelationError.notVectors(view: view, found: "items of kind \(items.kind.rawValue)")
  }
  return rows
}

extension CCA {
  /// What a user sees after a fit.
  static func report(
    _ solution: CanonicalCorrelation, views: [String], widths: [Int], rows: Int, k: Int, ridges: [Ridge],
    achieved: [Double]
  ) throws -> FitReport {
    let rho = Array(try solution.correlations.values(as: Double.self).prefix(k))
    let ranks = zip(views, solution.ranks).map { JSON.Member($0, .int($1)) }
    let stated = zip(views, ridges).map { JSON.Member($0, .string($1.text)) }
    var report = FitReport(
      facts: [
        "pairs": .int(rows), "ranks": .object(ranks), "k": .int(k), "ridge": .object(stated),
        "rho": .array(rho.map(JSON.double)), "correlations": .array(achieved.map(JSON.double)),
        "total_correlation": .double(achieved.reduce(0, +)),
      ])
    for (view, (rank, width)) in zip(views, zip(solution.ranks, widths)) where rank < min(width, rows - 1) {
      report.warnings.append(
        "\(view) has rank \(rank) of \(width) columns: columns that depend on others add nothing")
    }
    if ridges.allSatisfy(\.isNone), solution.ranks.reduce(0, +) > rows - 1 {
      report.warnings.append(
        "\(rows) pairs are too few for ranks \(solution.ranks[0]) and \(solution.ranks[1]) without a ridge: "
          + "\(solution.ranks.reduce(0, +) - rows + 1) correlations are trivially 1")
    }
    if solution.excess > 1e-8 {
      report.warnings.append(
        "a correlation exceeded 1 by \(solution.excess) and was set to 1: a view is almost rank-deficient; "
          + "a larger rank_rtol or a ridge makes it stable")
    }
    return report
  }
}

extension Ridge {
  /// For people: `relative 0.001`.
  var text: String {
    switch self {
    case .none: "none"
    case .absolute(let r): "absolute \(r)"
    case .shrinkage(let c): "shrinkage \(c)"
    case .relative(let r): "relative \(r)"
    case .scatter(let kappa): "scatter \(kappa)"
    }
  }
}
