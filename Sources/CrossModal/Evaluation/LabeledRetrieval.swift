import Torch

/// Average precision when items of the query's class are relevant, by the rules that papers on semantic
/// matching use (`scm.md` section 6).
///
/// Scores are compared after rounding to 10 decimals, so that equal items score equally whatever the order
/// of summation was.
public struct LabeledRetrieval: Sendable {
  /// What counts when scores are equal.
  public enum Ties: String, Codable, Sendable, CaseIterable {
    /// The order of the gallery.
    case index
    /// One operating point for each distinct score, as scikit-learn's average precision.
    case threshold
  }

  /// What the precisions within the first `at` ranks are divided by.
  public enum Divisor: String, Codable, Sendable, CaseIterable {
    /// Relevant items found there; 0 when there are none.
    case found
    /// As many as could be there: the smaller of `at` and the relevant items of the gallery.
    case possible
  }

  public var ties: Ties
  /// Only the first so many ranks count; nil counts all.
  public var at: Int?
  public var divisor: Divisor

  public init(ties: Ties = .index, at: Int? = nil, divisor: Divisor = .found) {
    self.ties = ties
    self.at = at
    self.divisor = divisor
  }

  /// Mean average precision over the queries that have a relevant item in the gallery; NaN when none has.
  ///
  /// - Parameters:
  ///   - scores: of every query against every item, higher is closer, `[queries, items]`.
  ///   - queries: class of each query.
  ///   - gallery: class of each item.
  public func meanAveragePrecision(_ scores: Tensor, queries: [Int], gallery: [Int]) throws -> Double {
    let all = try averagePrecisions(scores, queries: queries, gallery: gallery).compactMap(\.self)
    return all.reduce(0, +) / Double(all.count)
  }

  /// Average precision of each query; nil where the gallery has no relevant item.
  ///
  /// - Complexity: O(queries · items · log items), a block of queries at a time.
  public func averagePrecisions(_ scores: Tensor, queries: [Int], gallery: [Int]) throws -> [Double?] {
    try inBlocks(scores, queries, gallery) { ordered, relevant, hits, total in
      let items = relevant.size(along: 1)
      let ranks = try Tensor.range(1..<(items + 1)).to(.float64)
      var precisions = try hits / ranks
      if ties == .threshold {
        // At each rank the last one of equal score.
        let changes =
          try ordered.narrowed(to: 1..<items, along: 1) .!= ordered.narrowed(to: 0..<(items - 1), along: 1)
        let end = try Tensor.ones([relevant.size(along: 0), 1]).to(.bool)
        let last = try Tensor.concatenated([changes, end], along: 1)
        let places = try Tensor.range(0..<items).expanded(to: last.shape).to(.float64)
          .masked(with: last.not(), fill: Double(items))
        let ends = try places.reversed(along: 1).cumulativeMinimum(along: 1).reversed(along: 1).to(.int64)
        precisions = try precisions.gathered(ends, along: 1)
      }
      var counted = try precisions * relevant
      var divided = total
      if let at {
        let depth = min(at, items)
        counted = try counted.narrowed(to: 0..<depth, along: 1)
        divided =
          switch divisor {
          case .found: try hits.selected(depth - 1, along: 1).clamped(from: 1)
          case .possible: try total.clamped(to: Double(at))
          }
      }
      return try (counted.sum(along: 1) / divided).values(as: Double.self)
    }
  }

  /// Interpolated precision at recall 0, 0.1, … 1: the largest precision at that recall or a higher one,
  /// averaged over the queries that have a relevant item. Equal scores keep the order of the gallery.
  public func elevenPointPrecision(_ scores: Tensor, queries: [Int], gallery: [Int]) throws -> [Double] {
    let rows = try inBlocks(scores, queries, gallery) { _, relevant, hits, total in
      let items = relevant.size(along: 1)
      let precisions = try hits / Tensor.range(1..<(items + 1)).to(.float64)
      let points = try (0...10).map { point in
        let reached = try (hits * 10.0) .>= (total.unsqueezed(at: 1) * Double(point))
        return try precisions.masked(with: reached.not(), fill: 0).max(along: 1)
      }
      let table = try Tensor.stacked(points, along: 1).values(as: Double.self)
      return (0..<(table.count / 11)).map { Array(table[($0 * 11)..<($0 * 11 + 11)]) }
    }.compactMap(\.self)
    return (0...10).map { point in rows.reduce(0) { $0 + $1[point] } / Double(rows.count) }
  }

  /// Walks blocks of queries with their items in order of score: the scores, which items are relevant (1 or
  /// 0), how many relevant ones there are up to each rank, and in all. Nil where there are none in all.
  private func inBlocks<Result>(
    _ scores: Tensor, _ queries: [Int], _ gallery: [Int],
    _ body: (_ ordered: Tensor, _ relevant: Tensor, _ hits: Tensor, _ total: Tensor) throws -> [Result]
  ) throws -> [Result?] {
    guard scores.shape == [queries.count, gallery.count], !gallery.isEmpty else {
      throw EvaluationError.badBlock(shape: scores.shape, expected: [queries.count, gallery.count])
    }
    let items = try Tensor(gallery)
    let block = max(1, (1 << 21) / gallery.count)
    var results: [Result?] = []
    for start in stride(from: 0, to: queries.count, by: block) {
      let range = start..<min(start + block, queries.count)
      let rounded = try (scores[range].to(.float64) * 1e10).rounded()
      let (ordered, order) = try rounded.sorted(along: 1, descending: true)
      let classes = try Tensor(Array(queries[range])).unsqueezed(at: 1)
      let relevant = try (items.unsqueezed(at: 0) .== classes).to(.float64).gathered(order, along: 1)
      let hits = try relevant.cumulativeSum(along: 1)
      let total = try hits.selected(gallery.count - 1, along: 1)
      let found = try body(ordered, relevant, hits, total)
      let counts = try total.values(as: Double.self)
      results += zip(found, counts).map { $1 > 0 ? $0 : nil }
    }
    return results
  }
}
