import Torch

/// Pairwise sigmoid loss (Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023):
/// −(1/n) Σ_ij log σ(±z_ij), z = exp(logScale) · cosine + bias, + for a match and − for a mismatch.
///
/// The sum runs over all pairs and is divided by the number of anchors, not of pairs.
public struct SigmoidContrast: PairLoss {
  public static let name = "the sigmoid contrast"

  /// Logarithm of what multiplies the cosines, a scalar.
  public var logScale: Tensor
  /// What is added to every logit, a scalar.
  public var bias: Tensor

  public init(logScale: Tensor, bias: Tensor) {
    self.logScale = logScale
    self.bias = bias
  }

  public var defaultDistance: Distance { .cosine }
  public var isSymmetric: Bool { true }
  public var parameters: [Tensor] {
    get { [logScale, bias] }
    set {
      logScale = newValue[0]
      bias = newValue[1]
    }
  }

  /// z of similarities `[rows, m]`.
  public func logits(_ similarities: Tensor) throws(TorchError) -> Tensor {
    try similarities * logScale.exp() + bias
  }

  public func terms(_ values: Tensor, _ masks: PairMasks) throws -> [Term] {
    let logits = try logits(values)
    let matches = try masks.positive.to(logits.dtype)
    // −log σ(z) of a match is softplus(−z), of a mismatch softplus(z).
    let signs = try matches - masks.negative.to(logits.dtype)
    let chances = try (logits * signs).logSigmoid()
    let counted = try masks.positive.or(masks.negative)
    return [
      Term(
        "pairs", sum: try -((chances * counted.to(logits.dtype)).sum()),
        count: try Tensor.full([], Double(values.size(along: 0)), logits.dtype, on: logits.device))
    ]
  }
}
