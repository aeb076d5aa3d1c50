import Torch

/// Least squares from canonical scores to ratings, as Zheng, Zhou, Zou & Zhao (2006) predict the expressions of
/// a face: ratings ≈ mean + z M.
public struct RatingPrediction: Sendable {
  /// Mean of the ratings, `[c]`.
  public let mean: Tensor
  /// M, `[k, c]`.
  public let weight: Tensor

  public init(mean: Tensor, weight: Tensor) {
    self.mean = mean
    self.weight = weight
  }

  /// - Parameters:
  ///   - scores: of training rows, centered, `[n, k]`.
  ///   - ratings: of the same rows, `[n, c]`.
  public init(scores: Tensor, ratings: Tensor) throws {
    let ratings = try ratings.to(.float64)
    let mean = try ratings.mean(along: 0)
    try self.init(
      mean: mean, covariance: scores.transposed().matmul(scores),
      cross: scores.transposed().matmul(ratings - mean))
  }

  /// From products of scores among themselves `[k, k]` and with centered ratings `[k, c]`.
  init(mean: Tensor, covariance: Tensor, cross: Tensor) throws {
    self.mean = mean
    // Scores may depend on each other; then the shortest solution is as good as any.
    let (values, vectors) = try covariance.symmetricEigen()
    let all = try values.values(as: Double.self)
    let kept = all.indices.filter { all[$0] > 0 && all[$0] > 1e-13 * (all.last ?? 0) }
    let axes = try vectors.rows(at: kept, along: 1)
    weight = try (axes / values.rows(at: kept)).matmul(axes.transposed().matmul(cross))
  }

  /// - Parameter scores: `[m, k]`.
  /// - Returns: predicted ratings, `[m, c]`.
  public func ratings(_ scores: Tensor) throws -> Tensor { try mean.addingProduct(scores, weight) }

  /// The column of the highest rating of each row, the lowest of equals, `[m]`.
  public static func classes(_ ratings: Tensor) throws -> [Int] {
    let width = ratings.size(along: 1)
    let all = try ratings.values(as: Double.self)
    return (0..<ratings.size(along: 0)).map { row in
      let start = row * width
      return (1..<max(width, 1)).reduce(0) { all[start + $1] > all[start + $0] ? $1 : $0 }
    }
  }
}
