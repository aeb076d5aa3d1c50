import Torch

/// Supervised contrastive loss (Khosla et al., NeurIPS 2020, eq. 2, the sum outside of the logarithm) of
/// cosines S: −(1/|P|) Σ_p [S_p/τ − log Σ_k exp(S_k/τ)], k over all matches and mismatches of the anchor.
///
/// Anchors without matches give 0; mean over the anchors above 0.
public struct SupervisedContrast: PairLoss {
  public static let name = "the supervised contrast"

  public let temperature: Double

  /// - Throws: ``ObjectiveError`` when the temperature is not positive.
  public init(temperature: Double = 0.1) throws {
    guard temperature > 0 else {
      throw ObjectiveError.badSetting("temperature", temperature, expected: "a number greater than 0")
    }
    self.temperature = temperature
  }

  public var defaultDistance: Distance { .cosine }

  public func terms(_ values: Tensor, _ masks: PairMasks) throws -> [Term] {
    let logits = try values / temperature
    let ignored = try masks.positive.or(masks.negative).not()
    let chances = try logits.masked(with: ignored, fill: SoftmaxContrast.never).logSoftmax(along: 1)
    let matches = try masks.positive.to(values.dtype)
    let anchors = try -((chances * matches).sum(along: 1) / matches.sum(along: 1).clamped(from: 1))
    return [try Reduction.averageNonZero.term("anchors", anchors, where: anchors .> 0)]
  }
}

/// NT-Xent (Chen et al., ICML 2020) of cosines S: for each match p of an anchor,
/// −log(exp(S_p/τ) / (exp(S_p/τ) + Σ_n exp(S_n/τ))) with the anchor's mismatches n and only that match in the
/// denominator. Mean over all matching pairs.
public struct NTXent: PairLoss {
  public static let name = "NT-Xent"

  public let temperature: Double

  /// - Throws: ``ObjectiveError`` when the temperature is not positive.
  public init(temperature: Double = 0.07) throws {
    guard temperature > 0 else {
      throw ObjectiveError.badSetting("temperature", temperature, expected: "a number greater than 0")
    }
    self.temperature = temperature
  }

  public var defaultDistance: Distance { .cosine }

  public func terms(_ values: Tensor, _ masks: PairMasks) throws -> [Term] {
    let logits = try values / temperature
    let others = try logits.masked(with: masks.negative.not(), fill: SoftmaxContrast.never)
      .logSumExp(along: 1, keepingDimension: true)
    let pairs = try (others - logits).exactSoftplus() * masks.positive.to(values.dtype)
    return [try Reduction.mean.term("pairs", pairs, where: masks.positive)]
  }
}
