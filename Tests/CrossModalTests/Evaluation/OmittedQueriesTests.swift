import Testing
import Torch

@testable import CrossModal

@Suite("Queries with nothing to find")
struct OmittedQueriesTests {
  private let names = ["x", "y"]
  /// Scores of few items, so that ties do not matter.
  private func scores(_ rows: Int, _ columns: Int) throws -> ScoreSource {
    var random = SeededGenerator(seed: 3)
    return ScoreSource(try Tensor((0..<rows * columns).map { _ in random.unit() }).reshaped(rows, columns))
  }

  @Test("queries of a class that the other side lacks are left out of mAP and nDCG, counted and said")
  func classes() throws {
    let labels = ([0, 1, 0, 7, 7], [0, 1, 0, 8, 1])
    let metrics = try RetrievalEvaluation().metrics(
      of: scores(5, 5), truth: RetrievalTruth(first: 5, second: 5, labels: labels), modalities: names)
    #expect(metrics.forward.withoutRelevant == 2 && metrics.backward.withoutRelevant == 1)
    #expect(
      metrics.omissions == [
        "x to y: 2 of 5 queries have no relevant item and are left out of mAP and nDCG",
        "y to x: 1 of 5 queries have no relevant item and are left out of mAP and nDCG",
      ])
    let known = metrics.forward.queries.compactMap(\.averagePrecision)
    #expect(metrics.forward.summary.meanAveragePrecision == known.reduce(0, +) / 3)
    let result = RetrievalResult(metrics)
    #expect(result.details.first { $0.key == "without_relevant" }?.value == ["x_to_y": 2, "y_to_x": 1])
    #expect(!result.details.contains { $0.key == "without_pair" })
    #expect(result.lines([:]).prefix(2) == metrics.omissions[...])
  }

  @Test("queries in no pair are left out of every mean, counted and said, and are no items of an interval")
  func pairs() throws {
    let pairs = [(0, 0), (1, 1), (2, 2)]
    let metrics = try RetrievalEvaluation().metrics(
      of: scores(4, 30), truth: RetrievalTruth(first: 4, second: 30, pairs: pairs), modalities: names)
    #expect(
      metrics.omissions == [
        "x to y: 1 of 4 queries have no paired item and are left out of every mean",
        "y to x: 27 of 30 queries have no paired item and are left out of every mean",
      ])
    let result = RetrievalResult(metrics)
    #expect(result.details.first { $0.key == "without_pair" }?.value == ["x_to_y": 1, "y_to_x": 27])
    let test = RetrievalTest(metrics)
    #expect(test.units.count == 3)
    #expect(test.kinds.first == .share(items: 3, groups: 3, whole: 100))
  }

  @Test("where every query has something to find, nothing is said")
  func none() throws {
    let metrics = try RetrievalEvaluation().metrics(
      of: scores(5, 5), truth: RetrievalTruth(first: 5, second: 5), modalities: names)
    #expect(metrics.omissions.isEmpty && RetrievalResult(metrics).details.isEmpty)
    // Without pairs only classes count.
    let labels = ([0, 1, 0], [0, 1, 0, 1])
    let classes = try RetrievalEvaluation().metrics(
      of: scores(3, 4), truth: RetrievalTruth(first: 3, second: 4, labels: labels), modalities: names)
    #expect(classes.omissions.isEmpty)
  }
}
