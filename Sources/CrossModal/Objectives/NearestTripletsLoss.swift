import Torch

/// Triplet loss with a margin of the `count` closest mismatches of each anchor: max(0, d(a, p) − d(a, n) + m).
///
/// A hinge falls as its mismatch goes away, so the largest hinges of a match are those of the closest mismatches:
/// they are chosen once for each anchor among distances, and triplets are never listed.
/// O(n m log m) time and O(n m + matches · count) memory.
public struct NearestTripletsLoss: PairLoss {
  /// Which matches of an anchor count.
  public enum Positives: String, Sendable, Codable, CaseIterable {
    /// The farthest.
    case farthest = "max"
    /// All of them.
    case each
  }

  public static let name = "the loss of nearest triplets"

  public let margin: Double
  /// Mismatches of each anchor; nil for all. Anchors with fewer use those they have.
  public let count: Int?
  public let positives: Positives
  public let reduction: Reduction

  /// - Parameters:
  ///   - margin: in units of the distance; unit vectors are up to 2 apart.
  ///   - count: mismatches of each anchor; nil for all.
  ///   - positives: which matches of an anchor count.
  ///   - reduction: over triplets; those that cost nothing count in `mean`.
  /// - Throws: ``ObjectiveError`` when the margin is negative or not a number, `count` is below 1, or the reduction
  ///   is `balanced`.
  public init(
    margin: Double = 0.05, count: Int? = 10, positives: Positives = .each, reduction: Reduction = .mean
  ) throws {
    guard margin >= 0, margin.isFinite else {
      throw ObjectiveError.badSetting("margin", margin, expected: "0 or more")
    }
    if let count, count < 1 {
      throw ObjectiveError.badSetting("mismatches of an anchor", Double(count), expected: "1 or more")
    }
    self.margin = margin
    self.count = count
    self.positives = positives
    guard reduction != .balanced else {
      throw ObjectiveError.unknownChoice("reduction", "balanced", expected: "sum, mean or avg_non_zero")
    }
    self.reduction = reduction
  }

  public var defaultDistance: Distance { .softenedEuclidean }

  public func terms(_ values: Tensor, _ masks: PairMasks) throws -> [Term] {
    if count == nil, positives == .each {
      return try TripletMarginLoss(margin: margin, triplets: .all, reduction: reduction).terms(values, masks)
    }
    let most = Swift.min(count ?? .max, values.size(along: 1))
    var closest = try values.masked(with: masks.negative.not(), fill: .infinity)
      .top(most, along: 1, largest: false).values
    let matches: Tensor
    switch positives {
    case .farthest:
      // An anchor without matches is at −∞, which no hinge reaches.
      matches = try values.masked(with: masks.positive.not(), fill: -.infinity)
        .maximum(along: 1, keepingDimension: true).values
    case .each:
      let places = try masks.positive.nonZero()
      closest = try closest.rows(at: places.selected(0, along: 1))
      matches = try values.elements(where: masks.positive).unsqueezed(at: 1)
    }
    // What is missing is infinite; what is no number is to be seen.
    let isTriplet = try (closest.detached() .== .infinity).or(matches.detached() .== -.infinity).not()
    let hinges = try (matches - closest + margin).relu().masked(with: isTriplet.not(), fill: 0)
    return [try reduction.term("triplets", hinges, where: isTriplet)]
  }
}
