import Testing
import Torch

@testable import CrossModal

@Suite("Grounding metrics")
struct GroundingMetricsTests {
  @Test("overlap is the common part over the hull, 0 for disjoint and for empty moments")
  func overlap() {
    let moment = ScoredMoment(start: 2, end: 6)
    #expect(moment.overlap(with: ScoredMoment(start: 4, end: 10)) == 0.25)
    #expect(moment.overlap(with: ScoredMoment(start: 8, end: 10)) == 0)
    #expect(moment.overlap(with: moment) == 1)
    #expect(ScoredMoment(start: 3, end: 3).overlap(with: ScoredMoment(start: 3, end: 3)) == 0)
  }

  @Test("candidates are the cells that are not 0, best first, equals in row-major order")
  func candidates() throws {
    let scores = try Tensor([0.5, 0.9, 0, 0.5]).reshaped(2, 2)
    let moments = try ScoredMoment.candidates(scores, duration: 10)
    #expect(
      moments == [
        ScoredMoment(start: 0, end: 10, score: 0.9), ScoredMoment(start: 0, end: 5, score: 0.5),
        ScoredMoment(start: 5, end: 10, score: 0.5),
      ])
    // Each half overlaps the whole by exactly one half.
    #expect(ScoredMoment.suppressed(moments, threshold: 0.5).count == 3)
    #expect(ScoredMoment.suppressed(moments, threshold: 0.49) == [moments[0]])
    #expect(ScoredMoment.suppressed(moments, threshold: 0.5, keeping: 2) == Array(moments[0..<2]))
    #expect(throws: EvaluationError.self) {
      try ScoredMoment.candidates(Tensor.zeros([2, 3]), duration: 1)
    }
  }

  @Test("a query counts when an overlap is above the threshold, and fewer moments than n are enough")
  func recalls() throws {
    let truth = [
      ScoredMoment(start: 0, end: 4), ScoredMoment(start: 0, end: 4), ScoredMoment(start: 0, end: 4),
    ]
    let metrics = try GroundingMetrics(
      moments: [[ScoredMoment(start: 0, end: 2), ScoredMoment(start: 0, end: 4)], [], [truth[2]]],
      truth: truth, depths: [1, 5], thresholds: [0.5])
    #expect(metrics.recalls(at: 0) == [1.0 / 3])
    #expect(metrics.recalls(at: 1) == [2.0 / 3])
    #expect(metrics.values.map(\.name) == ["R@1,IoU=0.5", "R@5,IoU=0.5", "mIoU"])
    #expect(metrics.values.last?.value == 0.5)
    #expect(throws: EvaluationError.noQueries) { try GroundingMetrics(moments: [], truth: []) }
  }

  @Test("guesses without a look are learned from moments as shares of their videos")
  func priors() throws {
    // Always the second quarter, of videos of different lengths.
    let priors = try #require(
      MomentPriors(moments: [2.5...5, 5...10, 25...50], durations: [10, 20, 100]))
    let found = try priors.priors(truth: [ScoredMoment(start: 1, end: 2)], durations: [4])
    #expect(found.map(\.name) == ["center", "best fixed window"])
    #expect(found[1].measures.last?.value == 1)
    // The middle, as long: from 1.5 to 2.5.
    #expect(isClose(found[0].measures.last?.value ?? 0, 1.0 / 3))
    #expect(MomentPriors(moments: [], durations: []) == nil)
  }

  @Test("rows of several videos are averaged each up to its length")
  func severalAverages() throws {
    let rows = try Tensor((0..<14).map(Double.init)).reshaped(2, 7, 1)
    let both = try rows.averagedRows(to: 4, lengths: [7, 2])
    #expect(try both[0].values(as: Double.self) == [0.5, 2.5, 4, 5])
    #expect(try both[1].values(as: Double.self) == [7, 7, 8, 8])
    #expect(throws: EvaluationError.self) { try rows.averagedRows(to: 4, lengths: [7, 0]) }
  }

  @Test("rows are averaged between rounded bounds, and repeated where there are too few")
  func averages() throws {
    let rows = try Tensor((0..<7).map(Double.init)).reshaped(7, 1)
    // Bounds 0, 2, 4 (3.5 to even), 5, 6.
    #expect(try rows.averagedRows(to: 4).values(as: Double.self) == [0.5, 2.5, 4, 5])
    #expect(try rows[0..<2].averagedRows(to: 4).values(as: Double.self) == [0, 0, 1, 1])
    #expect(throws: EvaluationError.self) { try rows.averagedRows(to: 0) }
  }
}
