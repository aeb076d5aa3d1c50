import Torch

/// Multi-similarity loss (Wang et al., CVPR 2019, eq. 15) of cosines S, mean over all anchors:
/// (1/α) log(1 + Σ_p exp(−α (S_p − λ))) + (1/β) log(1 + Σ_n exp(β (S_n − λ))).
///
/// An anchor without matches (mismatches) gives 0 for that part. Goes with ``MultiSimilarityMiner``.
public struct MultiSimilarityLoss: PairLoss {
  public static let name = "the multi-similarity loss"

  public let alpha: Double
  public let beta: Double
  /// λ, the cosine around which pairs are weighed.
  public let base: Double

  /// - Throws: ``ObjectiveError`` when `alpha` or `beta` is not positive.
  public init(alpha: Double = 2, beta: Double = 50, base: Double = 0.5) throws {
    for (key, value) in [("alpha", alpha), ("beta", beta)] where !(value > 0) {
      throw ObjectiveError.badSetting(key, value, expected: "a number greater than 0")
    }
    self.alpha = alpha
    self.beta = beta
    self.base = base
  }

  public var defaultDistance: Distance { .cosine }

  public func terms(_ values: Tensor, _ masks: PairMasks) throws -> [Term] {
    let count = try Tensor.full([], Double(values.size(along: 0)), values.dtype, on: values.device)
    let positive =
      try ((base - values) * alpha).masked(with: masks.positive.not(), fill: SoftmaxContrast.never)
      .logSumExp(along: 1).exactSoftplus() / alpha
    let negative =
      try ((values - base) * beta).masked(with: masks.negative.not(), fill: SoftmaxContrast.never)
      .logSumExp(along: 1).exactSoftplus() / beta
    return [
      Term("positive", sum: try positive.sum(), count: count),
      Term("negative", sum: try negative.sum(), count: count),
    ]
  }
}

extension Tensor {
  /// log(1 + exp(x)) = max(x, 0) + log1p(exp(−|x|)), without the cut that ``softplus()`` makes at 20.
  func exactSoftplus() throws(TorchError) -> Tensor { try -((-self).logSigmoid()) }
}
