import Foundation
import Torch

/// Retrieval of objects of the query's class, by the measures of the shape retrieval contests.
///
/// Of a query with R relevant items in the gallery (`triplet-center.md` section 6):
/// - NN: 1 when the first item is relevant. FT and ST: relevant items among the first R and 2R, divided by R.
/// - E: 2 P C / (P + C) of precision P and recall C among the first 32.
/// - DCG: 1 for a relevant first item plus Σ 1 / log2(rank) over later ones, divided by the same with all
///   relevant items first. This is not the nDCG of ``RetrievalSummary``, which discounts by log2(1 + rank).
/// - mAP, and AUC: the area under precision against recall, precision being the highest at that recall or
///   beyond.
/// - ANMRR (MPEG-7, lower is better): mean rank of the relevant items, those beyond K = min(4R, 2 max R)
///   counting 1.25 K, scaled to 0...1.
///
/// Queries with nothing to find are left out. Equal scores stand in the order of the gallery.
public struct ObjectRetrieval: Sendable, Equatable {
  /// One query's numbers.
  public struct Query: Sendable, Equatable {
    public var row: Int
    public var nearest: Double
    public var firstTier: Double
    public var secondTier: Double
    public var eMeasure: Double
    public var discountedGain: Double
    public var averagePrecision: Double
    public var area: Double
    /// Rank from 1 of the first relevant item.
    public var firstRank: Int
    fileprivate var ranks: [Int]
  }

  /// The queries that had something to find, in the order of rows.
  public let queries: [Query]
  /// The number of all queries.
  public let count: Int

  /// - Parameters:
  ///   - scores: scores of queries against the gallery, higher is closer.
  ///   - labels: class of each query and of each item of the gallery.
  ///   - excludingSelf: the gallery is the queries themselves, and none finds itself.
  ///   - cutoff: how many items E looks at.
  /// - Throws: ``EvaluationError`` when counts disagree; whatever the source throws.
  public init(
    _ scores: ScoreSource, labels: (queries: [Int], gallery: [Int]), excludingSelf: Bool = false,
    cutoff: Int = 32
  ) throws {
    guard labels.queries.count == scores.first else {
      throw EvaluationError.labelCount(labels: labels.queries.count, rows: scores.first, side: 0)
    }
    guard labels.gallery.count == scores.second else {
      throw EvaluationError.labelCount(labels: labels.gallery.count, rows: scores.second, side: 1)
    }
    if excludingSelf, scores.first != scores.second {
      throw EvaluationError.counts(
        "queries", scores.first, "items that search among themselves", scores.second)
    }
    let itemsOfClass = Dictionary(grouping: labels.gallery.indices) { labels.gallery[$0] }
    let ranking = QueryRanking(ties: .index, gallery: scores.second)
    let gallery = scores.second - (excludingSelf ? 1 : 0)
    var queries: [Query] = []
    let step = max(1, (1 << 22) / max(1, scores.second))
    for start in stride(from: 0, to: scores.first, by: step) {
      let rows = start..<min(start + step, scores.first)
      var values = try scores.scores(rows: rows, columns: 0..<scores.second).values(as: Double.self)
      values.withUnsafeMutableBufferPointer { values in
        for row in rows {
          let line = UnsafeMutableBufferPointer(
            rebasing: values[(row - start) * scores.second..<(row - start + 1) * scores.second])
          var relevant = itemsOfClass[labels.queries[row]] ?? []
          if excludingSelf {
            // NaN comes after everything else, so the list is that of the others.
            line[row] = .nan
            relevant.removeAll { $0 == row }
          }
          guard !relevant.isEmpty else { continue }
          let ranks = ranking.ranks(ofRelevant: relevant, in: UnsafeBufferPointer(line))
          queries.append(Query(row: row, ranks: ranks, gallery: gallery, cutoff: cutoff))
        }
      }
    }
    self.queries = queries
    count = scores.first
  }

  /// Every row of `features` `[n, d]` searches among the others by Euclidean distance.
  public init(features: Tensor, labels: [Int], cutoff: Int = 32) throws {
    let features = try features.to(.float64)
    let n = features.size(along: 0)
    try self.init(
      ScoreSource(first: n, second: n) { try -features[$0].distances(to: features) },
      labels: (labels, labels), excludingSelf: true, cutoff: cutoff)
  }

  /// Percent of all queries that have an item of their class among the first `k`.
  public func recall(at k: Int) -> Double {
    100 * Double(queries.count { $0.firstRank <= k }) / Double(max(1, count))
  }

  /// Mean over the queries of a number.
  public func mean(_ number: (Query) -> Double) -> Double? {
    queries.isEmpty ? nil : queries.reduce(0) { $0 + number($1) } / Double(queries.count)
  }

  /// Mean of normalized modified retrieval ranks.
  public var meanModifiedRank: Double? {
    let most = queries.map(\.ranks.count).max() ?? 0
    return mean { $0.modifiedRank(most: most) }
  }

  /// The numbers in the order they are reported; empty when no query has anything to find.
  public var measures: [Measure] {
    queries.isEmpty
      ? []
      : numbers.map { number in
        Measure(number.name, mean(number.value) ?? .nan, increases: number.name != "ANMRR")
      }
  }

  /// ``measures`` without what they count.
  public var values: [(name: String, value: Double)] { measures.map { ($0.name, $0.value) } }

  public var json: JSON { .object(values.map { JSON.Member($0.name, .double($0.value)) }) }

  /// The number of each query whose mean each measure is.
  private var numbers: [(name: String, value: (Query) -> Double)] {
    let most = queries.map(\.ranks.count).max() ?? 0
    return [
      ("NN", \.nearest), ("FT", \.firstTier), ("ST", \.secondTier), ("E", \.eMeasure),
      ("DCG", \.discountedGain), ("ANMRR", { $0.modifiedRank(most: most) }), ("mAP", \.averagePrecision),
      ("AUC", \.area),
    ]
  }

  /// ``measures`` as means over all items, of which those that have nothing to find do not count.
  var means: [SummedTest.Mean] {
    let shares = ofItems { _ in 1 }
    return numbers.map { SummedTest.Mean($0.name, ofItems($0.value), shares: shares) }
  }

  /// ``recall(at:)`` as a mean over all items.
  func recallMean(at k: Int) -> SummedTest.Mean {
    SummedTest.Mean("R@\(k)", ofItems { $0.firstRank <= k ? 1 : 0 }, scale: 100)
  }

  /// A number of each query by item, 0 for items that are none.
  private func ofItems(_ number: (Query) -> Double) -> [Double] {
    var all = [Double](repeating: 0, count: count)
    for query in queries { all[query.row] = number(query) }
    return all
  }
}

extension ObjectRetrieval.Query {
  /// Normalized modified retrieval rank.
  ///
  /// - Parameter most: relevant items of the query that has most.
  fileprivate func modifiedRank(most: Int) -> Double {
    let relevant = Double(ranks.count)
    let depth = Double(min(4 * ranks.count, 2 * most))
    let places = ranks.map { Double($0) <= depth ? Double($0) : 1.25 * depth }
    let best = 0.5 * (1 + relevant)
    return (places.reduce(0, +) / relevant - best) / (1.25 * depth - best)
  }

  /// - Parameter ranks: ranks from 1 of the relevant items, ascending.
  init(row: Int, ranks: [Int], gallery: Int, cutoff: Int) {
    let relevant = Double(ranks.count)
    func found(_ depth: Int) -> Double { Double(ranks.prefix { $0 <= depth }.count) }
    func discount(_ rank: Int) -> Double { rank == 1 ? 1 : 1 / log2(Double(rank)) }
    self.row = row
    self.ranks = ranks
    firstRank = ranks[0]
    nearest = ranks[0] == 1 ? 1 : 0
    firstTier = found(ranks.count) / relevant
    secondTier = found(2 * ranks.count) / relevant
    let depth = min(cutoff, gallery)
    let precision = found(depth) / Double(depth)
    let recall = found(depth) / relevant
    eMeasure = precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
    discountedGain =
      ranks.reduce(0) { $0 + discount($1) } / (1...ranks.count).reduce(0) { $0 + discount($1) }
    let precisions = ranks.enumerated().map { Double($0.offset + 1) / Double($0.element) }
    averagePrecision = precisions.reduce(0, +) / relevant
    var highest = 0.0
    area =
      precisions.reversed().reduce(0) { sum, precision in
        highest = max(highest, precision)
        return sum + highest
      } / relevant
  }
}
