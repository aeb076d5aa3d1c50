import Torch

/// The solution of canonical correlation analysis between two views (`cca.md` section 3, steps 2 and 3).
public struct CanonicalCorrelation: Sendable {
  /// Singular values of the whitened cross-covariance, descending, float64 `[min(rank x, rank y)]`, or the
  /// leading ones only where no more are wanted.
  public let correlations: Tensor
  /// Directions of each view, `[p, k]` and `[q, k]`: a'(S_xx + ridge)a = 1.
  public let weights: [Tensor]
  /// Directions in which each view varies.
  public let ranks: [Int]
  /// By how much the largest correlation exceeded 1 before it was clipped; rounding when tiny.
  public let excess: Double

  /// From whitened views and their cross-covariance.
  ///
  /// - Parameters:
  ///   - whitening: of x and of y.
  ///   - crossCovariance: `W_x' S_xy W_y`, float64 `[rank x, rank y]`.
  ///   - k: components kept in ``weights``, at most the smaller rank; nil keeps all.
  ///   - full: keep all directions of both views instead, also those without a partner: `[p, rank x]` and
  ///     `[q, rank y]`, as the permutation test needs them.
  ///   - bounded: whether correlations cannot exceed 1, so that rounding above is clipped.
  ///   - leadingOnly: correlations beyond `k` are not wanted, which is faster when there are many.
  public init(
    whitening: [Whitening], crossCovariance: Tensor, k: Int? = nil, bounded: Bool = true, full: Bool = false,
    leadingOnly: Bool = false
  ) throws {
    let (u, s, v) = try CanonicalCorrelation.decomposed(
      crossCovariance, leading: leadingOnly ? k : nil, full: full)
    ranks = whitening.map(\.rank)
    excess = bounded && s.count > 0 ? max(0, try s.max().item() - 1) : 0
    correlations = bounded ? try s.clamped(to: 1) : s
    let kept = full ? whitening.map { $0.weight.size(along: 1) } : [k ?? s.count, k ?? s.count]
    let x = try whitening[0].weight.matmul(u.narrowed(to: 0..<kept[0], along: 1))
    let y = try whitening[1].weight.matmul(v.narrowed(to: 0..<kept[1], along: 1))
    let signs = try columnSigns(of: x)
    // Directions of y beyond those of x have no partner whose sign to follow.
    let partners = min(kept[0], kept[1])
    let others = try Tensor.ones([kept[1] - partners], .float64)
    weights = [try x * signs, try y * Tensor.concatenated([signs[0..<partners], others])]
  }

  private static func decomposed(_ matrix: Tensor, leading k: Int?, full: Bool) throws -> (
    Tensor, Tensor, Tensor
  ) {
    if let k, k > 0, !full { return try leadingSingularVectors(matrix, k) }
    let (u, s, vt) = try matrix.svd(full: full)
    return (u, s, try vt.transposed())
  }
}

/// For each column 1 or -1, `[k]`, so that its entry of largest magnitude becomes positive; the first of
/// equals (within 1e-10 of the largest, so that rounding does not choose) decides.
func columnSigns(of weights: Tensor) throws -> Tensor {
  let (p, k) = (weights.size(along: 0), weights.size(along: 1))
  guard p > 0, k > 0 else { return try Tensor.ones([k], .float64) }
  let magnitude = try weights.magnitude()
  let largest = try magnitude.max(along: 0, keepingDimension: true)
  // Places of the largest entries, other places beyond the end; the smallest is the first.
  let places = try Tensor.range(0..<p).unsqueezed(at: 1).expanded(to: [p, k]).to(.float64)
  let first = try places.masked(with: magnitude .< (largest * (1 - 1e-10)), fill: Double(p)).min(along: 0).to(
    .int64)
  let entries = try weights.gathered(first.unsqueezed(at: 0), along: 0).squeezed(at: 0)
  return try (entries .< 0.0).to(.float64) * -2.0 + 1.0
}
