import Torch

/// Triplet loss with a margin: max(0, d(a, p) − d(a, n) + m) over anchors a, their matches p and mismatches n.
///
/// Sums over all triplets come from sorted rows and running sums, so triplets are never listed:
/// O(n m log m) time and O(n m) memory.
public struct TripletMarginLoss: PairLoss {
  /// Which triplets count.
  public enum Triplets: String, Sendable, Codable, CaseIterable {
    case all
    /// The mismatch is closer than the match.
    case hard
    /// The mismatch is farther than the match, by less than the margin (Schroff et al., CVPR 2015).
    case semihard
    /// Of each anchor the farthest match and the closest mismatch (Hermans et al., 2017).
    case batchHard = "batch_hard"
  }

  public static let name = "the triplet loss"

  public let margin: Double
  public let triplets: Triplets
  /// log(1 + exp(x)) instead of max(0, x); with margin 0 and `batchHard` the soft margin of Hermans et al.
  public let isSmooth: Bool
  /// d(p, n) in place of d(a, n) where it is smaller: the mismatch of the anchor that is nearer to its match.
  public let swaps: Bool
  public let reduction: Reduction

  /// - Parameters:
  ///   - margin: in units of the distance; unit vectors are up to 2 apart.
  ///   - triplets: which count.
  ///   - smooth: log(1 + exp(x)) instead of max(0, x).
  ///   - swap: take the distance of match and mismatch where that of anchor and mismatch is larger (Balntas et al.,
  ///     BMVC 2016); which triplets count goes by the anchor's. Triplets are then listed.
  ///   - reduction: over triplets (over anchors with both kinds for `batchHard`).
  /// - Throws: ``ObjectiveError`` when the margin is negative or not a number, or the reduction is `balanced`.
  public init(
    margin: Double = 0.2, triplets: Triplets = .semihard, smooth: Bool = false, swap: Bool = false,
    reduction: Reduction = .averageNonZero
  ) throws {
    guard margin >= 0, margin.isFinite else {
      throw ObjectiveError.badSetting("margin", margin, expected: "0 or more")
    }
    self.margin = margin
    self.triplets = triplets
    guard reduction != .balanced else {
      throw ObjectiveError.unknownChoice("reduction", "balanced", expected: "sum, mean or avg_non_zero")
    }
    self.isSmooth = smooth
    self.swaps = swap
    self.reduction = reduction
  }

  public var defaultDistance: Distance { .unitEuclidean }

  /// - Throws: ``ObjectiveError`` with `swap`, which needs the columns among each other.
  public func terms(_ values: Tensor, _ masks: PairMasks) throws -> [Term] {
    try terms(values, masks) {
      throw ObjectiveError.empty("distances of matches and mismatches, which swap needs")
    }
  }

  public func terms(
    _ values: Tensor, _ masks: PairMasks, among columns: () throws -> Tensor
  ) throws -> [Term] {
    let columns = swaps ? try columns() : nil
    if triplets == .batchHard { return try [hardest(values, masks, columns)] }
    return try [isSmooth || swaps ? listed(values, masks, columns) : summed(values, masks)]
  }

  private func hardest(
    _ values: Tensor, _ masks: PairMasks, _ columns: Tensor?
  ) throws(TorchError) -> Term {
    let (farthest, match) = try values.masked(with: masks.positive.not(), fill: -.infinity).maximum(along: 1)
    let (near, mismatch) = try values.masked(with: masks.negative.not(), fill: .infinity).minimum(along: 1)
    let closest =
      try columns.map { columns throws(TorchError) in
        try near.minimum(
          columns.rows(at: match).gathered(mismatch.unsqueezed(at: 1), along: 1).squeezed(at: 1))
      } ?? near
    let both = try masks.positive.any(along: 1).and(masks.negative.any(along: 1))
    // An anchor that lacks a kind has an infinite difference; it is cleared before the loss sees it.
    let spread = try (farthest - closest).masked(with: both.not(), fill: -.infinity) + margin
    let anchors = try isSmooth ? spread.exactSoftplus() : spread.relu()
    return try reduction.term("anchors", anchors.masked(with: both.not(), fill: 0), where: both)
  }

  /// Sums of hinges from the sorted mismatches of each anchor: those closer than `d(a, p) + margin` are the
  /// first k, and their hinges add up to k · (d(a, p) + margin) minus their running sum.
  private func summed(_ values: Tensor, _ masks: PairMasks) throws(TorchError) -> Term {
    let (sorted, order) = try values.masked(with: masks.negative.not(), fill: .infinity).sorted(along: 1)
    let isMismatch = try masks.negative.gathered(order, along: 1)
    let running = try values.gathered(order, along: 1).masked(with: isMismatch.not(), fill: 0)
      .cumulativeSum(along: 1).padded([1, 0])
    let limits = try values + margin
    let edges = try sorted.detached().contiguous()
    let matches = try values.detached().contiguous()
    var upper = try edges.positions(of: (triplets == .hard ? values : limits).detached().contiguous())
    // Positions count padding only where a limit is infinite, which none is.
    var sums = try running.gathered(upper, along: 1)
    if triplets == .semihard {
      let lower = try edges.positions(of: matches, countingEqual: true)
      sums = try sums - running.gathered(lower, along: 1)
      upper = try (upper - lower).clamped(from: 0)
    }
    let positive = try masks.positive.to(values.dtype)
    let counts = try upper.to(values.dtype)
    let total = try ((limits * counts - sums) * positive).sum()
    switch reduction {
    case .sum: return Term("triplets", sum: total)
    case .averageNonZero: return Term("triplets", sum: total, count: try (counts * positive).sum())
    default:
      let chosen =
        try triplets == .all
        ? (masks.negative.sum(along: 1, keepingDimension: true).to(values.dtype) * positive).sum()
        : (counts * positive).sum()
      return Term("triplets", sum: total, count: chosen)
    }
  }

  /// Every triplet in memory, `[rows, matches, m]`: for losses that are no sums of hinges of the anchors' distances.
  private func listed(
    _ values: Tensor, _ masks: PairMasks, _ columns: Tensor?
  ) throws(TorchError) -> Term {
    let most = Swift.max(1, Int(try masks.positive.sum(along: 1).max().item()))
    let places = try masks.positive.to(.float32).top(most, along: 1).indices
    let isMatch = try masks.positive.gathered(places, along: 1).unsqueezed(at: 2)
    let matches = try values.gathered(places, along: 1).unsqueezed(at: 2)
    let others = try values.unsqueezed(at: 1)
    let spread = try matches - others
    var chosen = try isMatch.and(masks.negative.unsqueezed(at: 1))
    switch triplets {
    case .hard: chosen = try chosen.and(spread.detached() .> 0)
    case .semihard: chosen = try chosen.and(spread.detached() .< 0).and(spread.detached() .> -margin)
    case .all, .batchHard: break
    }
    var used = spread
    if let columns {
      let swapped = try columns.rows(at: places.flattened()).reshaped(
        to: places.shape + [columns.size(along: 1)])
      used = try matches - others.minimum(swapped)
    }
    let hinges = try used + margin
    let losses = try (isSmooth ? hinges.exactSoftplus() : hinges.relu()).masked(with: chosen.not(), fill: 0)
    return try reduction.term("triplets", losses, where: chosen)
  }
}
