import Torch

/// The structure-preserving objective (Wang, Li & Lazebnik, "Learning Deep Structure-Preserving Image-Text
/// Embeddings", CVPR 2016, eq. 1-5; TPAMI 2019): ranking in both directions, and within each side items that
/// belong together are to be nearer to each other than to others.
///
/// Four families of triplets, each with the weight of its own. By default the form of the released program: means
/// over the closest mismatches of each anchor, with distances √(‖a − b‖² + 1e-4). The paper sums all triplets of
/// plain distances; its sums come from sorted rows, O(n² log n) instead of O(n³).
public struct StructurePreservingLoss: Sendable {
  /// Whose form.
  public enum Form: String, Sendable, Codable, CaseIterable {
    /// The mean over the closest mismatches of each match: the released programs.
    case nearest = "topk"
    /// The sum over all triplets: the paper.
    case sum = "all_sum"
  }

  /// How much each family of triplets counts; one of weight 0 is not computed.
  public struct Weights: Sendable, Equatable {
    /// Anchors of the first side against the second.
    public var forward: Double
    /// Anchors of the second side against the first.
    public var backward: Double
    /// Within the first side.
    public var withinFirst: Double
    /// Within the second side.
    public var withinSecond: Double

    public init(
      forward: Double = 1, backward: Double = 1.5, withinFirst: Double = 0, withinSecond: Double = 0.1
    ) {
      self.forward = forward
      self.backward = backward
      self.withinFirst = withinFirst
      self.withinSecond = withinSecond
    }
  }

  public let form: Form
  public let weights: Weights
  /// Rows of a block of each matrix of distances; 0 for all at once.
  public let chunk: Int
  private let across: NearestTripletsLoss
  private let within: NearestTripletsLoss
  private let positives: NearestTripletsLoss.Positives

  /// - Parameters:
  ///   - margin: in units of the distance; unit vectors are up to 2 apart.
  ///   - nearest: mismatches of each anchor in the form `nearest`; anchors with fewer use those they have.
  ///   - positives: within a side, the farthest item that belongs with the anchor (the anchor itself where there is
  ///     no other), or each other one.
  ///   - chunk: rows of a block, for batches whose matrices do not fit in memory. Changes memory, not the value.
  /// - Throws: ``ObjectiveError`` for a negative margin or weight, or `nearest` below 1.
  public init(
    _ form: Form = .nearest, margin: Double = 0.05, nearest: Int = 10, weights: Weights = Weights(),
    positives: NearestTripletsLoss.Positives = .farthest, chunk: Int = 0
  ) throws {
    for (name, weight) in [
      ("the weight of the first direction", weights.forward), ("the weight of the second", weights.backward),
      ("the weight within the first side", weights.withinFirst),
      ("the weight within the second side", weights.withinSecond),
    ] where !(weight >= 0 && weight.isFinite) {
      throw ObjectiveError.badSetting(name, weight, expected: "0 or more")
    }
    self.form = form
    self.weights = weights
    self.chunk = chunk
    self.positives = positives
    let (count, reduction): (Int?, Reduction) = form == .nearest ? (nearest, .mean) : (nil, .sum)
    across = try NearestTripletsLoss(margin: margin, count: count, reduction: reduction)
    within = try NearestTripletsLoss(
      margin: margin, count: count, positives: positives, reduction: reduction)
  }

  /// What vectors are compared by.
  public var distance: Distance { form == .nearest ? .softenedEuclidean : .euclidean }

  /// The loss of a batch.
  ///
  /// - Parameters:
  ///   - x: vectors of the first side, `[n, d]`, as they are: not normalized here.
  ///   - y: vectors of the second side, `[m, d]`.
  ///   - matches: what belongs together across the sides.
  ///   - groupsX: int64 `[n]`: items of the first side with equal numbers are neighbors.
  ///   - groupsY: int64 `[m]`: the same of the second side.
  /// - Returns: the weighted sum; its parts `forward`, `backward`, `within_first` and `within_second` before their
  ///   weights, where these are not 0.
  /// - Complexity: O((n + m)² (d + log(n + m))) time and O((n + m)²) memory, with `chunk` O(chunk · (n + m)).
  public func callAsFunction(
    _ x: Tensor, _ y: Tensor, _ matches: Matches, groupsX: Tensor, groupsY: Tensor
  ) throws -> ObjectiveValue {
    var parts: [(name: String, weight: Double, value: Tensor)] = []
    let isWhole = chunk == 0 || chunk >= Swift.max(matches.count, matches.columns)
    if isWhole, weights.forward > 0, weights.backward > 0 {
      // Both directions look at one matrix.
      try check(x, y, matches)
      let distances = try distance.matrix(x, y)
      let masks = try matches.masks()
      parts.append(("forward", weights.forward, try across.terms(distances, masks)[0].value))
      let turned = try across.terms(distances.transposed(), masks.transposed())[0].value
      parts.append(("backward", weights.backward, turned))
    } else {
      if weights.forward > 0 {
        parts.append(("forward", weights.forward, try value(across, x, y, matches)))
      }
      if weights.backward > 0 {
        parts.append(("backward", weights.backward, try value(across, y, x, matches.transposed())))
      }
    }
    if weights.withinFirst > 0 {
      let value = try value(within, x, x, neighbors(groupsX))
      parts.append(("within_first", weights.withinFirst, value))
    }
    if weights.withinSecond > 0 {
      let value = try value(within, y, y, neighbors(groupsY))
      parts.append(("within_second", weights.withinSecond, value))
    }
    let total = try parts.reduce(x.zerosLike().sum()) { try $0 + $1.value * $1.weight }
    return ObjectiveValue(
      total: total, parts: try parts.map { (name: $0.name, value: try $0.value.detached()) })
  }

  private func value(
    _ loss: NearestTripletsLoss, _ x: Tensor, _ y: Tensor, _ matches: Matches
  ) throws -> Tensor {
    try PairObjective(loss, distance: distance, chunk: chunk)(x, y, matches).total
  }

  /// Items of one number. Where the farthest counts, an item is its own neighbor: alone it asks that others keep
  /// the margin.
  private func neighbors(_ groups: Tensor) throws(TorchError) -> Matches {
    guard positives == .each else { return Matches(ids: groups, groups) }
    let rows = try Tensor.range(0..<groups.size(along: 0), on: groups.device)
    return Matches(ids: groups, groups, identities: (rows, rows))
  }

  private func check(_ x: Tensor, _ y: Tensor, _ matches: Matches) throws {
    guard x.size(along: -1) == y.size(along: -1) else {
      throw ObjectiveError.unequalSizes(
        "the first side's vectors", x.size(along: -1), "the second's", y.size(along: -1))
    }
    for (rows, count) in [(x, matches.count), (y, matches.columns)] where rows.size(along: 0) != count {
      throw ObjectiveError.unequalCounts("the vectors", rows.size(along: 0), "the matches", count)
    }
    guard matches.count > 0, matches.columns > 0 else { throw ObjectiveError.empty("pairs") }
  }
}
