import Torch

/// How the columns of one view relate to the canonical scores, from covariances alone (`cca.md` section 6).
public struct CanonicalLoadings: Sendable {
  /// corr(column j, own score), `[p, k]`; 0 for constant columns.
  public let loadings: Tensor
  /// corr(column j, the other view's score), `[p, k]`; 0 for constant columns.
  public let crossLoadings: Tensor

  /// Share of the view's variance that each of its scores carries: mean of squared loadings, `[k]`.
  public func varianceExtracted() throws -> Tensor { try loadings.squared().mean(along: 0) }

  /// Share of the view's variance that each score of the other view explains, `[k]`.
  public func redundancy() throws -> Tensor { try crossLoadings.squared().mean(along: 0) }

  /// - Parameters:
  ///   - view: 0 for x, 1 for y.
  ///   - weights: directions of both views, `[p, k]` and `[q, k]`.
  ///   - joint: covariances of the rows that loadings are wanted for.
  public init(view: Int, weights: [Tensor], joint: JointCovariance) throws {
    let other = 1 - view
    let own = try joint.covariance(view, view)
    let products = try own.matmul(weights[view])
    let across = try joint.covariance(view, other).matmul(weights[other])
    let otherVariance = try (weights[other] * joint.covariance(other, other).matmul(weights[other])).sum(
      along: 0)
    let ownVariance = try (weights[view] * products).sum(along: 0)
    let spread = try own.diagonal().clamped(from: 0).squareRoot().unsqueezed(at: 1)
    let constant = try joint.isConstant(view).unsqueezed(at: 1)
    loadings = try (products / (spread * ownVariance.squareRoot())).masked(with: constant, fill: 0)
    crossLoadings = try (across / (spread * otherVariance.squareRoot())).masked(with: constant, fill: 0)
  }

  /// From rows in memory.
  ///
  /// - Parameters:
  ///   - rows: of one view, centered, `[n, p]`.
  ///   - own: its scores, `[n, k]`.
  ///   - other: the other view's, `[n, k]`.
  ///   - constant: columns that carry nothing, bool `[p]`.
  init(rows: Tensor, own: Tensor, other: Tensor, constant: Tensor) throws {
    func unit(_ x: Tensor) throws -> Tensor { try (x - x.mean(along: 0)).normalized(along: 0) }
    let across = try unit(rows).transposed()
    let constant = try constant.unsqueezed(at: 1)
    loadings = try across.matmul(unit(own)).masked(with: constant, fill: 0)
    crossLoadings = try across.matmul(unit(other)).masked(with: constant, fill: 0)
  }
}
