import Torch

/// How two vectors of a joint space are compared; higher is closer.
public enum Metric: String, Sendable, Codable, CaseIterable {
  /// Inner product of the vectors divided by their lengths.
  case cosine
  /// Inner product.
  case dot
  /// Euclidean distance, negated.
  case euclidean
  /// ``OrderSimilarity``: how little the second exceeds the first. Not symmetric: the first modality comes first.
  case order

  /// Scores of the rows of `x` `[n, d]` against the rows of `y` `[m, d]`: `[n, m]`.
  public func scores(_ x: Tensor, _ y: Tensor) throws -> Tensor {
    switch self {
    case .cosine: try x.normalized(along: -1).matmul(y.normalized(along: -1).transposed())
    case .dot: try x.matmul(y.transposed())
    case .euclidean: try -x.distances(to: y)
    case .order: try OrderSimilarity.scores(x, y)
    }
  }
}
