import Torch

/// Circle loss (Sun et al., CVPR 2020, eq. 6) of cosines: each pair is weighed by how far it is from where it
/// should be, and the weights have no gradient.
///
/// softplus(lse_n γ w_n (S_n − m) + lse_p −γ w_p (S_p − 1 + m)), w_n = max(0, S_n + m), w_p = max(0, 1 + m − S_p).
/// Anchors that lack matches or mismatches give 0; mean over the anchors above 0.
public struct CircleLoss: PairLoss {
  public static let name = "the circle loss"

  public let margin: Double
  public let gamma: Double

  /// - Throws: ``ObjectiveError`` when `gamma` is not positive.
  public init(margin: Double = 0.4, gamma: Double = 80) throws {
    guard gamma > 0 else {
      throw ObjectiveError.badSetting("gamma", gamma, expected: "a number greater than 0")
    }
    self.margin = margin
    self.gamma = gamma
  }

  public var defaultDistance: Distance { .cosine }

  public func terms(_ values: Tensor, _ masks: PairMasks) throws -> [Term] {
    let fixed = try values.detached()
    let positive = try (values - (1 - margin)) * (1 + margin - fixed).relu() * -gamma
    let negative = try (values - margin) * (fixed + margin).relu() * gamma
    let both = try masks.positive.any(along: 1).and(masks.negative.any(along: 1)).to(values.dtype)
    let spread =
      try positive.masked(with: masks.positive.not(), fill: SoftmaxContrast.never).logSumExp(along: 1)
      + negative.masked(with: masks.negative.not(), fill: SoftmaxContrast.never).logSumExp(along: 1)
    let anchors = try spread.exactSoftplus() * both
    return [try Reduction.averageNonZero.term("anchors", anchors, where: anchors .> 0)]
  }
}
