import Torch

/// How well vectors that were learned without labels tell classes apart: every item is given the class that most of
/// its nearest neighbors among the others have.
public struct NeighborMetrics: TaskResult, Equatable {
  /// Items of which the class is asked.
  public let neighbors: Int
  /// 1 for each item that is given its own class, else 0.
  public let correct: [Double]
  /// Share of the largest class.
  public let largestClass: Double

  /// - Parameters:
  ///   - vectors: `[n, d]`, compared by their angle.
  ///   - labels: class of each item.
  ///   - neighbors: that vote; of equal votes the class with the nearest neighbor wins.
  /// - Throws: ``EvaluationError`` when counts disagree or there are less than two items.
  public init(_ vectors: Tensor, labels: [Int], neighbors: Int = 20) throws {
    guard vectors.size(along: 0) == labels.count else {
      throw EvaluationError.labelCount(labels: labels.count, rows: vectors.size(along: 0), side: 0)
    }
    guard labels.count > 1 else { throw EvaluationError.noQueries }
    let count = min(neighbors, labels.count - 1)
    let unit = try vectors.to(.cpu).to(.float64).normalized(along: -1)
    var correct: [Double] = []
    for start in stride(from: 0, to: labels.count, by: 1024) {
      let rows = start..<min(start + 1024, labels.count)
      let scores = try unit[rows].matmul(unit.transposed())
      let nearest = try scores.top(count + 1).indices.values(as: Int.self)
      for row in rows {
        let at = (row - start) * (count + 1)
        // The item itself, if it is there, and else the last are left out.
        let others = nearest[at..<at + count + 1].filter { $0 != row }.prefix(count)
        var votes: [Int: Int] = [:]
        for other in others { votes[labels[other], default: 0] += 1 }
        let most = votes.values.max()
        let given = others.first { votes[labels[$0]] == most }.map { labels[$0] }
        correct.append(given == labels[row] ? 1 : 0)
      }
    }
    self.neighbors = count
    self.correct = correct
    let sizes = Dictionary(grouping: labels) { $0 }.values.map(\.count)
    largestClass = Double(sizes.max() ?? 0) / Double(labels.count)
  }

  public var measures: [Measure] {
    [Measure("kNN accuracy", 100 * correct.reduce(0, +) / Double(correct.count), .percent)]
  }

  public var `protocol`: String {
    "each item among all others, the class of most of \(neighbors) nearest neighbors"
  }

  public var counts: [(name: String, count: Int)] { [("items", correct.count)] }

  public var priors: [Prior] {
    [Prior("largest class", [Measure("kNN accuracy", 100 * largestClass, .percent)])]
  }

  public var resampled: [any ResampledTest] {
    (try? SummedTest(means: [.init("kNN accuracy", correct, scale: 100)])).map { [$0] } ?? []
  }
}

extension Representing {
  public func selectionNames(on data: some TrainingSet) throws -> [String] { ["kNN accuracy"] }

  /// How well the vectors of the first modality tell its classes apart.
  public func evaluate(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult {
    try check(options, for: data.description)
    guard let labels = data.labels(side: 0) else {
      throw EvaluationError.badValue("\(data.place) has no labels to compare with")
    }
    let features = try features(of: data, side: 0, options) { options.progress($0, labels.count) }
    return try NeighborMetrics(features.values, labels: labels)
  }
}
