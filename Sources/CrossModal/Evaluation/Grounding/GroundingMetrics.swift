/// How well moments were found (`locvtp.md` section 6).
///
/// R@n,IoU=m is the percentage of queries of which any of the first n moments overlaps the true one by more
/// than m. mIoU is the mean overlap of the first moment, a fraction; a query without moments counts 0.
public struct GroundingMetrics: Sendable, Equatable {
  /// The n and the m that are reported.
  public let depths: [Int]
  public let thresholds: [Double]
  /// The largest overlap among the first n moments of each query, for each n: `[depths][queries]`.
  public let overlaps: [[Double]]
  /// The overlap of the first moment of each query.
  public let firstOverlaps: [Double]

  /// - Parameters:
  ///   - moments: the moments found for each query, best first, after suppression.
  ///   - truth: the moment that was meant, for each query.
  /// - Throws: ``EvaluationError`` when counts disagree or there is no query.
  public init(
    moments: [[ScoredMoment]], truth: [ScoredMoment], depths: [Int] = [1, 5],
    thresholds: [Double] = [0.1, 0.3, 0.5, 0.7]
  ) throws {
    guard moments.count == truth.count else {
      throw EvaluationError.counts("lists of moments", moments.count, "true moments", truth.count)
    }
    guard !truth.isEmpty else { throw EvaluationError.noQueries }
    let all = zip(moments, truth).map { found, truth in found.map { $0.overlap(with: truth) } }
    self.depths = depths
    self.thresholds = thresholds
    overlaps = depths.map { depth in all.map { $0.prefix(depth).max() ?? 0 } }
    firstOverlaps = all.map { $0.first ?? 0 }
  }

  /// Share of the queries that one of the first `depths[place]` moments answers, for each threshold.
  public func recalls(at place: Int) -> [Double] {
    thresholds.map { threshold in
      Double(overlaps[place].count { $0 > threshold }) / Double(overlaps[place].count)
    }
  }

  /// The numbers by their names, in the order they are reported.
  public var values: [(name: String, value: Double)] {
    var values: [(name: String, value: Double)] = []
    for (place, depth) in depths.enumerated() {
      for (threshold, recall) in zip(thresholds, recalls(at: place)) {
        values.append((name: "R@\(depth),IoU=\(threshold)", value: 100 * recall))
      }
    }
    values.append((name: "mIoU", value: firstOverlaps.reduce(0, +) / Double(firstOverlaps.count)))
    return values
  }

  public var json: JSON { .object(values.map { JSON.Member($0.name, .double($0.value)) }) }
}
