import CrossModal
import Foundation
import Testing
import Torch

@Suite("Multi-similarity, circle, supervised contrast")
struct PairwiseBaselinesTests {
  /// One anchor with one match and one mismatch of the given cosines.
  private func value<Loss: PairLoss>(_ loss: Loss, match: Double, mismatch: Double) throws -> Double {
    let masks = PairMasks(
      positive: try Tensor([true, false], shape: [1, 2]), negative: try Tensor([false, true], shape: [1, 2]))
    return try loss.terms(Tensor([match, mismatch], shape: [1, 2]), masks).map { try $0.value.item() }
      .reduce(0, +)
  }

  @Test("the specification's worked numbers")
  func workedNumbers() throws {
    #expect(try isClose(value(SupervisedContrast(), match: 0.4, mismatch: 0.4), 0.693_147_180_6))
    #expect(try isClose(value(NTXent(), match: 0.4, mismatch: 0.4), 0.693_147_180_6))
    #expect(try isClose(value(MultiSimilarityLoss(), match: 0.5, mismatch: 0.5), 0.360_436_533_9))
    // w_p = 0.9, w_n = 0.9: softplus(80 · 0.9 · (0.5 − 0.4) − 80 · 0.9 · (0.5 − 0.6)).
    #expect(try isClose(value(CircleLoss(), match: 0.5, mismatch: 0.5), log1p(exp(14.4)), 1e-8))
  }

  @Test("a miner with unlimited slack keeps what anchors with both kinds have")
  func unlimitedMiner() throws {
    let rows = try Embeddings(9, 12, classes: 3)
    let plain = try rows.value(PairObjective(MultiSimilarityLoss()))
    let mined = try rows.value(
      PairObjective(MultiSimilarityLoss(), miner: MultiSimilarityMiner(epsilon: 1e9)))
    #expect(isClose(plain.total, mined.total))
  }

  @Test("hard negatives keep the closest mismatches of each anchor and every match")
  func hardNegatives() throws {
    let distances = try Tensor([0.5, 0.1, 0.9, 0.3], shape: [1, 4])
    let masks = PairMasks(
      positive: try Tensor([false, true, false, false], shape: [1, 4]),
      negative: try Tensor([true, false, true, true], shape: [1, 4]))
    let near = try HardNegatives(1).mined(distances, masks, .distance)
    #expect(try near.negative.values(as: Bool.self) == [false, false, false, true])
    let like = try HardNegatives(2).mined(distances, masks, .similarity)
    #expect(try like.negative.values(as: Bool.self) == [true, false, true, false])
    #expect(try near.positive.values(as: Bool.self) == [false, true, false, false])
    #expect(throws: ObjectiveError.self) { try HardNegatives(0) }
  }

  @Test("the circle loss's weights have no gradient: it matches differences only with weights held")
  func circleWeights() throws {
    let rows = try Embeddings(5, 6, size: 3, classes: 2)
    let objective = try PairObjective(CircleLoss(gamma: 4))
    let slope = try rows.value(objective).x
    let plain = try numericSlope(rows.x.detached()) {
      try objective($0, rows.y.detached(), rows.matches).total
    }
    #expect(try !slope.isClose(to: plain, relative: 1e-3))
  }

  @Test("temperatures and weights that are not positive are refused")
  func errors() {
    #expect(throws: ObjectiveError.self) { try SupervisedContrast(temperature: 0) }
    #expect(throws: ObjectiveError.self) { try NTXent(temperature: -1) }
    #expect(throws: ObjectiveError.self) { try MultiSimilarityLoss(alpha: 0) }
    #expect(throws: ObjectiveError.self) { try CircleLoss(gamma: 0) }
  }
}
