import CrossModal
import Testing
import Torch

@Suite("Average precision by class")
struct LabeledRetrievalTests {
  private let gallery = [0, 1, 0, 1, 0]

  private func precision(_ rule: LabeledRetrieval, _ scores: [Double]) throws -> Double {
    try rule.meanAveragePrecision(Tensor(scores, shape: [1, 5]), queries: [0], gallery: gallery)
  }

  @Test("precision is averaged over the ranks of the relevant items")
  func definition() throws {
    #expect(try abs(precision(LabeledRetrieval(), [5, 4, 3, 2, 1]) - (1 + 2.0 / 3 + 3.0 / 5) / 3) < 1e-12)
    #expect(try precision(LabeledRetrieval(), [5, 1, 4, 0, 3]) == 1)
  }

  @Test("equal scores keep the order of the gallery, or share one operating point")
  func ties() throws {
    #expect(try abs(precision(LabeledRetrieval(), [1, 1, 1, 1, 1]) - (1 + 2.0 / 3 + 3.0 / 5) / 3) < 1e-12)
    #expect(try abs(precision(LabeledRetrieval(ties: .threshold), [1, 1, 1, 1, 1]) - 0.6) < 1e-12)
    // Items 0 and 1 tie at the top: one of two found; then 2; then 3 and 4 tie.
    let expected = (1.0 / 2 + 2.0 / 3 + 3.0 / 5) / 3
    #expect(try abs(precision(LabeledRetrieval(ties: .threshold), [3, 3, 2, 1, 1]) - expected) < 1e-12)
  }

  @Test("differences beyond the tenth decimal are ties")
  func rounding() throws {
    let rule = LabeledRetrieval(ties: .threshold)
    #expect(try abs(precision(rule, [1, 1 + 1e-13, 1, 1 - 1e-13, 1]) - 0.6) < 1e-12)
  }

  @Test("only the first ranks count when asked, by either divisor")
  func depth() throws {
    #expect(try precision(LabeledRetrieval(at: 2), [5, 4, 3, 2, 1]) == 1)
    #expect(try precision(LabeledRetrieval(at: 2, divisor: .possible), [5, 4, 3, 2, 1]) == 0.5)
    #expect(try precision(LabeledRetrieval(at: 1), [1, 5, 0, 0, 0]) == 0)
    #expect(
      try abs(precision(LabeledRetrieval(at: 100), [5, 4, 3, 2, 1]) - (1 + 2.0 / 3 + 3.0 / 5) / 3) < 1e-12)
  }

  @Test("queries without a relevant item are left out")
  func skipped() throws {
    let scores = try Tensor([5.0, 4, 3, 2, 1, 1, 2, 3, 4, 5], shape: [2, 5])
    let rule = LabeledRetrieval()
    #expect(try rule.averagePrecisions(scores, queries: [0, 9], gallery: gallery)[1] == nil)
    let found = try rule.meanAveragePrecision(scores, queries: [0, 9], gallery: gallery)
    #expect(try found == precision(rule, [5, 4, 3, 2, 1]))
  }

  @Test("interpolated precision is the largest at that recall or a higher one")
  func elevenPoints() throws {
    let scores = try Tensor([5.0, 4, 3, 2, 1], shape: [1, 5])
    let found = try LabeledRetrieval().elevenPointPrecision(scores, queries: [0], gallery: gallery)
    let expected = [1, 1, 1, 1, 2.0 / 3, 2.0 / 3, 2.0 / 3, 0.6, 0.6, 0.6, 0.6]
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test("scores of another shape and an empty gallery are refused")
  func errors() throws {
    #expect(throws: EvaluationError.self) {
      try LabeledRetrieval().meanAveragePrecision(Tensor.zeros([2, 5]), queries: [0], gallery: gallery)
    }
    #expect(throws: EvaluationError.self) {
      try LabeledRetrieval().meanAveragePrecision(Tensor.zeros([1, 0]), queries: [0], gallery: [])
    }
  }
}
