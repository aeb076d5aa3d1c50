import CrossModal
import Testing
import Torch

@Suite("N-pair losses")
struct NPairLossTests {
  private func losses(_ scores: Tensor) throws -> (mc: Double, ovo: Double) {
    let masks = try Matches(pairs: scores.size(along: 0)).masks()
    return (
      try SoftmaxContrast().losses(scores, masks).mean().item(),
      try NPairOneVersusOne().losses(scores, masks).mean().item()
    )
  }

  @Test("one against one: equal to mc for two pairs, above it for more, (N-1) log 2 for equal scores")
  func oneAgainstOne() throws {
    let two = try losses(Tensor([2.0, 0, 1, 1], shape: [2, 2]))
    #expect(isClose(two.mc, 0.410_037_595_9, 1e-9) && isClose(two.mc, two.ovo))
    let equal = try losses(Tensor.zeros([3, 3], .float64))
    #expect(isClose(equal.ovo, 1.386_294_361_1, 1e-9) && isClose(equal.mc, 1.098_612_288_7, 1e-9))
    let rows = try Embeddings(7, 7)
    let more = try losses(Distance.dot.matrix(rows.x, rows.y))
    #expect(more.ovo >= more.mc && more.mc >= 0)
  }

  @Test("a tuplet with one negative is the softplus of the difference; on the batch's own negatives it is mc")
  func tuplet() throws {
    let rows = try Embeddings(4, 4)
    let others = try Tensor.stacked(
      (0..<4).map { i in try rows.y.rows(at: (0..<4).filter { $0 != i }) })
    let scores = try Distance.dot.matrix(rows.x, rows.y)
    let expected = try SoftmaxContrast().losses(scores, Matches(pairs: 4).masks())
    #expect(try TupletLoss.losses(rows.x, rows.y, others).isClose(to: expected, absolute: 1e-12))
    let one = try TupletLoss.losses(rows.x, rows.y, others.narrowed(to: 0..<1, along: 1))
    let spread = try (rows.x * others.selected(0, along: 1)).sum(along: 1) - (rows.x * rows.y).sum(along: 1)
    #expect(try one.isClose(to: (spread.exp() + 1).log(), absolute: 1e-12))
    #expect(throws: ObjectiveError.unequalCounts("anchors", 4, "positives", 3)) {
      try TupletLoss.losses(rows.x, rows.y[0..<3], others)
    }
  }

  @Test("the norm penalty by its three conventions")
  func penalty() throws {
    let a = try Tensor([1.0, 0], shape: [1, 2])
    let p = try Tensor([0.0, 2], shape: [1, 2])
    #expect(try isClose(NormPenalty(weight: 0.02)([a, p]).item(), 0.025))
    #expect(try isClose(NormPenalty(weight: 0.02, convention: .chainer)([a, p]).item(), 0.05))
    #expect(try isClose(NormPenalty(weight: 1, convention: .pml)([a, p]).item(), 1.5))
  }

  @Test("first pairs: two rows of each class that has them, in order of the labels")
  func firstPairs() {
    let found = FirstPairs.of(labels: [5, 0, 5, 1, 0, 5, 0])
    #expect(found.anchors == [1, 0] && found.positives == [4, 2])
  }

  @Test("hard classes: always the worst violation against those chosen, ties to the lowest")
  func hardClasses() throws {
    let queries = try Tensor([1.0, 0, 0, 1, 0.9, 0.1, 0.9, 0.1], shape: [4, 2])
    let found = try HardClasses.chosen(queries, queries, count: 3, first: 0)
    #expect(found.classes == [0, 2, 3])
    #expect(found.violations.count == 2)
    #expect(try HardClasses.chosen(queries, queries, count: 9, first: 1).classes.count == 4)
    #expect(throws: ObjectiveError.self) { try HardClasses.chosen(queries, queries, count: 2, first: 4) }
  }
}
