import Torch

/// A canonical correlation analysis fitted to rows: means, directions and what they reach.
struct CanonicalFit {
  /// What is subtracted from the rows of each view; zeros without centring.
  let means: [Tensor]
  let solution: CanonicalCorrelation
  /// Pairs seen.
  let rows: Int
  /// Pearson correlation of each pair of training scores, `[k]`.
  let achieved: Tensor
  /// Least-squares loadings of each view on its own scores, `[k, p]`: they turn scores back into rows.
  let decoders: [Tensor]
  /// How the columns of each view relate to the scores on the training rows.
  let loadings: [CanonicalLoadings]

  /// From covariances.
  init(_ joint: JointCovariance, with solver: CanonicalSolver) throws {
    solution = try solver.solve(joint)
    rows = joint.rows
    means = solver.centring ? joint.means : try joint.means.map { try $0.zerosLike() }
    achieved = try achievedCorrelations(of: solution.weights, in: joint)
    let weights = solution.weights
    loadings = try [0, 1].map { try CanonicalLoadings(view: $0, weights: weights, joint: joint) }
    decoders = try solution.weights.enumerated().map { view, weight in
      let products = try weight.transposed().matmul(
        joint.covariance(view, view, centered: solver.centring))
      return try leastSquares(products.matmul(weight), products)
    }
  }

  /// From rows in memory, for views wider than long.
  ///
  /// - Throws: ``CorrelationError`` also for numbers that are not finite.
  init(rows: [Tensor], views: [String], with solver: CanonicalSolver) throws {
    let whole = try rows.map { try $0.to(.float64) }
    for (view, tensor) in zip(views, whole) { try checkFinite(tensor, view: view) }
    let found = try whole.map { try $0.mean(along: 0) }
    means = solver.centring ? found : try found.map { try $0.zerosLike() }
    let centered = solver.centring ? try zip(whole, means).map { try $0 - $1 } : whole
    let constant = try whole.indices.map { view in
      guard solver.centring else { return try whole[view].magnitude().max(along: 0) .== 0.0 }
      let spread = try whole[view].variance(along: 0).squareRoot()
      return try spread .<= (found[view].magnitude() * 1e-12)
    }
    solution = try solver.solve(rows: centered, constant: constant, views: views)
    let scores = try zip(centered, solution.weights).map { try $0.matmul($1) }
    achieved = try pearsonCorrelations(scores[0], scores[1])
    loadings = try [0, 1].map { view in
      try CanonicalLoadings(
        rows: centered[view], own: scores[view], other: scores[1 - view], constant: constant[view])
    }
    decoders = try zip(centered, scores).map { rows, scores in
      let across = try scores.transposed()
      return try leastSquares(across.matmul(scores), across.matmul(rows))
    }
    self.rows = whole[0].size(along: 0)
  }

  /// From all pairs of a training set, by the given route.
  init(
    _ data: some TrainingSet, views: [String], route: CCA.Solver, chunkRows: Int, with solver: CanonicalSolver
  ) throws {
    guard data.count >= 2 else { throw CorrelationError.tooFewRows(data.count) }
    let widths = try rowsOfViews(data.batch(at: [0]), views).map { $0.size(along: 1) }
    if route.usesRows(widths: widths, count: data.count) {
      try self.init(rows: rowsOfViews(data.all(), views), views: views, with: solver)
    } else {
      var joint = try JointCovariance(views: views, widths: widths)
      try data.forEachChunk(rows: chunkRows) { try joint.add(rowsOfViews($0, views)) }
      try self.init(joint, with: solver)
    }
  }

  /// Scores of rows of a view, all components: (rows - mean) · weight, float64 `[n, k]`.
  func scores(_ rows: Tensor, view: Int) throws -> Tensor {
    try (rows.to(.float64) - means[view]).matmul(solution.weights[view])
  }
}

/// The solution of normal equations; where they are singular to the last digit, that of equations hardly different.
private func leastSquares(_ products: Tensor, _ right: Tensor) throws -> Tensor {
  if let found = try? products.solve(right), try found.isFinite().all() { return found }
  let size = products.size(along: 0)
  let mean: Double = try products.trace().item() / Double(max(1, size))
  return try (products + Tensor.identity(size, .float64) * (1e-10 * max(mean, .leastNormalMagnitude))).solve(
    right)
}

extension CanonicalSolver {
  /// Fits to rows in memory, by covariances or, for a view wider than long, by Gram matrices.
  func fit(_ rows: [Tensor], views: [String]) throws -> CanonicalFit {
    let widths = rows.map { $0.size(along: 1) }
    if CCA.Solver.auto.usesRows(widths: widths, count: rows[0].size(along: 0)) {
      return try CanonicalFit(rows: rows, views: views, with: self)
    }
    var joint = try JointCovariance(views: views, widths: widths)
    try joint.add(rows)
    return try CanonicalFit(joint, with: self)
  }
}

extension CCA.Solver {
  /// Whether rows are held in memory: when asked for, or when a view is wider than long.
  func usesRows(widths: [Int], count: Int) -> Bool {
    switch self {
    case .auto: widths.contains { $0 > count }
    case .covariance: false
    case .gram: true
    }
  }
}

/// Pearson correlations of the scores that `weights` give, on the rows whose covariances are given; 0 where a
/// score is constant. float64 `[k]`.
func achievedCorrelations(of weights: [Tensor], in joint: JointCovariance) throws -> Tensor {
  let variances = try weights.enumerated().map { view, weight in
    try (weight * joint.covariance(view, view).matmul(weight)).sum(along: 0)
  }
  let cross = try (weights[0] * joint.covariance(0, 1).matmul(weights[1])).sum(along: 0)
  let product = try variances[0] * variances[1]
  // Rounding makes 1.00000000000002 of 1.
  return try (cross / product.squareRoot()).masked(with: product .<= 0.0, fill: 0).clamped(from: -1, to: 1)
}

/// The rows of every view of a batch, which must be vectors.
func rowsOfViews(_ batch: Batch, _ views: [String]) throws -> [Tensor] {
  try zip(views, batch.items).map { try vectors(of: $1, view: $0) }
}

/// The rows of items that are vectors, `[n, d]`.
func vectors(of items: Items, view: String) throws -> Tensor {
  guard case .vectors(let rows) = items, rows.rank == 2 else {
    throw CorrelationError.notVectors(view: view, found: "items of kind \(items.kind.rawValue)")
  }
  return rows
}
