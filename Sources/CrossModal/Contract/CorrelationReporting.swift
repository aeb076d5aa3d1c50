import Torch

/// A method whose features come in canonical pairs, so that evaluation can report their correlations.
public protocol CorrelationReporting: JointEmbedding {
  /// Pearson correlation of each component between rows that belong together.
  ///
  /// - Parameters:
  ///   - x: features of the first modality, one row a pair.
  ///   - y: features of the second modality, row i with row i of `x`.
  /// - Returns: one number a component; their sum is the total correlation.
  func correlations(_ x: Features, _ y: Features) throws -> [Double]
  /// Correlation of each component as it was learned; nil where what was learned is no correlation.
  var learnedCorrelations: Tensor? { get }
}

extension CorrelationReporting {
  public func correlations(_ x: Features, _ y: Features) throws -> [Double] {
    try pearsonCorrelations(x.values, y.values).values()
  }
}

/// Pearson correlation of column j of `x` with column j of `y`, both `[n, k]`, each centered by its own mean;
/// 0 where a column is constant. float64 `[k]`.
public func pearsonCorrelations(_ x: Tensor, _ y: Tensor) throws -> Tensor {
  let (x, y) = (try x.to(.float64), try y.to(.float64))
  let (a, b) = (
    try x - x.mean(along: 0, keepingDimension: true), try y - y.mean(along: 0, keepingDimension: true)
  )
  let lengths = try (a.squared().sum(along: 0) * b.squared().sum(along: 0)).squareRoot()
  let products = try (a * b).sum(along: 0)
  // Rounding makes 1.00000000000002 of 1.
  return try (products / lengths).masked(with: lengths .== 0.0, fill: 0).clamped(from: -1, to: 1)
}
