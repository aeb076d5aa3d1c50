import Testing
import Torch

@testable import CrossModal

@Suite("Zero-shot classes")
struct ZeroShotTests {
  @Test("with one sentence a class, scores are the scaled cosines of a search")
  func search() throws {
    let generator = try Generator(seed: 1)
    let (texts, items) = (
      try Tensor.normal([3, 5], using: generator), try Tensor.normal([4, 5], using: generator)
    )
    let zeroShot = try ZeroShot(texts: texts * 7, templates: 1, scale: 10)
    let cosines = try Metric.cosine.scores(items, texts)
    #expect(try (zeroShot.logits(items * 3) - cosines * 10).magnitude().max().item() < 1e-5)
    let sums = try zeroShot.probabilities(zeroShot.logits(items)).sum(along: 1).values(as: Double.self)
    #expect(sums.allSatisfy { abs($0 - 1) < 1e-6 })
  }

  @Test("a class is the mean direction of its sentences; with a bias each class has a probability of its own")
  func classes() throws {
    let texts = try Tensor([[2.0, 0], [0, 5], [0, 1], [0, 3]].flatMap { $0 }, shape: [4, 2])
    let zeroShot = try ZeroShot(texts: texts, templates: 2, scale: 2, bias: -1)
    let root = 0.5.squareRoot()
    #expect(
      try zeroShot.classes.values(as: Double.self).map { ($0 * 1e6).rounded() }
        == [root, root, 0, 1].map { ($0 * 1e6).rounded() })
    let logits = try zeroShot.logits(Tensor([0.0, 4], shape: [1, 2]))
    #expect(try abs(logits.values(as: Double.self)[1] - 1) < 1e-9)
    #expect(try abs(zeroShot.probabilities(logits).values(as: Double.self)[1] - 0.731_058_578) < 1e-6)
    #expect(throws: TorchError.self) { try ZeroShot(texts: texts, templates: 3, scale: 1) }
  }

  @Test("an item is right among the first k where fewer than k classes score higher")
  func accuracy() throws {
    let logits = try Tensor([3.0, 1, 2, 0, 5, 5, 1, 1, 1], shape: [3, 3])
    let ranks = try ZeroShot.ranks(logits, labels: [0, 0, 2])
    #expect(ranks == [0, 2, 0])
    #expect(abs(ZeroShot.accuracy(ranks, among: 1) - 200.0 / 3) < 1e-9)
    #expect(ZeroShot.accuracy(ranks, among: 3) == 100)
  }
}
