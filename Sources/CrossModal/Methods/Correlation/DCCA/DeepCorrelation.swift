import Torch

/// What deep canonical correlation analysis maximises: the correlation between two batches of outputs
/// (Andrew et al., ICML 2013), and the variants of other programs. In float64 whatever the outputs are.
///
/// Outputs are `[m, o]`, one row a pair; a loss is a scalar, to be minimized.
public enum DeepCorrelation {
  /// Singular values of S₁₁^-½ S₁₂ S₂₂^-½, descending, with S the covariances plus `ridges` times the identity.
  ///
  /// By Cholesky factors and triangular solves, which have the same singular values and a gradient that is finite
  /// also where values repeat (no 1/(λᵢ - λⱼ) terms).
  /// - Throws: ``DeepCorrelationError`` when there are too few rows or a covariance is not positive definite.
  public static func singularValues(_ outputs: [Tensor], ridges: [Double]) throws -> Tensor {
    try whitenedCross(outputs, ridges: ridges).singularValues()
  }

  /// Minus the sum of the `top` largest singular values (all when nil): the paper's loss.
  public static func loss(_ outputs: [Tensor], ridges: [Double], top: Int? = nil) throws -> Tensor {
    let values = try singularValues(outputs, ridges: ridges)
    return try -(top.map { try values[0..<Swift.min($0, values.count)] } ?? values).sum()
  }

  /// Minus the sum of squared singular values: not the paper's loss, but cca_zoo's.
  public static func sumOfSquares(_ outputs: [Tensor], ridges: [Double]) throws -> Tensor {
    try -whitenedCross(outputs, ridges: ridges).squared().sum()
  }

  /// The loss of the public PyTorch program (michaelvll): roots of covariances without eigenvalues below
  /// `epsilon`, and the `top` largest roots of the eigenvalues of T'T + r I, none below `epsilon`.
  public static func eigenvalueRoots(
    _ outputs: [Tensor], ridge: Double, epsilon: Double, top: Int
  ) throws -> Tensor {
    let (centered, degrees) = try Self.centered(outputs)
    let roots = try centered.map { rows in
      try inverseRoot(
        plus(ridge, rows.transposed().matmul(rows) / degrees), dropping: epsilon)
    }
    let cross = try centered[0].transposed().matmul(centered[1]) / degrees
    let t = try roots[0].matmul(cross).matmul(roots[1])
    return try -topRoots(of: plus(ridge, t.transposed().matmul(t)), count: top, epsilon: epsilon)
  }

  /// Generalised form for any number of views: minus the sum of the `top` largest eigenvalues of the sum of the
  /// views' (ridge) projectors.
  public static func generalized(_ outputs: [Tensor], ridges: [Double], top: Int) throws -> Tensor {
    let (centered, degrees) = try Self.centered(outputs)
    // The m × m sum of projectors R R' has the eigenvalues of the small R'R.
    let whitened = try centered.enumerated().map { view, rows in
      let factor = try self.factor(rows, degrees, ridge: ridges[min(view, ridges.count - 1)], view: view)
      return try factor.solveTriangular(rows.transposed()).transposed() / degrees.squareRoot()
    }
    let joined = try Tensor.concatenated(whitened, along: 1)
    return try -topEigenvalues(of: joined.transposed().matmul(joined), count: top)
  }

  /// The Eckart-Young loss -2 tr C + tr V² for small batches: C the mean over ordered pairs of views, V the mean
  /// of the views' own covariances.
  public static func eckartYoung(_ outputs: [Tensor]) throws -> Tensor {
    let (centered, degrees) = try Self.centered(outputs)
    let views = Double(outputs.count)
    let sum = try centered.dropFirst().reduce(centered[0]) { try $0 + $1 }
    let crossTrace = try sum.squared().sum() / degrees / views
    let own = try centered.map { try $0.transposed().matmul($0) / degrees }
    let v = try own.dropFirst().reduce(own[0]) { try $0 + $1 } / views
    return try crossTrace * -2.0 + v.squared().sum()
  }

  /// Largest over smallest eigenvalue of the covariance of each output: large when outputs have collapsed.
  static func conditionNumbers(_ outputs: [Tensor], ridges: [Double]) throws -> [Double] {
    try withoutGradient {
      let (centered, degrees) = try Self.centered(outputs)
      return try centered.enumerated().map { view, rows in
        let covariance = try plus(
          ridges[min(view, ridges.count - 1)], rows.transposed().matmul(rows) / degrees)
        let values = try covariance.symmetricEigen().values.values(as: Double.self)
        return (values.last ?? 1) / Swift.max(values.first ?? 1, .leastNormalMagnitude)
      }
    }
  }

  // MARK: - Pieces

  private static func centered(_ outputs: [Tensor]) throws -> (rows: [Tensor], degrees: Double) {
    let counts = outputs.map { $0.size(along: 0) }
    guard Set(counts).count == 1, let m = counts.first else {
      throw DeepCorrelationError.unequalRows(counts)
    }
    let width = outputs.map { $0.size(along: 1) }.max() ?? 0
    guard m > width else { throw DeepCorrelationError.smallBatch(rows: m, width: width) }
    let rows = try outputs.map { output in
      let rows = try output.to(.float64)
      return try rows - rows.mean(along: 0, keepingDimension: true)
    }
    return (rows, Double(m - 1))
  }

  private static func plus(_ ridge: Double, _ matrix: Tensor) throws -> Tensor {
    try matrix + Tensor.identity(matrix.size(along: 0), .float64, on: matrix.device) * ridge
  }

  private static func factor(_ rows: Tensor, _ degrees: Double, ridge: Double, view: Int) throws -> Tensor {
    let covariance = try plus(ridge, rows.transposed().matmul(rows) / degrees)
    do {
      return try covariance.cholesky()
    } catch {
      guard try covariance.detached().isFinite().all() else {
        throw DeepCorrelationError.notFinite(view: view)
      }
      throw DeepCorrelationError.notPositive(view: view, ridge: ridge, rows: rows.size(along: 0))
    }
  }

  private static func whitenedCross(_ outputs: [Tensor], ridges: [Double]) throws -> Tensor {
    let (centered, degrees) = try Self.centered(outputs)
    let first = try factor(centered[0], degrees, ridge: ridges[0], view: 0)
    let second = try factor(centered[1], degrees, ridge: ridges[min(1, ridges.count - 1)], view: 1)
    let cross = try centered[0].transposed().matmul(centered[1]) / degrees
    let half = try first.solveTriangular(cross)
    return try second.solveTriangular(half.transposed()).transposed()
  }

  /// S^-½ of a symmetric matrix from its eigenvalues above `epsilon`.
  ///
  /// The gradient is that of the divided differences of λ^-½, which stay finite where eigenvalues repeat.
  static func inverseRoot(_ matrix: Tensor, dropping epsilon: Double) throws -> Tensor {
    let (values, vectors) = try withoutGradient { try matrix.detached().symmetricEigen() }
    let kept = try (values .> epsilon).to(.float64)
    let roots = try values.clamped(from: epsilon).squareRoot()
    let inverse = try roots.reciprocal() * kept
    let value = try (vectors * inverse).matmul(vectors.transposed())
    guard matrix.requiresGradient else { return value }
    // Both kept: -1/(√λᵢ√λⱼ(√λᵢ + √λⱼ)); one kept: its value over the difference; none: 0.
    let (rows, columns) = (try roots.unsqueezed(at: 1), roots)
    let both = try kept.unsqueezed(at: 1) * kept
    let within = try -(rows * columns * (rows + columns)).reciprocal() * both
    let one = try kept.unsqueezed(at: 1) - kept
    let difference = try values.unsqueezed(at: 1) - values
    let across = try (inverse.unsqueezed(at: 1) - inverse) / difference.masked(with: one .== 0.0, fill: 1)
    let slopes = try within + across * one.magnitude()
    let change = try vectors.transposed().matmul(matrix - matrix.detached()).matmul(vectors)
    return try value + vectors.matmul(slopes * change).matmul(vectors.transposed())
  }

  /// Sum of the roots of the largest eigenvalues of a symmetric matrix, none below `epsilon`.
  private static func topRoots(of matrix: Tensor, count: Int, epsilon: Double) throws -> Tensor {
    try spectralSum(of: matrix, count: count) { values in
      let kept = try (values .> epsilon).to(.float64)
      let roots = try values.clamped(from: epsilon).squareRoot()
      return (roots, try roots.reciprocal() * 0.5 * kept)
    }
  }

  /// Sum of the largest eigenvalues of a symmetric matrix.
  private static func topEigenvalues(of matrix: Tensor, count: Int) throws -> Tensor {
    try spectralSum(of: matrix, count: count) { ($0, try $0.onesLike()) }
  }

  /// Σ f(λ) over the largest eigenvalues; its gradient is V f'(λ) V', without eigenvalue differences.
  private static func spectralSum(
    of matrix: Tensor, count: Int, _ function: (Tensor) throws -> (value: Tensor, slope: Tensor)
  ) throws -> Tensor {
    let (values, vectors) = try withoutGradient { try matrix.detached().symmetricEigen() }
    let first = Swift.max(0, values.count - count)
    let (value, slope) = try function(values[first..<values.count])
    let sum = try value.sum()
    guard matrix.requiresGradient else { return sum }
    let top = try vectors.narrowed(to: first..<values.count, along: 1)
    let gradient = try (top * slope).matmul(top.transposed())
    return try sum + ((matrix - matrix.detached()) * gradient).sum()
  }
}
