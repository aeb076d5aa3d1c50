import CrossModal
import Foundation
import Testing
import Torch

@Suite("Softmax contrast: N-pair-mc, InfoNCE, CLIP")
struct SoftmaxContrastTests {
  private func losses(_ scores: [Double], _ n: Int, _ targets: SoftmaxContrast.Targets = .soft) throws
    -> [Double]
  {
    try SoftmaxContrast(targets: targets).losses(
      Tensor(scores, shape: [n, n]), Matches(pairs: n).masks()
    ).values(as: Double.self)
  }

  @Test("worked numbers of N-pair-mc", arguments: SoftmaxContrast.Targets.allCases)
  func workedNumbers(targets: SoftmaxContrast.Targets) throws {
    let rows = try losses([2, 0, 1, 1], 2, targets)
    #expect(isClose(rows[0], 0.126_928_011_0, 1e-9) && isClose(rows[1], 0.693_147_180_6, 1e-9))
    #expect(
      try losses([Double](repeating: 0.3, count: 9), 3, targets).allSatisfy {
        isClose($0, 1.098_612_288_7, 1e-9)
      })
    #expect(try losses([4], 1, targets) == [0])
  }

  @Test("logits of a thousand stay finite, in value and gradient")
  func largeLogits() throws {
    let x = try (Embeddings(4, 4).x.detached().to(.float32) * 1000).requiringGradient()
    let total = try PairObjective(SoftmaxContrast())(x, x.detached(), Matches(pairs: 4)).total
    #expect(try total.isFinite().all() && Tensor.gradients(of: [total], by: [x])[0]!.isFinite().all())
  }

  @Test("CLIP's loss: worked numbers, log N for equal scores, the same with the sides exchanged")
  func clip() throws {
    let x = try Tensor.identity(2, .float64)
    func total(_ scale: Double, _ x: Tensor, _ y: Tensor) throws -> Double {
      let loss = SoftmaxContrast(logScale: try Tensor(scale))
      return try PairObjective(loss, symmetric: true)(x, y, Matches(pairs: x.size(along: 0))).total.item()
    }
    #expect(try isClose(total(0, x, x), 0.313_261_687_5))
    let flat = try Tensor.ones([5, 3], .float64)
    #expect(try isClose(total(2, flat, flat), 1.609_437_912_4))
    let rows = try Embeddings(6, 6)
    #expect(try isClose(total(1, rows.x, rows.y), total(1, rows.y, rows.x)))
    #expect(try isClose(total(1, rows.x * 3, rows.y), total(1, rows.x, rows.y)), "norms do not matter")
  }

  @Test(
    "soft targets: with one label for all the least loss is log N; with different labels it is the plain loss"
  )
  func softTargets() throws {
    let zero = try Tensor.zeros([2, 3], .float64)
    let same = try Tensor([7, 7])
    #expect(
      try isClose(
        PairObjective(SoftmaxContrast())(zero, zero, Matches(ids: same, same)).total.item(), 0.693_147_180_6))
    let rows = try Embeddings(6, 6)
    let labels = try Tensor([4, 2, 9, 0, 7, 1])
    let soft = try PairObjective(SoftmaxContrast())(rows.x, rows.y, Matches(ids: labels, labels)).total
    let plain = try PairObjective(SoftmaxContrast(targets: .distinct))(rows.x, rows.y, Matches(pairs: 6))
      .total
    #expect(try isClose(soft.item(), plain.item()))
  }

  @Test("excluded matches do not stand in the denominator")
  func excluded() throws {
    let scores = try Tensor([1.0, 5, 0, 2, 1, 3, 0, 0, 1], shape: [3, 3])
    let ids = try Tensor([0, 0, 1])
    let found = try SoftmaxContrast(targets: .exclude).losses(scores, Matches(ids: ids, ids).masks())
      .values(as: Double.self)
    // Row 0 against column 2 only, row 1 against column 2 only, row 2 against columns 0 and 1.
    let expected = [1 + Foundation.exp(-1.0), 1 + Foundation.exp(2.0), 1 + 2 * Foundation.exp(-1.0)].map {
      Foundation.log($0)
    }
    #expect(zip(found, expected).allSatisfy { isClose($0, $1) })
  }

  @Test("moving all positives by one vector changes nothing, so their gradients add up to zero")
  func conservation() throws {
    let rows = try Embeddings(6, 6)
    let total = try PairObjective(SoftmaxContrast())(rows.x, rows.y, Matches(pairs: 6)).total
    let slope = try Tensor.gradients(of: [total], by: [rows.y])[0]!
    #expect(try slope.sum(along: 0).magnitude().max().item() < 1e-12)
  }
}
