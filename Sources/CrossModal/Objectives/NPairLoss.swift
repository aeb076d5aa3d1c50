import Torch

/// One-against-one N-pair loss (Sohn, NIPS 2016, eq. 5): mean over anchors of Σ_n log(1 + exp(s_n − s_p)), with p
/// the column that the row is paired with and n its mismatches. At least the mc form, equal to it for two pairs.
public struct NPairOneVersusOne: PairLoss {
  public static let name = "the one-against-one N-pair loss"

  /// What divides the products.
  public let temperature: Double
  public let reduction: Reduction

  public init(temperature: Double = 1, reduction: Reduction = .mean) {
    self.temperature = temperature
    self.reduction = reduction
  }

  public var defaultDistance: Distance { .dot }

  public func terms(_ values: Tensor, _ masks: PairMasks) throws -> [Term] {
    let anchors = try losses(temperature == 1 ? values : values / temperature, masks)
    let count = try Tensor.full([], Double(values.size(along: 0)), values.dtype, on: values.device)
    return [Term("anchors", sum: try anchors.sum(), count: reduction == .sum ? nil : count)]
  }

  /// The loss of each anchor, `[rows]`.
  public func losses(_ values: Tensor, _ masks: PairMasks) throws(TorchError) -> Tensor {
    let pairs = try (values - masks.paired(values)).exactSoftplus()
    return try (pairs * masks.negative.to(values.dtype)).sum(along: 1)
  }
}

/// The (N+1)-tuplet loss (Sohn, NIPS 2016, eq. 3): log(1 + Σ_k exp(a·n_k − a·p)) with each anchor's own negatives.
public enum TupletLoss {
  /// The loss of each anchor, `[n]`.
  ///
  /// - Parameters:
  ///   - anchors: `[n, d]`.
  ///   - positives: `[n, d]`.
  ///   - negatives: `[n, k, d]`, k for each anchor.
  public static func losses(
    _ anchors: Tensor, _ positives: Tensor, _ negatives: Tensor
  ) throws -> Tensor {
    guard anchors.shape == positives.shape else {
      throw ObjectiveError.unequalCounts(
        "anchors", anchors.size(along: 0), "positives", positives.size(along: 0))
    }
    guard negatives.size(along: 0) == anchors.size(along: 0) else {
      throw ObjectiveError.unequalCounts(
        "negatives", negatives.size(along: 0), "anchors", anchors.size(along: 0))
    }
    let own = try (anchors * positives).sum(along: 1, keepingDimension: true)
    let others = try negatives.matmul(anchors.unsqueezed(at: 2)).squeezed(at: 2)
    return try (others - own).logSumExp(along: 1).exactSoftplus()
  }
}

/// Which rows of a labeled batch make the N pairs of pytorch-metric-learning: of every class that occurs at
/// least twice, in ascending order of the label, its first row as anchor and its second as positive.
public enum FirstPairs {
  /// Places of the anchors and of the positives.
  public static func of(labels: [Int]) -> (anchors: [Int], positives: [Int]) {
    var rows: [Int: [Int]] = [:]
    for (row, label) in labels.enumerated() where rows[label, default: []].count < 2 {
      rows[label, default: []].append(row)
    }
    let pairs = rows.filter { $0.value.count == 2 }.sorted { $0.key < $1.key }.map(\.value)
    return (pairs.map { $0[0] }, pairs.map { $0[1] })
  }
}

/// Choice of hard classes for a batch of N pairs (Sohn, NIPS 2016, "hard negative class mining").
public enum HardClasses {
  /// Classes in the order of choice: from the first, always the one that violates most against those chosen.
  ///
  /// The paper gives no formula. Here class c violates against the chosen S by the largest over s in S of
  /// max(q_s·p_c − q_s·p_s, q_c·p_s − q_c·p_c); ties go to the lowest class. O(C² d) once, O(C) a choice.
  ///
  /// - Parameters:
  ///   - queries: `[C, d]`, one vector of each class.
  ///   - positives: `[C, d]`, another of each class.
  ///   - count: classes to choose, at most C.
  ///   - first: where to start.
  /// - Returns: the classes, and of all but the first its violation when it was chosen.
  public static func chosen(
    _ queries: Tensor, _ positives: Tensor, count: Int, first: Int
  ) throws -> (classes: [Int], violations: [Double]) {
    let total = queries.size(along: 0)
    guard positives.size(along: 0) == total else {
      throw ObjectiveError.unequalCounts("positives", positives.size(along: 0), "queries", total)
    }
    guard (0..<total).contains(first) else {
      throw ObjectiveError.labelOutOfRange(row: 0, label: first, classes: total)
    }
    let scores = try queries.detached().matmul(positives.detached().transposed()).to(.float64)
    let table = try scores.values(as: Double.self)
    var classes = [first]
    var violations: [Double] = []
    var most = [Double](repeating: -.infinity, count: total)
    var isChosen = [Bool](repeating: false, count: total)
    isChosen[first] = true
    while classes.count < Swift.min(count, total) {
      let s = classes[classes.count - 1]
      for c in 0..<total where !isChosen[c] {
        most[c] = Swift.max(
          most[c], table[s * total + c] - table[s * total + s], table[c * total + s] - table[c * total + c])
      }
      var best = -1
      for c in 0..<total where !isChosen[c] && (best < 0 || most[c] > most[best]) { best = c }
      isChosen[best] = true
      classes.append(best)
      violations.append(most[best])
    }
    return (classes, violations)
  }
}
