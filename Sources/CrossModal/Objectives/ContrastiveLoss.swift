import Torch

/// Contrastive loss of pairs (Hadsell, Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant
/// Mapping", CVPR 2006, eq. 4): matches are pulled together, mismatches pushed apart up to a margin.
///
/// `squared`, the paper's: ½ D² of a match, ½ max(0, m − D)² of a mismatch, D the Euclidean distance. The
/// other kinds are what other programs call by the same name; their values differ.
public struct ContrastiveLoss: PairLoss {
  /// Which formula.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// Match ½ D², mismatch ½ max(0, m − D)²: the paper's.
    case squared
    /// Match ½ D², mismatch ½ max(0, m − D²).
    case squaredDistanceMargin = "squared_distance_margin"
    /// Match max(0, D − `positiveMargin`), mismatch max(0, m − D): pytorch-metric-learning's.
    case linear
    /// Match 1 − s, mismatch max(0, s − m) of cosines s: torch's CosineEmbeddingLoss.
    case cosine
  }

  public static let name = "the contrastive loss"

  public let kind: Kind
  /// m: how far apart mismatches shall be; of `cosine`, how similar they may be.
  public let margin: Double
  /// Of `linear`: how far apart matches may be.
  public let positiveMargin: Double
  public let reduction: Reduction

  /// - Throws: ``ObjectiveError`` when the margin is not positive (for `cosine`: not in -1..<1, for `linear`:
  ///   negative), or the positive margin is negative.
  public init(
    _ kind: Kind = .squared, margin: Double? = nil, positiveMargin: Double = 0,
    reduction: Reduction = .balanced
  ) throws {
    let margin = margin ?? (kind == .cosine ? 0.5 : 1)
    if kind == .cosine {
      guard (-1..<1).contains(margin) else {
        throw ObjectiveError.badSetting("margin", margin, expected: "a cosine in -1..<1")
      }
    } else if !(kind == .linear ? margin >= 0 : margin > 0) || !margin.isFinite {
      throw ObjectiveError.badSetting(
        "margin", margin, expected: kind == .linear ? "0 or more" : "a number greater than 0")
    }
    guard positiveMargin >= 0, positiveMargin.isFinite else {
      throw ObjectiveError.badSetting("positive margin", positiveMargin, expected: "0 or more")
    }
    self.kind = kind
    self.margin = margin
    self.positiveMargin = positiveMargin
    self.reduction = reduction
  }

  public var defaultDistance: Distance { kind == .cosine ? .cosine : .unitEuclidean }
  public var isSymmetric: Bool { true }

  /// Terms of values of any shape: all pairs `[n, m]`, or a list of pairs `[n]`.
  public func terms(_ values: Tensor, _ masks: PairMasks) throws -> [Term] {
    let positive = try matching(values) * masks.positive.to(values.dtype)
    let negative = try mismatching(values) * masks.negative.to(values.dtype)
    switch reduction {
    case .balanced, .averageNonZero:
      return [
        try reduction.term("positive", positive, where: masks.positive),
        try reduction.term("negative", negative, where: masks.negative),
      ]
    case .sum, .mean:
      return [
        try reduction.term("pairs", positive + negative, where: masks.positive.or(masks.negative))
      ]
    }
  }

  /// The loss of each pair, of the shape of `values`; 0 where a pair is left out.
  public func losses(_ values: Tensor, _ masks: PairMasks) throws(TorchError) -> Tensor {
    try matching(values) * masks.positive.to(values.dtype)
      + mismatching(values) * masks.negative.to(values.dtype)
  }

  public func costsMismatches(_ values: Tensor) throws -> Tensor? { try mismatching(values) .> 0 }

  private func matching(_ values: Tensor) throws(TorchError) -> Tensor {
    switch kind {
    case .squared, .squaredDistanceMargin: try values.squared() * 0.5
    case .linear: try (values - positiveMargin).relu()
    case .cosine: try 1 - values
    }
  }

  private func mismatching(_ values: Tensor) throws(TorchError) -> Tensor {
    switch kind {
    case .squared: try (margin - values).relu().squared() * 0.5
    case .squaredDistanceMargin: try (margin - values.squared()).relu() * 0.5
    case .linear: try (margin - values).relu()
    case .cosine: try (values - margin).relu()
    }
  }
}

extension ContrastiveLoss {
  /// The loss of given pairs: row i of `x` with row i of `y`.
  ///
  /// - Parameters:
  ///   - x: `[n, d]`, first elements.
  ///   - y: `[n, d]`, second elements.
  ///   - relations: n relations.
  ///   - distance: how vectors are compared; the kind's default when nil.
  /// - Throws: ``ObjectiveError`` when counts or widths differ or there is no pair.
  public func pairs(
    _ x: Tensor, _ y: Tensor, _ relations: [Relation], distance: Distance? = nil
  ) throws -> ObjectiveValue {
    let distance = distance ?? defaultDistance
    guard distance.direction == defaultDistance.direction else {
      throw ObjectiveError.wrongDirection(
        loss: Self.name, takes: defaultDistance.direction.rawValue, given: distance.direction.rawValue)
    }
    guard x.size(along: 0) == y.size(along: 0) else {
      throw ObjectiveError.unequalCounts(
        "first elements", x.size(along: 0), "second elements", y.size(along: 0))
    }
    guard x.size(along: -1) == y.size(along: -1) else {
      throw ObjectiveError.unequalSizes(
        "first elements", x.size(along: -1), "second elements", y.size(along: -1))
    }
    guard relations.count == x.size(along: 0) else {
      throw ObjectiveError.unequalCounts("relations", relations.count, "pairs", x.size(along: 0))
    }
    guard !relations.isEmpty else { throw ObjectiveError.empty("pairs") }
    let positive = try Tensor(relations.map { $0 == .similar }).to(x.device)
    let masks = PairMasks(positive: positive, negative: try positive.not())
    return try PairObjective<Self>.summed(
      terms(distance.pairwise(x, y), masks).map { (name: $0.name, value: try $0.value) })
  }
}
