/// How well moments were found (`locvtp.md` section 6).
///
/// R@n,IoU=m is the percentage of queries of which any of the first n moments overlaps the true one by more
/// than m. mIoU is the mean overlap of the first moment, a fraction; a query without moments counts 0.
public struct GroundingMetrics: TaskResult, Equatable {
  /// The n and the m that are reported.
  public let depths: [Int]
  public let thresholds: [Double]
  /// The largest overlap among the first n moments of each query, for each n: `[depths][queries]`.
  public let overlaps: [[Double]]
  /// The overlap of the first moment of each query.
  public let firstOverlaps: [Double]
  /// What trivial answers reach.
  public let priors: [Prior]

  /// - Parameters:
  ///   - moments: the moments found for each query, best first, after suppression.
  ///   - truth: the moment that was meant, for each query.
  ///   - priors: what trivial answers reach on the same queries.
  /// - Throws: ``EvaluationError`` when counts disagree or there is no query.
  public init(
    moments: [[ScoredMoment]], truth: [ScoredMoment], depths: [Int] = [1, 5],
    thresholds: [Double] = [0.1, 0.3, 0.5, 0.7], priors: [Prior] = []
  ) throws {
    guard moments.count == truth.count else {
      throw EvaluationError.counts("lists of moments", moments.count, "true moments", truth.count)
    }
    guard !truth.isEmpty else { throw EvaluationError.noQueries }
    let all = zip(moments, truth).map { found, truth in found.map { $0.overlap(with: truth) } }
    self.depths = depths
    self.thresholds = thresholds
    self.priors = priors
    overlaps = depths.map { depth in all.map { $0.prefix(depth).max() ?? 0 } }
    firstOverlaps = all.map { $0.first ?? 0 }
  }

  /// Share of the queries that one of the first `depths[place]` moments answers, for each threshold.
  public func recalls(at place: Int) -> [Double] {
    thresholds.map { threshold in
      Double(overlaps[place].count { $0 > threshold }) / Double(overlaps[place].count)
    }
  }

  public var measures: [Measure] {
    var measures: [Measure] = []
    for (place, depth) in depths.enumerated() {
      for (threshold, recall) in zip(thresholds, recalls(at: place)) {
        measures.append(Measure(Self.name(depth, threshold), 100 * recall, .percent))
      }
    }
    let mean = firstOverlaps.reduce(0, +) / Double(firstOverlaps.count)
    return measures + [Measure("mIoU", mean)]
  }

  /// The mean overlap tells more of a model that learns than any threshold, so it comes first.
  public var selection: [Measure] { measures.suffix(1) + measures.dropLast() }

  /// ``measures`` without what they count.
  public var values: [(name: String, value: Double)] { measures.map { ($0.name, $0.value) } }

  public var `protocol`: String {
    "moments of \(depths.map(String.init).joined(separator: " and ")) places, overlap above the threshold"
  }

  public var counts: [(name: String, count: Int)] { [("queries", firstOverlaps.count)] }

  public var resampled: [any ResampledTest] {
    let recalls = depths.indices.flatMap { place in
      thresholds.map { threshold in
        SummedTest.Mean(
          Self.name(depths[place], threshold), overlaps[place].map { $0 > threshold ? 1 : 0 }, scale: 100)
      }
    }
    return (try? SummedTest(means: recalls + [.init("mIoU", firstOverlaps)])).map { [$0] } ?? []
  }

  private static func name(_ depth: Int, _ threshold: Double) -> String { "R@\(depth),IoU=\(threshold)" }
}
