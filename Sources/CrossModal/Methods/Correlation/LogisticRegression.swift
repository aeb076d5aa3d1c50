import Torch

/// Logistic regression with a quadratic penalty, `½ ‖W‖² + C Σ loss`, the bias not penalized (`scm.md`
/// section 4). Solved by L-BFGS in float64; nothing is random.
public struct LogisticRegression: Sendable {
  /// How several classes are told apart.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// One softmax over all classes.
    case multinomial
    /// A sigmoid for each class against the rest, normalized to sum 1.
    case oneVersusRest = "ovr"
  }

  public let kind: Kind
  /// `[classes, d]`.
  public let weight: Tensor
  /// `[classes]`; of zero mean for ``Kind/multinomial``, which it leaves open by a constant.
  public let bias: Tensor

  public init(kind: Kind = .multinomial, weight: Tensor, bias: Tensor) {
    self.kind = kind
    self.weight = weight
    self.bias = bias
  }

  /// Fits to rows of known classes.
  ///
  /// - Parameters:
  ///   - rows: `[n, d]`.
  ///   - classes: of each row, from 0.
  ///   - count: number of classes.
  ///   - penalty: C, the inverse of the regularisation, above 0.
  ///   - balanced: whether rows count so that all classes weigh the same.
  ///   - start: a solution for another penalty, to begin from.
  ///   - tolerance: largest entry of the gradient, over max(1, C n).
  public static func fit(
    _ rows: Tensor, classes: [Int], count: Int, penalty: Double, kind: Kind = .multinomial,
    balanced: Bool = false, start: LogisticRegression? = nil, tolerance: Double = 1e-9
  ) throws -> LogisticRegression {
    let (n, d) = (rows.size(along: 0), rows.size(along: 1))
    guard n == classes.count else {
      throw CorrelationError.unequalRows(["rows", "labels"], [n, classes.count])
    }
    // A column of ones carries the bias. Everything is [classes or d + 1, n], so that classes are few rows.
    let extended = try Tensor.concatenated([rows.to(.float64), Tensor.ones([n, 1], .float64)], along: 1)
    let across = try extended.transposed().contiguous()
    let labels = try Tensor(classes)
    let sizes = try labels.counts(length: count).to(.float64)
    let shares =
      balanced
      ? try (Double(n) / (sizes * Double(count))).rows(at: labels) : try Tensor.ones([n], .float64)
    // The part of the loss that is linear in the weights, Σ share · logit of the own class, for good.
    let linear = try (labels.oneHot(classes: count).to(.float64).transposed() * shares).matmul(extended)
    let penalized = try Tensor.concatenated(
      [Tensor.ones([count, d], .float64), Tensor.zeros([count, 1], .float64)], along: 1)
    func objective(_ vector: Tensor) throws -> (value: Double, gradient: Tensor) {
      let theta = try vector.reshaped(count, d + 1)
      let logits = try theta.matmul(across)
      let likely: Tensor
      let losses: Tensor
      switch kind {
      case .multinomial:
        let largest = try logits.max(along: 0, keepingDimension: true)
        let powers = try (logits - largest).exp()
        let sums = try powers.sum(along: 0, keepingDimension: true)
        losses = try (sums.log() + largest) * shares
        likely = try powers * (shares / sums)
      case .oneVersusRest:
        losses = try (logits.clamped(from: 0) + (-logits.magnitude()).exp().log1p()) * shares
        likely = try logits.sigmoid() * shares
      }
      let free = try theta * penalized
      let value = try free.squared().sum() * 0.5 + (losses.sum() - (theta * linear).sum()) * penalty
      let gradient = try free.addingProduct(likely, extended, scale: penalty) - linear * penalty
      return (try value.item(), try gradient.flattened())
    }
    var initial = try Tensor.zeros([(d + 1) * count], .float64)
    if let start {
      initial = try Tensor.concatenated([start.weight, start.bias.unsqueezed(at: 1)], along: 1).flattened()
    }
    let theta = try LBFGS.minimum(
      from: initial, tolerance: tolerance * max(1, penalty * Double(n)), of: objective
    ).reshaped(count, d + 1)
    let bias = try theta.selected(d, along: 1)
    return LogisticRegression(
      kind: kind, weight: try theta.narrowed(to: 0..<d, along: 1).contiguous(),
      bias: kind == .multinomial ? try bias - bias.mean() : try bias.copied())
  }

  /// Class probabilities of rows `[n, d]`: float64 `[n, classes]`, each row sums to 1.
  public func probabilities(_ rows: Tensor) throws -> Tensor {
    let logits = try rows.to(.float64).matmul(weight.transposed()) + bias
    switch kind {
    case .multinomial: return try logits.softmax(along: 1)
    case .oneVersusRest:
      let single = try logits.sigmoid()
      // Where no class is likely at all the largest logit decides.
      let sums = try single.sum(along: 1, keepingDimension: true)
      return try (single / sums).chosen(where: sums .> 1e-300, otherwise: logits.softmax(along: 1))
    }
  }
}
