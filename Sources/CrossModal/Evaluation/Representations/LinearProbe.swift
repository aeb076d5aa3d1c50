import Torch

/// What a linear map can tell from frozen features: a softmax over classes, fitted by L-BFGS in float64 with a small
/// quadratic penalty. Nothing is random, nothing is to be tuned.
///
/// Columns are brought to mean 0 and deviation 1 over the rows that it is fitted to, so that features of any scale are
/// treated alike.
public struct LinearProbe: Sendable {
  /// `[classes, d]`, for features as they come.
  public let weight: Tensor
  /// `[classes]`.
  public let bias: Tensor

  /// - Parameters:
  ///   - features: `[n, d]`.
  ///   - shares: how much of each row is of each class, `[n, classes]`; a row counts as much as its sum.
  ///   - penalty: times half of the squared weights, beside the mean loss of the rows.
  /// - Throws: ``EvaluationError`` when counts disagree or there is nothing to fit to.
  public init(_ features: Tensor, shares: Tensor, penalty: Double = 1e-4, iterations: Int = 150) throws {
    let (count, width, classes) = (
      features.size(along: 0), features.size(along: 1), shares.size(along: 1)
    )
    guard shares.size(along: 0) == count else {
      throw EvaluationError.labelCount(labels: shares.size(along: 0), rows: count, side: 0)
    }
    let mass: Double = try shares.sum().item()
    guard count > 0, mass > 0 else { throw EvaluationError.noQueries }
    let rows = try features.to(.cpu).to(.float64)
    let targets = try shares.to(.cpu).to(.float64) / mass
    let mean = try rows.mean(along: 0)
    let deviation = try (rows - mean).squared().mean(along: 0).squareRoot().clamped(from: 1e-8)
    let scaled = try (rows - mean) / deviation
    let sums = try targets.sum(along: 1, keepingDimension: true)
    let start = try Tensor.zeros([classes * (width + 1)], .float64)
    let found = try LBFGS.minimum(from: start, tolerance: 1e-6, iterations: iterations) { place in
      let weight = try place[0..<classes * width].reshaped(classes, width)
      let logits = try scaled.matmul(weight.transposed()) + place[classes * width..<place.count]
      let chances = try logits.logSoftmax(along: 1)
      let loss = try -(targets * chances).sum() + weight.squared().sum() * (penalty / 2)
      let slope = try chances.exp() * sums - targets
      let ofWeight = try slope.transposed().matmul(scaled) + weight * penalty
      return (
        try loss.item(), try Tensor.concatenated([ofWeight.flattened(), slope.sum(along: 0)])
      )
    }
    let standard = try found[0..<classes * width].reshaped(classes, width)
    let own = try standard / deviation
    weight = own
    bias = try found[classes * width..<found.count] - own.matmul(mean.unsqueezed(at: 1)).squeezed(at: 1)
  }

  /// Fitted to rows of one class each, from 0.
  public init(_ features: Tensor, classes: [Int]) throws {
    let count = (classes.max() ?? 0) + 1
    try self.init(features, shares: Tensor(classes).oneHot(classes: count).to(.float64))
  }

  /// Scores of rows `[n, d]`: float64 `[n, classes]`.
  public func scores(_ features: Tensor) throws -> Tensor {
    try features.to(.cpu).to(.float64).matmul(weight.transposed()) + bias
  }
}
