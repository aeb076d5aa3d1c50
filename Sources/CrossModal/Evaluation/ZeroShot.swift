import Torch

/// Classes that are named by sentences instead of learned from examples: a vector a class, and how items are scored against
/// them (Radford et al., ICML 2021, section 3.1).
public struct ZeroShot: Sendable {
  /// The vector of each class, of length 1, `[classes, d]`.
  public let classes: Tensor
  /// What cosines are multiplied with.
  public let scale: Double
  /// What is added to them; nil for classes that exclude each other, whose probabilities add up to 1.
  public let bias: Double?

  /// - Parameters:
  ///   - texts: features of sentences, class by class, each with as many sentences, `[classes * templates, d]`.
  ///   - templates: sentences of a class.
  ///   - scale: what cosines are multiplied with: the factor, not its logarithm.
  ///   - bias: SigLIP's; makes probabilities those of each class by itself.
  /// - Throws: ``TorchError`` for features that are no whole number of classes.
  public init(texts: Tensor, templates: Int, scale: Double, bias: Double? = nil) throws {
    let width = texts.size(along: -1)
    guard texts.rank == 2, templates > 0, texts.size(along: 0) % templates == 0 else {
      throw TorchError(
        operation: "zero-shot classes", shapes: [texts.shape],
        message: "expected \(templates) rows a class")
    }
    let sums = try Self.unit(texts).reshaped(to: [texts.size(along: 0) / templates, templates, width])
      .mean(along: 1)
    self.classes = try Self.unit(sums)
    self.scale = scale
    self.bias = bias
  }

  /// Vectors divided by their lengths.
  private static func unit(_ rows: Tensor) throws(TorchError) -> Tensor {
    try rows / rows.norm(along: 1, keepingDimension: true).clamped(from: 1e-12)
  }

  /// Scores of items against the classes, `[n, classes]`.
  ///
  /// - Parameter items: features `[n, d]`, of any length.
  public func logits(_ items: Tensor) throws -> Tensor {
    let scores = try Self.unit(items.to(classes.dtype)).matmul(classes.transposed(0, 1)) * scale
    return try bias.map { try scores + $0 } ?? scores
  }

  /// How probable each class is, `[n, classes]`: softmax, or with a bias the sigmoid of each score.
  public func probabilities(_ logits: Tensor) throws -> Tensor {
    try bias == nil ? logits.softmax(along: -1) : logits.sigmoid()
  }

  /// How many classes score higher than the true one, for each item.
  ///
  /// - Parameters:
  ///   - logits: `[n, classes]`.
  ///   - labels: the true class of each item.
  public static func ranks(_ logits: Tensor, labels: [Int]) throws -> [Int] {
    let width = logits.size(along: 1)
    let scores = try logits.values(as: Double.self)
    return labels.enumerated().map { row, label in
      let own = scores[row * width + label]
      return (0..<width).count { scores[row * width + $0] > own }
    }
  }

  /// The share of items whose true class is among the `count` that score highest, in percent.
  public static func accuracy(_ ranks: [Int], among count: Int) -> Double {
    100 * Double(ranks.count { $0 < count }) / Double(max(1, ranks.count))
  }
}
