import Testing
import Torch

@testable import CrossModal

@Suite("What a gallery does to its queries")
struct GalleryInfluenceTests {
  /// Average precision and gain of one query by sorting; 0 of nothing relevant, as an item that is taken out leaves it.
  private func numbers(_ scores: [Double], _ relevant: Set<Int>, without gone: Int? = nil) -> [Double] {
    let order = scores.indices.filter { $0 != gone }
      .sorted { scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1) }
    let ranks = order.indices.filter { relevant.contains(order[$0]) }.map { $0 + 1 }
    let ranking = QueryRanking(ties: .index, gallery: scores.count)
    return [ranking.averagePrecision(ranks), ranking.gain(ranks)]
  }

  @Test("an item's part is what all queries would lose without it, less what noise of pairs explains")
  func jackknife() throws {
    for levels in [6, 1000] {
      let (queries, items) = (30, 40)
      var random = SeededGenerator(seed: UInt64(levels))
      let classes = (0..<items).map { _ in random.below(4) }
      // Some items suit everyone.
      let appeal = (0..<items).map { _ in 2 * random.unit() }
      let table = (0..<queries).map { query in
        (0..<items).map { item in
          let own = classes[item] == query % 4 ? 1.0 : 0
          return Double(Int((random.unit() + own + appeal[item]) * Double(levels)))
        }
      }
      let ranking = QueryRanking(ties: .index, gallery: items)
      var influence = GalleryInfluence(items: items)
      var losses = [[[Double]]](repeating: [], count: 2)
      for (query, scores) in table.enumerated() {
        let relevant = items.indices(of: query % 4, in: classes)
        let ranks = scores.withUnsafeBufferPointer { influence.add(relevant, in: $0, ranking) }
        #expect(ranks == scores.withUnsafeBufferPointer { ranking.ranks(ofRelevant: relevant, in: $0) })
        let whole = numbers(scores, Set(relevant))
        let others = (0..<items).map { numbers(scores, Set(relevant), without: $0) }
        for number in 0..<2 { losses[number].append(others.map { whole[number] - $0[number] }) }
      }
      let found = influence.items(of: 0, units: Array(0..<items))
      for (number, part) in [found.map(\.precision), found.map(\.gain)].enumerated() {
        let centered = losses[number].map { row in row.map { $0 - row.reduce(0, +) / Double(items) } }
        let sums = (0..<items).map { item in centered.reduce(0) { $0 + $1[item] } }
        let noise = centered.joined().reduce(0) { $0 + $1 * $1 }
        let spread = sums.reduce(0) { $0 + $1 * $1 }
        let factor = max(0, 1 - noise / spread).squareRoot()
        #expect(factor > 0.5)
        for (item, sum) in sums.enumerated() { #expect(abs(part[item] - factor * sum) < 1e-12) }
      }
    }
  }

  @Test("with classes the interval of mAP is as wide as sets of items differ")
  func intervals() throws {
    // Vectors around the centers of ten classes: queries of a class share what they look for.
    let centers = try Tensor.normal([10, 16], .float64, using: Generator(seed: 1)) * 0.6
    var (means, widths, narrow): ([Double], [Double], [Double]) = ([], [], [])
    for set in 0..<60 {
      let generator = try Generator(seed: UInt64(set))
      let labels = try Tensor.integers(in: 0..<10, [60], using: generator).values(as: Int.self)
      let sides = try (0..<2).map { _ in
        try (centers.rows(at: labels) + Tensor.normal([60, 16], .float64, using: generator)).normalized(
          along: 1)
      }
      let metrics = try RetrievalEvaluation().metrics(
        of: ScoreSource(sides[0].matmul(sides[1].transposed())),
        truth: RetrievalTruth(first: 60, second: 60, labels: (labels, labels)), modalities: ["x", "y"])
      let interval = try #require(
        Resampling(samples: 300).intervals(of: metrics).first { $0.name == "x_to_y.mAP" }?.interval)
      // The same queries, as though nothing were known of what they share.
      let alone = RetrievalMetrics(
        modalities: metrics.modalities, counts: metrics.counts, protocol: metrics.protocol,
        forward: DirectionMetrics(queries: metrics.forward.queries, precisionRecall: nil),
        backward: DirectionMetrics(queries: metrics.backward.queries, precisionRecall: nil),
        hasLabels: metrics.hasLabels)
      let own = try #require(
        Resampling(samples: 300).intervals(of: alone).first { $0.name == "x_to_y.mAP" }?.interval)
      narrow.append(own.upper - own.lower)
      means.append(interval.value)
      widths.append(interval.upper - interval.lower)
    }
    let mean = means.reduce(0, +) / 60
    let deviation = (means.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 59).squareRoot()
    let ratio = widths.reduce(0, +) / 60 / (3.92 * deviation)
    #expect((0.8...1.3).contains(ratio), "\(ratio)")
    let share = narrow.reduce(0, +) / widths.reduce(0, +)
    #expect(share < 0.9, "\(share)")
  }
}

extension Int {
  /// The places below this number that are of a class.
  fileprivate func indices(of wanted: Int, in classes: [Int]) -> [Int] {
    (0..<self).filter { classes[$0] == wanted }
  }
}
