import Torch

/// Chooses which pairs count, from how far apart they are now. A choice has no gradient.
public protocol PairMiner: Sendable {
  /// Whether exchanging the sides chooses the same pairs.
  var isSymmetric: Bool { get }
  /// The pairs of a block that count.
  ///
  /// - Parameters:
  ///   - values: `[rows, m]`, distances or similarities.
  ///   - masks: all matches and mismatches.
  ///   - direction: whether small or large values are close.
  func mined(_ values: Tensor, _ masks: PairMasks, _ direction: Distance.Direction) throws -> PairMasks
}

extension PairMiner {
  public var isSymmetric: Bool { false }
}

/// Every pair counts.
public struct AllPairs: PairMiner {
  public var isSymmetric: Bool { true }

  public init() {}

  public func mined(_ values: Tensor, _ masks: PairMasks, _ direction: Distance.Direction) -> PairMasks {
    masks
  }
}

/// All matches, and of the mismatches the `count` closest of each anchor.
public struct HardNegatives: PairMiner {
  /// How many mismatches of each anchor count.
  public let count: Int

  /// - Throws: ``ObjectiveError`` when `count` is below 1.
  public init(_ count: Int) throws {
    guard count >= 1 else {
      throw ObjectiveError.badSetting("hard negatives", Double(count), expected: "1 or more")
    }
    self.count = count
  }

  public func mined(
    _ values: Tensor, _ masks: PairMasks, _ direction: Distance.Direction
  ) throws -> PairMasks {
    let near = try direction == .distance ? -values.detached() : values.detached()
    let candidates = try near.masked(with: masks.negative.not(), fill: -.infinity)
    let places = try candidates.top(Swift.min(count, values.size(along: 1)), along: 1).indices
    let chosen = try near.zerosLike().scattering(near.zerosLike().onesLike(), at: places, along: 1) .> 0
    return PairMasks(
      positive: masks.positive, negative: try masks.negative.and(chosen), firstRow: masks.firstRow)
  }
}

/// The informative pairs of each anchor (Wang et al., "Multi-Similarity Loss", CVPR 2019, eq. 7 and 8):
/// mismatches that are closer than the farthest match plus a slack, and matches that are farther than the
/// closest mismatch minus the slack. Extremes are over all pairs; an anchor that lacks one kind keeps none
/// of the other.
public struct MultiSimilarityMiner: PairMiner {
  /// The slack, in units of the values.
  public let epsilon: Double

  public init(epsilon: Double = 0.1) { self.epsilon = epsilon }

  public func mined(
    _ values: Tensor, _ masks: PairMasks, _ direction: Distance.Direction
  ) throws -> PairMasks {
    let near = try direction == .similarity ? values.detached() : -values.detached()
    let farthestMatch = try near.masked(with: masks.positive.not(), fill: .infinity)
      .min(along: 1, keepingDimension: true)
    let closestMismatch = try near.masked(with: masks.negative.not(), fill: -.infinity)
      .max(along: 1, keepingDimension: true)
    return PairMasks(
      positive: try masks.positive.and(near - epsilon .< closestMismatch),
      negative: try masks.negative.and(near + epsilon .> farthestMatch), firstRow: masks.firstRow)
  }
}
