import Torch

/// Centring and the directions of largest variance (Pearson, 1901), in float64.
struct PrincipalComponents: Sendable {
  /// `[d]`.
  let mean: Tensor
  /// Orthonormal columns, `[d, size]`, by falling variance. The largest entry of each is positive, so that
  /// equal data give equal components.
  let components: Tensor

  var size: Int { components.size(along: 1) }

  init(mean: Tensor, components: Tensor) {
    self.mean = mean
    self.components = components
  }

  /// Fitted by the covariance, accumulated over blocks `[n, d]`.
  ///
  /// - Parameters:
  ///   - size: how many components; fewer when the data have lower rank.
  ///   - blocks: calls its argument with every block; called twice.
  init(size: Int, blocks: ((Tensor) throws -> Void) throws -> Void) throws {
    var sum: Tensor?
    var count = 0
    try blocks { block in
      let part = try block.to(.float64).sum(along: 0)
      sum = try sum.map { try $0 + part } ?? part
      count += block.size(along: 0)
    }
    guard let sum, count > 1 else {
      throw FeaturizerError.nothingToLearn(
        featurizer: "principal components", reason: "there are fewer than two items")
    }
    let mean = try sum / Double(count)
    let width = mean.count
    var covariance = try Tensor.zeros([width, width], .float64)
    try blocks { block in
      let centered = try block.to(.float64) - mean
      covariance = try covariance + centered.transposed().matmul(centered)
    }
    let (values, vectors) = try (covariance / Double(count - 1)).symmetricEigen()
    let variances = try values.values(as: Double.self)
    let smallest = max(variances.last ?? 0, 0) * 1e-12
    let rank = max(1, variances.count { $0 > smallest })
    let kept = min(size, rank)
    let leading = try vectors.narrowed(to: width - kept..<width, along: 1).reversed(along: 1)
    self.mean = mean
    components = try leading.withPositiveExtremes()
  }

  /// Coordinates of rows `[n, d]` along the components, `[n, size]`.
  func projected(_ rows: Tensor) throws -> Tensor { try (rows.to(.float64) - mean).matmul(components) }
}

extension Tensor {
  /// Columns with the sign that makes the entry of largest magnitude positive.
  func withPositiveExtremes() throws -> Tensor {
    let places = try magnitude().maximum(along: 0, keepingDimension: true).indices
    return try self * gathered(places, along: 0).sign()
  }
}
