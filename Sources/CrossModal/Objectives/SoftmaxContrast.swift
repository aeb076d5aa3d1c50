import Torch

/// Cross-entropy of each anchor's similarities against its matches: N-pair-mc (Sohn, NIPS 2016, eq. 7) on raw
/// products, InfoNCE and CLIP (Radford et al., ICML 2021) on cosines with a scale.
///
/// Similarities are multiplied by `exp(logScale)`. Mean over anchors; an anchor without a match gives 0.
public struct SoftmaxContrast: PairLoss {
  /// What an anchor with several matches is to find.
  public enum Targets: String, Sendable, Codable, CaseIterable {
    /// Each of its matches with equal probability: −Σ_j T_ij log softmax(S_i)_j with T the matches divided by
    /// their number.
    case soft
    /// The item it is paired with (row i with column i); its other matches are left out of the sum of
    /// exponentials.
    case exclude
    /// The item it is paired with; several matches are an error where labels are known.
    case distinct
  }

  public static let name = "the softmax contrast"

  public let targets: Targets
  /// Logarithm of what multiplies the similarities, a scalar; nil for 1.
  public var logScale: Tensor?
  /// Whether the mean runs over all anchors, or the terms are only added.
  public let reduction: Reduction
  private let distanceOfScale: Distance
  /// What divides the similarities, beside the scale.
  private var temperature = 1.0

  /// - Parameters:
  ///   - logScale: the logarithm of what multiplies the similarities (of 1/temperature), a scalar that may learn.
  ///   - targets: what anchors with several matches are to find.
  ///   - distance: cosine with a scale, and raw products without one, when nil.
  ///   - reduction: `mean` over anchors, or `sum`.
  public init(
    logScale: Tensor? = nil, targets: Targets = .soft, distance: Distance? = nil, reduction: Reduction = .mean
  ) {
    self.logScale = logScale
    self.targets = targets
    self.reduction = reduction
    self.distanceOfScale = distance ?? (logScale == nil ? .dot : .cosine)
  }

  /// A fixed temperature, which divides the similarities.
  public init(temperature: Double, targets: Targets = .soft, distance: Distance = .cosine) {
    self.init(targets: targets, distance: distance)
    self.temperature = temperature
  }

  public var defaultDistance: Distance { distanceOfScale }
  public var parameters: [Tensor] {
    get { logScale.map { [$0] } ?? [] }
    set { logScale = newValue.first }
  }

  public func terms(_ values: Tensor, _ masks: PairMasks) throws -> [Term] {
    let tempered = temperature == 1 ? values : try values / temperature
    let logits = try logScale.map { try tempered * $0.exp() } ?? tempered
    let anchors = try losses(logits, masks)
    let sum = try anchors.sum()
    return [
      Term(
        "anchors", sum: sum,
        count: reduction == .sum
          ? nil : try Tensor.full([], Double(anchors.count), logits.dtype, on: logits.device))
    ]
  }

  /// The loss of each anchor, `[rows]`.
  ///
  /// - Parameter logits: similarities with the scale in them.
  public func losses(_ logits: Tensor, _ masks: PairMasks) throws(TorchError) -> Tensor {
    switch targets {
    case .soft:
      let ignored = try masks.positive.or(masks.negative).not()
      let matches = try masks.positive.to(logits.dtype)
      let share = try matches / matches.sum(along: 1, keepingDimension: true).clamped(from: 1)
      let chances = try logits.masked(with: ignored, fill: Self.never).logSoftmax(along: 1)
      return try -((share * chances).sum(along: 1))
    case .exclude, .distinct:
      let paired = try masks.paired(logits)
      // The paired column itself stays; other matches go.
      let places = try Tensor.range(
        masks.firstRow..<masks.firstRow + logits.size(along: 0), on: logits.device
      ).unsqueezed(at: 1)
      let columns = try Tensor.range(0..<logits.size(along: 1), on: logits.device).unsqueezed(at: 0)
      let kept = try targets == .distinct ? nil : masks.negative.or(columns .== places)
      let candidates = try kept.map { kept throws(TorchError) in
        try logits.masked(with: kept.not(), fill: Self.never)
      }
      return try (candidates ?? logits).logSumExp(along: 1) - paired.squeezed(at: 1)
    }
  }

  /// A logit that no exponential sees, and that is finite, so that 0 · it is 0.
  static let never = -1e30
}
