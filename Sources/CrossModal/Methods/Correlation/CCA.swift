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
    let solver = CanonicalSolver(
      ridges: [configuration.ridge(of: 0), configuration.ridge(of: 1)],
      components: configuration.k.map { configuration.clip ? .upTo($0) : .exactly($0) } ?? .upTo(10),
      centring: configuration.center, scaling: configuration.scale, rankTolerance: configuration.rankRtol)
    let fit = try CanonicalFit(
      data, views: views, route: configuration.solver, chunkRows: configuration.chunkRows, with: solver)
    (meanX, meanY) = (fit.means[0], fit.means[1])
    (weightX, weightY) = (fit.solution.weights[0], fit.solution.weights[1])
    rho = try fit.solution.correlations[0..<weightX.size(along: 1)].copied()
    fitReport = try fit.report(views: views, ridges: solver.ridges)
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
}
