import Torch

/// How well vectors that were learned without labels tell classes apart: every item is given the class that most of
/// its nearest neighbors have, among the others or among those that were learned from.
public struct NeighborMetrics: TaskResult, Equatable {
  /// Items of which the class is asked.
  public let neighbors: Int
  /// 1 for each item that is given its own class, else 0.
  public let correct: [Double]
  /// Share of the largest class.
  public let largestClass: Double
  /// Whether neighbors are items that were learned from.
  public let isAmongLearned: Bool

  /// - Parameters:
  ///   - vectors: `[n, d]`, compared by their angle.
  ///   - labels: class of each item.
  ///   - neighbors: that vote; of equal votes the class with the nearest neighbor wins.
  ///   - bank: vectors and classes of the items that vote; nil for all but the item itself.
  /// - Throws: ``EvaluationError`` when counts disagree or there is nothing to compare with.
  public init(
    _ vectors: Tensor, labels: [Int], neighbors: Int = 20, among bank: (vectors: Tensor, labels: [Int])? = nil
  ) throws {
    for (rows, labels) in [(vectors, labels)] + (bank.map { [($0.vectors, $0.labels)] } ?? []) {
      guard rows.size(along: 0) == labels.count else {
        throw EvaluationError.labelCount(labels: labels.count, rows: rows.size(along: 0), side: 0)
      }
    }
    let voting = bank?.labels ?? labels
    guard !labels.isEmpty, voting.count > (bank == nil ? 1 : 0) else { throw EvaluationError.noQueries }
    let count = min(neighbors, voting.count - (bank == nil ? 1 : 0))
    let unit = try vectors.unitRows()
    let others = try bank?.vectors.unitRows() ?? unit
    var correct: [Double] = []
    for start in stride(from: 0, to: labels.count, by: 1024) {
      let rows = start..<min(start + 1024, labels.count)
      let scores = try unit[rows].matmul(others.transposed())
      // The item itself, if it is there, and else the last are left out.
      let width = min(voting.count, bank == nil ? count + 1 : count)
      let nearest = try scores.top(width).indices.values(as: Int.self)
      for row in rows {
        let at = (row - start) * width
        let own = nearest[at..<at + width].filter { bank != nil || $0 != row }.prefix(count)
        var votes: [Int: Int] = [:]
        for other in own { votes[voting[other], default: 0] += 1 }
        let most = votes.values.max()
        let given = own.first { votes[voting[$0]] == most }.map { voting[$0] }
        correct.append(given == labels[row] ? 1 : 0)
      }
    }
    self.neighbors = count
    self.correct = correct
    isAmongLearned = bank != nil
    let sizes = Dictionary(grouping: labels) { $0 }.values.map(\.count)
    largestClass = Double(sizes.max() ?? 0) / Double(labels.count)
  }

  public var measures: [Measure] {
    [Measure("kNN accuracy", 100 * correct.reduce(0, +) / Double(correct.count), .percent)]
  }

  public var `protocol`: String {
    isAmongLearned
      ? "each item among those that were learned from, the class of most of \(neighbors) nearest neighbors"
      : "each item among all others, the class of most of \(neighbors) nearest neighbors"
  }

  public var counts: [(name: String, count: Int)] { [("items", correct.count)] }

  public var priors: [Prior] {
    [Prior("largest class", [Measure("kNN accuracy", 100 * largestClass, .percent)])]
  }

  public var resampled: [any ResampledTest] {
    (try? SummedTest(means: [.init("kNN accuracy", correct, scale: 100)])).map { [$0] } ?? []
  }
}

extension Tensor {
  /// Rows of norm 1 in float64 on the cpu, for comparison by angle.
  fileprivate func unitRows() throws(TorchError) -> Tensor {
    try to(.cpu).to(.float64).normalized(along: -1)
  }
}
