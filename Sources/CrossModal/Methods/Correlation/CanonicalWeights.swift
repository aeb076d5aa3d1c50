import Torch

/// What canonical scores are multiplied by before they are compared, so that components which tell little about the other
/// view count little.
enum CanonicalWeights {
  /// No correlation counts as more than this: one of 1 would take all the weight.
  static let largest = 0.99
  /// Nor as less, so that scores can be divided by their weights again.
  private static let smallest = 1e-9

  /// ρ / √(1 - ρ²), `[k]`: of an item's own score both the share that the views have in common and how sharply it is
  /// known. ρ is that of the regularized problem, never the correlation of training scores, which over-fitted components
  /// have near 1.
  static func odds(_ rho: Tensor) throws -> Tensor {
    let rho = try rho.clamped(from: smallest, to: largest)
    return try rho / (1.0 - rho.squared()).squareRoot()
  }
}

/// The log of how much likelier two items are as a pair than as two strangers, where views are normal and have the
/// canonical correlations ρ:
///
/// s(x, y) = Σ [ρ z_x z_y - ρ² (z_x² + z_y²)/2] / (1 - ρ²).
///
/// With v = z √(ρ/(1 - ρ²)) that is v_x'v_y - q_x - q_y, q = Σ ρ v²/2: an inner product of vectors with two more columns.
enum PairLikelihood {
  /// √(ρ / (1 - ρ²)), `[k]`: what makes v of z.
  static func weights(_ rho: Tensor) throws -> Tensor {
    let rho = try rho.clamped(from: 1e-9, to: CanonicalWeights.largest)
    return try (rho / (1.0 - rho.squared())).squareRoot()
  }

  /// q of each row of v, `[n, 1]`.
  static func penalties(_ v: Tensor, _ rho: Tensor) throws -> Tensor {
    let shares = try rho.clamped(from: 1e-9, to: CanonicalWeights.largest) / 2.0
    return try (v.squared() * shares).sum(along: 1, keepingDimension: true)
  }

  /// Vectors whose inner products across sides are the likelihoods: (v, -q, 1) of the first view, (v, 1, -q) of the
  /// second, `[n, k + 2]`.
  static func vectors(_ v: Tensor, _ rho: Tensor, side: Int) throws -> Tensor {
    let penalty = try -penalties(v, rho)
    let one = try penalty.onesLike()
    return try Tensor.concatenated([v] + (side == 0 ? [penalty, one] : [one, penalty]), along: 1)
  }
}
