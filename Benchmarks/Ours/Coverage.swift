import CrossModal
import Foundation
import Torch

/// How often the 95 % intervals of evaluations and of canonical correlations hold the truth, by simulation.
///
/// A set is drawn again and again from one population, and its intervals are compared with what such sets have on
/// average (retrieval among as many items), or with the correlations of the population.
struct Coverage {
  /// Sets whose intervals are looked at.
  static let sets = 200
  /// Where 95 % is said, so many per cent are wanted, by items of a set.
  static let wanted = [60: 90.0...98, 500: 93...97]
  /// How alike the two sides are.
  static let strengths = ["at chance", "in the middle", "near 1"]

  let items: Int

  static func measure() throws {
    try Runtime.setThreads(1)
    print("Of \(sets) sets, how many per cent have the truth in the interval where 95 % is said:")
    print(row(["", "items"] + strengths))
    for items in [60, 500] {
      let coverage = Coverage(items: items)
      let pairs = try coverage.pairs()
      coverage.report("R@K", pairs.map { $0.share { $0.contains(".R@") } })
      coverage.report("mAP, pairs", pairs.map { $0.share { $0.hasSuffix(".mAP") } })
      coverage.report("mAP, classes", try coverage.classes().map { $0.share { $0.hasSuffix(".mAP") } })
      coverage.report("canonical correlations", try coverage.correlations())
    }
  }

  private func report(_ name: String, _ shares: [Double]) {
    let range = Coverage.wanted[items] ?? 0...100
    print(
      Coverage.row(
        [name, "\(items)"]
          + shares.map { String(format: "%.1f", $0) + (range.contains($0) ? "" : " (outside)") }))
  }

  private static func row(_ cells: [String]) -> String {
    let widths = [24, 7] + strengths.map { _ in 16 }
    return zip(cells, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined()
  }

  // MARK: - Retrieval

  /// Whether each interval of a measure held the truth, in both directions.
  private struct Hits {
    let named: [(name: String, isHit: Bool)]

    /// Per cent of those of some measures.
    func share(_ isWanted: (String) -> Bool) -> Double {
      let wanted = named.filter { isWanted($0.name) }
      return 100 * Double(wanted.count { $0.isHit }) / Double(wanted.count)
    }
  }

  /// Pairs of vectors that share a part.
  private func pairs() throws -> [Hits] {
    try [0, items == 60 ? 0.65 : 0.75, items == 60 ? 0.78 : 0.85].enumerated().map { place, part in
      try retrieval(seed: UInt64(place)) { generator in
        let x = try Tensor.normal([items, 16], .float64, using: generator)
        let noise = try Tensor.normal([items, 16], .float64, using: generator)
        let y = try x * part + noise * (1 - part * part).squareRoot()
        return (try scores(x, y), try RetrievalTruth(first: items, second: items))
      }
    }
  }

  /// Vectors around the centers of ten classes.
  private func classes() throws -> [Hits] {
    let centers = try Tensor.normal([10, 16], .float64, using: Generator(seed: 1))
    return try [0, 0.6, 1.6].enumerated().map { place, distance in
      try retrieval(seed: UInt64(place)) { generator in
        let labels = try Tensor.integers(in: 0..<10, [items], using: generator).values(as: Int.self)
        let own = try centers.rows(at: labels) * distance
        let sides = try (0..<2).map { _ in
          try own + Tensor.normal([items, 16], .float64, using: generator)
        }
        return (
          try scores(sides[0], sides[1]),
          try RetrievalTruth(first: items, second: items, labels: (labels, labels))
        )
      }
    }
  }

  private func scores(_ x: Tensor, _ y: Tensor) throws -> Tensor {
    try x.normalized(along: 1).matmul(y.normalized(along: 1).transposed())
  }

  /// Which intervals hold the mean over many sets.
  private func retrieval(
    seed: UInt64, _ draw: (Generator) throws -> (Tensor, RetrievalTruth)
  ) throws -> Hits {
    let generator = try Generator(seed: seed)
    var sums: [String: Double] = [:]
    var found: [[(name: String, interval: ConfidenceInterval)]] = []
    let all = Coverage.sets * 5
    for set in 0..<all {
      let (scores, truth) = try draw(generator)
      let metrics = try RetrievalEvaluation().metrics(of: ScoreSource(scores), truth: truth)
      for (name, value) in metrics.values { sums[name, default: 0] += value / Double(all) }
      if set < Coverage.sets { found.append(Resampling(seed: UInt64(set)).intervals(of: metrics)) }
    }
    return Hits(
      named: found.joined().map { name, interval in
        (name, sums[name].map { interval.lower <= $0 && $0 <= interval.upper } ?? false)
      })
  }

  // MARK: - Canonical correlations

  /// Normal rows of five and four columns of which two correlate.
  private func correlations() throws -> [Double] {
    try [[0.0, 0], [0.6, 0.3], [0.97, 0.9]].enumerated().map { place, population in
      let generator = try Generator(seed: UInt64(place))
      var hits: [Bool] = []
      for set in 0..<Coverage.sets {
        let x = try Tensor.normal([items, 5], .float64, using: generator)
        let noise = try Tensor.normal([items, 4], .float64, using: generator)
        let all = population + [0, 0]
        let y =
          try x[0..<items].narrowed(to: 0..<4, along: 1) * Tensor(all)
          + noise * Tensor(all.map { (1 - $0 * $0).squareRoot() })
        let intervals = try CanonicalIntervals(
          rows: [x, y], views: ["x", "y"], solver: CanonicalSolver(components: .exactly(2)), count: 999,
          seed: UInt64(set))
        hits += zip(intervals.ends, population).map { $0.contains($1) }
      }
      return 100 * Double(hits.count { $0 }) / Double(hits.count)
    }
  }
}
