import Torch

/// A view in the directions of its variance, in which every ridge is a division: what makes it cheap to try many.
struct SpectralView {
  /// Variances along the directions, `[r]`.
  let values: Tensor
  /// From centered rows to coordinates along the directions, columns scaled first, `[p, r]`.
  let axes: Tensor
  /// Sum of all variances.
  let trace: Double
  /// Number of columns.
  private let columns: Int

  /// From the covariance `[p, p]` of a view.
  init(covariance: Tensor, constant: Tensor, scaling: ColumnScale) throws {
    let scale = try scaling.factors(variances: covariance.diagonal(), constant: constant)
    let (values, vectors) = try (covariance * scale.unsqueezed(at: 1) * scale).symmetricEigen()
    self.values = try values.clamped(from: 0)
    axes = try vectors * scale.unsqueezed(at: 1)
    trace = try values.sum().item()
    columns = scale.count
  }

  /// From the centered rows `[n, p]` of a view wider than long, by their Gram matrix.
  init(rows: Tensor, scaling: ColumnScale) throws {
    let degrees = Double(rows.size(along: 0) - 1)
    let variances = try rows.squared().sum(along: 0) / degrees
    let scale = try scaling.factors(variances: variances, constant: variances .<= 0.0)
    let scaled = try rows * scale
    let (all, vectors) = try (scaled.matmul(scaled.transposed()) / degrees).symmetricEigen()
    let numbers = try all.values(as: Double.self)
    let kept = numbers.indices.filter { numbers[$0] > 1e-12 * (numbers.last ?? 0) }
    values = try all.rows(at: kept)
    let lengths = try (values * degrees).inverseSquareRoot()
    axes =
      try scaled.transposed().matmul(vectors.rows(at: kept, along: 1)) * lengths * scale.unsqueezed(at: 1)
    trace = try all.sum().item()
    columns = scale.count
  }

  /// What coordinates are multiplied by to have unit variance together with a ridge, `[r]`.
  ///
  /// - Parameter degrees: n - 1.
  func whitening(_ ridge: Ridge, degrees: Double) throws -> Tensor {
    let (keep, add) = ridge.coefficients(trace: trace, columns: columns, degrees: degrees)
    return try (values * keep + add).inverseSquareRoot()
  }
}

/// The singular vectors of a matrix as columns and its values, descending, by the eigenvalues of its smaller product with
/// itself: a third of the work of the decomposition, and eight digits of it.
func roughSingularVectors(_ matrix: Tensor) throws -> (u: Tensor, s: Tensor, v: Tensor) {
  guard matrix.size(along: 0) >= matrix.size(along: 1) else {
    let (v, s, u) = try roughSingularVectors(matrix.transposed())
    return (u, s, v)
  }
  let (ascending, vectors) = try matrix.transposed().matmul(matrix).symmetricEigen()
  let numbers = try ascending.values(as: Double.self)
  let kept = numbers.indices.reversed().filter { numbers[$0] > 1e-12 * (numbers.last ?? 0) }
  let s = try ascending.rows(at: Array(kept)).squareRoot()
  let v = try vectors.rows(at: Array(kept), along: 1)
  return (try matrix.matmul(v) / s, s, v)
}
