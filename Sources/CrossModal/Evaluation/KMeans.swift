import Torch

/// Clusters of vectors around their means (Lloyd), begun by k-means++ (Arthur and Vassilvitskii, SODA 2007)
/// or at random.
///
/// The best of several starts counts. A cluster that loses all its items takes the item farthest from its
/// center.
public struct KMeans: Sendable, Equatable {
  /// Where the centers start.
  public enum Start: String, Sendable, Codable, CaseIterable {
    /// Rows far from those already drawn.
    case plusPlus = "k-means++"
    /// Any different rows.
    case random
  }

  public var clusters: Int
  public var start: Start
  public var restarts: Int
  public var iterations: Int
  public var seed: UInt64

  public init(
    clusters: Int, start: Start = .plusPlus, restarts: Int = 10, iterations: Int = 300, seed: UInt64 = 0
  ) {
    self.clusters = clusters
    self.start = start
    self.restarts = restarts
    self.iterations = iterations
    self.seed = seed
  }

  /// What was found.
  public struct Result: Sendable {
    /// Centres, float64 `[clusters, d]`.
    public var centers: Tensor
    /// Cluster of each row.
    public var assignment: [Int]
    /// Sum of squared distances of the rows from their centers.
    public var inertia: Double
  }

  /// - Parameter rows: vectors `[n, d]`.
  /// - Throws: ``EvaluationError`` when there are fewer rows than clusters; ``TorchError``.
  /// - Complexity: O(restarts · iterations · n · clusters · d) time, memory bounded by blocks of rows.
  public func fit(_ rows: Tensor) throws -> Result {
    let rows = try rows.to(.float64)
    guard clusters >= 1, rows.size(along: 0) >= clusters else {
      throw EvaluationError.badValue(
        "\(clusters) clusters were asked of \(rows.size(along: 0)) rows, expected from 1 to as many as rows")
    }
    var generator = SeededGenerator(seed: seed)
    var best: Result?
    for _ in 0..<max(1, restarts) {
      let result = try withoutGradient { try fit(rows, from: startingCenters(rows, &generator)) }
      if result.inertia < best?.inertia ?? .infinity { best = result }
    }
    guard let best else {
      throw EvaluationError.badValue("the rows to cluster have numbers that are not finite")
    }
    return best
  }

  private func fit(_ rows: Tensor, from start: Tensor) throws -> Result {
    var centers = start
    var (assignment, distances) = try assigned(rows, to: centers)
    for _ in 0..<iterations {
      centers = try means(rows, assignment, distances)
      let (next, nextDistances) = try assigned(rows, to: centers)
      distances = nextDistances
      if next == assignment { break }
      assignment = next
    }
    return Result(
      centers: centers, assignment: assignment, inertia: distances.reduce(0) { $0 + $1 * $1 })
  }

  /// The nearest center of each row, and how far it is.
  private func assigned(_ rows: Tensor, to centers: Tensor) throws -> ([Int], [Double]) {
    let n = rows.size(along: 0)
    var assignment: [Int] = []
    var distances: [Double] = []
    for start in stride(from: 0, to: n, by: 8192) {
      let found = try rows[start..<min(start + 8192, n)].distances(to: centers).minimum(along: 1)
      assignment += try found.indices.values(as: Int.self)
      distances += try found.values.values(as: Double.self)
    }
    return (assignment, distances)
  }

  private func means(_ rows: Tensor, _ assignment: [Int], _ distances: [Double]) throws -> Tensor {
    var assignment = assignment
    var counts = [Int](repeating: 0, count: clusters)
    for cluster in assignment { counts[cluster] += 1 }
    var farthest = distances.indices.sorted { distances[$0] > distances[$1] }[...]
    for empty in counts.indices where counts[empty] == 0 {
      while let row = farthest.popFirst() {
        guard counts[assignment[row]] > 1 else { continue }
        counts[assignment[row]] -= 1
        assignment[row] = empty
        counts[empty] = 1
        break
      }
    }
    let sums = try Tensor.zeros([clusters, rows.size(along: 1)], .float64).adding(
      rows, at: Tensor(assignment))
    return try sums / Tensor(counts.map(Double.init)).unsqueezed(at: 1)
  }

  /// Rows drawn one after another with probability proportional to the squared distance from those drawn.
  private func startingCenters(_ rows: Tensor, _ generator: inout SeededGenerator) throws -> Tensor {
    let n = rows.size(along: 0)
    if start == .random {
      return try rows.rows(at: Array(Array(0..<n).shuffled(using: &generator).prefix(clusters)))
    }
    var chosen = [generator.below(n)]
    var nearest = [Double](repeating: .infinity, count: n)
    while chosen.count < clusters {
      let center = try rows[chosen[chosen.count - 1]].unsqueezed(at: 0)
      let (_, distances) = try assigned(rows, to: center)
      for row in 0..<n { nearest[row] = min(nearest[row], distances[row] * distances[row]) }
      var left = generator.unit() * nearest.reduce(0, +)
      // Without any distance left all rows are equal to a center, and any will do.
      let next = nearest.firstIndex { distance in
        left -= distance
        return left < 0
      }
      chosen.append(next ?? generator.below(n))
    }
    return try rows.rows(at: chosen)
  }
}
