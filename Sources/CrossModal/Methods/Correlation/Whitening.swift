import Torch

/// Directions of one view in which its (regularised) covariance is the identity: W'(S + ridge)W = I.
public struct Whitening: Sendable {
  /// `[p, rank]`; with a ridge also directions in which the view hardly varies, up to `[p, p]`.
  public let weight: Tensor
  /// Directions in which the view varies.
  public let rank: Int

  /// From the covariance of a view (`cca.md` section 3, step 1).
  ///
  /// Without a ridge the columns are brought to unit variance first, so that columns of very different
  /// scale lose nothing; eigenvalues of the correlation matrix below `tolerance` times the largest are cut.
  /// With a ridge the cut is on eigenvalues of S + ridge, which hardly ever cuts: a column of tiny variance
  /// still has its part in the weights. ``rank`` is that of the correlation matrix in either case.
  /// - Parameters:
  ///   - covariance: S, float64 `[p, p]`.
  ///   - constant: columns that carry nothing, bool `[p]`; their weight is 0.
  ///   - scaling: of the columns, before the ridge is added.
  ///   - degrees: n - 1.
  public init(
    covariance: Tensor, constant: Tensor, ridge: Ridge, scaling: ColumnScale, degrees: Double,
    tolerance: Double
  ) throws {
    let variances = try covariance.diagonal()
    func scaled(by scaling: ColumnScale) throws -> (matrix: Tensor, scale: Tensor) {
      let scale = try scaling.factors(variances: variances, constant: constant)
      return (try covariance * scale.unsqueezed(at: 1) * scale, scale)
    }
    let scaling = ridge.isNone ? .deviation : scaling
    let (matrix, scale) = try scaled(by: scaling)
    let p = matrix.size(along: 0)
    let shift = ridge.coefficients(trace: try matrix.trace().item(), columns: p, degrees: degrees)
    if let inverse = try Whitening.inverseFactor(ofFullRank: matrix, tolerance: tolerance) {
      rank = p
      let identity = try Tensor.identity(p, .float64)
      let factor =
        ridge.isNone ? inverse : try Whitening.inverseFactor(of: matrix * shift.keep + identity * shift.add)
      weight = try factor.transposed() * scale.unsqueezed(at: 1)
      return
    }
    let (values, vectors) = try matrix.symmetricEigen()
    let regular = try values * shift.keep + shift.add
    let spectrum = try Whitening.kept(regular, tolerance: tolerance)
    if scaling == .deviation {
      rank = try Whitening.kept(values, tolerance: tolerance).count
    } else {
      rank = try Whitening.kept(
        scaled(by: .deviation).matrix.symmetricEigen().values, tolerance: tolerance
      ).count
    }
    let roots = try spectrum.values.inverseSquareRoot()
    weight = try vectors.rows(at: spectrum.places, along: 1) * roots * scale.unsqueezed(at: 1)
  }

  /// From the covariance of a view with a ridge, by its Cholesky factor: a tenth of the time, but directions
  /// in which the view hardly varies are not counted. Nil when the ridge does not carry them.
  init?(byCholesky covariance: Tensor, ridge: Ridge, degrees: Double, tolerance: Double) throws {
    let p = covariance.size(along: 0)
    let trace: Double = try covariance.trace().item()
    let (keep, add) = ridge.coefficients(trace: trace, columns: p, degrees: degrees)
    guard trace > 0, add > 1e3 * tolerance * keep * trace,
      let lower = try? (covariance * keep + Tensor.identity(p, .float64) * add).cholesky()
    else { return nil }
    rank = p
    weight = try lower.transposed().solveTriangular(Tensor.identity(p, .float64), upper: true)
  }

  /// From the centered rows of a view that is wider than long, by the Gram matrix of its rows; nothing of
  /// size `[p, p]` is made. Gives the same weights as the covariance; ``rank`` counts directions of the columns as
  /// they are where a ridge is added to S, since another scale would need another Gram matrix.
  ///
  /// - Parameter rows: float64 `[n, p]`, centered when the model centers.
  /// - Complexity: O(n² p).
  public init(
    rows: Tensor, constant: Tensor, ridge: Ridge, scaling: ColumnScale, degrees: Double, tolerance: Double
  ) throws {
    let scale = try (ridge.isNone ? .deviation : scaling).factors(
      variances: rows.squared().sum(along: 0) / degrees, constant: constant)
    let scaled = try rows * scale
    let gram = try scaled.matmul(scaled.transposed()) / degrees
    let (values, vectors) = try gram.symmetricEigen()
    // Below this a direction of the Gram matrix is rounding, whatever the ridge.
    let spectrum = try Whitening.kept(values, tolerance: ridge.isNone ? tolerance : min(tolerance, 1e-14))
    rank = try Whitening.kept(values, tolerance: tolerance).count
    let (keep, add) = ridge.coefficients(
      trace: try gram.trace().item(), columns: rows.size(along: 1), degrees: degrees)
    let roots = try (spectrum.values * keep + add).inverseSquareRoot()
    // Unit eigenvectors of the covariance are X'u / √(λ(n-1)).
    let lengths = try (spectrum.values * degrees).inverseSquareRoot()
    let kept = try vectors.rows(at: spectrum.places, along: 1)
    weight = try scaled.transposed().matmul(kept) * (lengths * roots) * scale.unsqueezed(at: 1)
  }

  /// L⁻¹ of the Cholesky factor L when every eigenvalue is certainly far above the cut, else nil.
  ///
  /// The smallest eigenvalue is at least 1 / ‖L⁻¹‖², the largest at most the trace: a proof of full rank at a
  /// fraction of the work of the eigenvalues.
  private static func inverseFactor(ofFullRank matrix: Tensor, tolerance: Double) throws -> Tensor? {
    guard let inverse = try? inverseFactor(of: matrix) else { return nil }
    let smallest: Double = 1 / (try inverse.squared().sum().item())
    let trace: Double = try matrix.trace().item()
    return smallest > max(tolerance, 1e-8) * trace ? inverse : nil
  }

  /// L⁻¹ of the Cholesky factor L.
  private static func inverseFactor(of matrix: Tensor) throws -> Tensor {
    try matrix.cholesky().solveTriangular(Tensor.identity(matrix.size(along: 0), .float64))
  }

  /// Eigenvalues above the cut, descending, and where they were.
  private static func kept(_ values: Tensor, tolerance: Double) throws
    -> (values: Tensor, places: Tensor, count: Int)
  {
    let all = try values.values(as: Double.self)
    let largest = all.last ?? 0
    let places = all.indices.reversed().filter { all[$0] > 0 && all[$0] > tolerance * largest }
    let indices = try Tensor(Array(places))
    return (try values.rows(at: indices), indices, places.count)
  }
}
