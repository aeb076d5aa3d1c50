import CrossModal
import Foundation
import Testing
import Torch

@Suite("Hinge ranking loss of VSE++")
struct HingeRankingTests {
  private typealias Negatives = HingeRanking.Negatives

  /// Images and captions, with two images that share an id.
  private func batch(_ count: Int = 9, size: Int = 5) throws -> (x: Tensor, y: Tensor) {
    let rows = try Embeddings(count, count, size: size)
    return (rows.x, rows.y)
  }

  /// The definition, number by number.
  private func slow(
    _ scores: [[Double]], _ matches: (Int, Int) -> Bool, margin: Double, _ negatives: Negatives
  ) -> Double {
    func cost(_ own: Double, _ wrong: [Double]) -> Double {
      let hinges = wrong.map { max(0, margin + $0 - own) }.sorted(by: >)
      switch negatives {
      case .sum: return hinges.reduce(0, +)
      case .hardest: return hinges.first ?? 0
      case .semiHard: return wrong.filter { $0 < own }.map { max(0, margin + $0 - own) }.max() ?? 0
      case .topK(let count):
        let some = hinges.prefix(count)
        return some.isEmpty ? 0 : some.reduce(0, +) / Double(some.count)
      case .logSumExp(let t):
        let sum = wrong.map { Foundation.exp($0 / t) }.reduce(0, +)
        return wrong.isEmpty ? 0 : max(0, margin + t * Foundation.log(sum) - own)
      }
    }
    var total = 0.0
    for i in scores.indices {
      let others = scores.indices.filter { !matches(i, $0) }
      total += cost(scores[i][i], others.map { scores[i][$0] })
      total += cost(scores[i][i], scores.indices.filter { !matches($0, i) }.map { scores[$0][i] })
    }
    return total
  }

  private func table(_ scores: Tensor) throws -> [[Double]] {
    let width = scores.size(along: 1)
    let flat = try scores.values(as: Double.self)
    return (0..<scores.size(along: 0)).map { Array(flat[$0 * width..<($0 + 1) * width]) }
  }

  @Test("the specification's worked numbers: 1.1 for the sum, 1.0 for the hardest")
  func workedNumbers() throws {
    let scores = try Tensor([0.9, 0.8, 0.1, 0.3, 0.5, 0.6, 0.2, 0.4, 0.7], shape: [3, 3])
    let matches = try Matches(pairs: 3)
    #expect(isClose(try HingeRanking(negatives: .sum).loss(ofScores: scores, matches).total.item(), 1.1))
    #expect(isClose(try HingeRanking().loss(ofScores: scores, matches).total.item(), 1.0))
    let y = try Tensor([0.5, 0.5], shape: [1, 2])
    #expect(try OrderSimilarity.scores(Tensor([1.0, 0], shape: [1, 2]), y).item() == -0.5)
    #expect(try OrderSimilarity.scores(Tensor([1.0, 1], shape: [1, 2]), y).item() == 0)
  }

  @Test(
    "value and gradient are the definition's, whole, in blocks and from scores, with matches beside the pairs",
    arguments: [
      HingeRanking.Negatives.sum, .hardest, .topK(3), .semiHard, .logSumExp(temperature: 0.3), .topK(40),
    ], HingeRanking.Measure.allCases)
  func definition(negatives: HingeRanking.Negatives, measure: HingeRanking.Measure) throws {
    let (x, y) = try batch()
    let ids = try Tensor([0, 1, 2, 3, 1, 5, 6, 0, 8])
    let matches = Matches(ids: ids, ids)
    let names = try ids.values(as: Int.self)
    let loss = try HingeRanking(margin: 0.4, measure: measure, negatives: negatives)
    func expected(_ x: Tensor, _ y: Tensor) throws -> Double {
      slow(try table(loss.scores(x, y)), { names[$0] == names[$1] }, margin: 0.4, negatives)
    }
    let value = try loss(x, y, matches).total
    #expect(isClose(try value.item(), try expected(x, y)))
    let slopes = try Tensor.gradients(of: [value], by: [x, y])
    let byX = try numericSlope(x.detached()) { try Tensor(expected($0, y)) }
    let byY = try numericSlope(y.detached()) { try Tensor(expected(x, $0)) }
    #expect(try slopes[0]!.isClose(to: byX, absolute: 1e-6))
    #expect(try slopes[1]!.isClose(to: byY, absolute: 1e-6))
    for chunk in [1, 4, 8] {
      let blocks = try HingeRanking(margin: 0.4, measure: measure, negatives: negatives, chunk: chunk)
      let again = try blocks(x, y, matches)
      #expect(isClose(try again.total.item(), try value.item()))
      let others = try Tensor.gradients(of: [again.total], by: [x, y])
      #expect(try others[0]!.isClose(to: slopes[0]!, absolute: 1e-12))
      #expect(try others[1]!.isClose(to: slopes[1]!, absolute: 1e-12))
    }
    let given = try loss.loss(ofScores: loss.scores(x, y), matches).total.item()
    #expect(isClose(try value.item(), given))
  }

  @Test("a large batch, whose gradient comes from the few pairs that cost, has the gradient of the whole")
  func sparse() throws {
    let (x, y) = try batch(300, size: 4)
    let matches = try Matches(pairs: 300)
    let loss = try HingeRanking()
    let slopes = try Tensor.gradients(of: [loss(x, y, matches).total], by: [x, y])
    let scores = try x.matmul(y.transposed())
    let plain = try Tensor.gradients(of: [loss.loss(ofScores: scores, matches).total], by: [x, y])
    #expect(try slopes[0]!.isClose(to: plain[0]!, absolute: 1e-10))
    #expect(try slopes[1]!.isClose(to: plain[1]!, absolute: 1e-10))
  }

  @Test("the hardest cost at most the sum, and as much with two pairs; one pair alone costs nothing")
  func bounds() throws {
    let (x, y) = try batch()
    let matches = try Matches(pairs: 9)
    let hardest = try HingeRanking()(x, y, matches).total.item()
    #expect(try hardest <= HingeRanking(negatives: .sum)(x, y, matches).total.item())
    let (two, others) = (try x[0..<2], try y[0..<2])
    let pair = try Matches(pairs: 2)
    #expect(
      isClose(
        try HingeRanking()(two, others, pair).total.item(),
        try HingeRanking(negatives: .sum)(two, others, pair).total.item()))
    let a = try x[0..<1].detached().requiringGradient()
    let lone = try HingeRanking()(a, y[0..<1], Matches(pairs: 1)).total
    #expect(try lone.item() == 0)
    #expect(try Tensor.gradients(of: [lone], by: [a])[0]!.magnitude().max().item() == 0)
  }

  @Test("order, scale of all scores by a constant, and exchanging the sides of a cosine change nothing")
  func invariants() throws {
    let (x, y) = try batch()
    let matches = try Matches(pairs: 9)
    let order = [4, 2, 8, 0, 1, 7, 3, 6, 5]
    for measure in HingeRanking.Measure.allCases {
      let loss = try HingeRanking(measure: measure)
      let value = try loss(x, y, matches).total.item()
      #expect(isClose(value, try loss(x.rows(at: order), y.rows(at: order), matches).total.item()))
      let scores = try loss.scores(x, y)
      #expect(isClose(value, try loss.loss(ofScores: scores + 3, matches).total.item()))
      #expect(isClose(value, try loss.loss(ofScores: scores, matches).total.item()))
    }
    #expect(
      isClose(
        try HingeRanking()(x, y, matches).total.item(), try HingeRanking()(y, x, matches).total.item()))
    let level = try Tensor.full([4, 4], 0.3, .float64)
    let four = try Matches(pairs: 4)
    #expect(isClose(try HingeRanking().loss(ofScores: level, four).total.item(), 2 * 4 * 0.2))
    #expect(
      isClose(try HingeRanking(negatives: .sum).loss(ofScores: level, four).total.item(), 2 * 4 * 3 * 0.2))
    #expect(isClose(try HingeRanking(reduction: .mean).loss(ofScores: level, four).total.item(), 2 * 0.2))
  }

  @Test("a perfectly ordered pair has score 0 and a gradient of exactly 0, not of not-a-number")
  func orderAtZero() throws {
    let x = try Tensor([2.0, 2, 3, 3], shape: [2, 2]).requiringGradient()
    let y = try Tensor([1.0, 1, 1, 2], shape: [2, 2]).requiringGradient()
    let scores = try OrderSimilarity.scores(x, y)
    #expect(try scores.values(as: Double.self) == [0, 0, 0, 0])
    let total = try HingeRanking(measure: .order, negatives: .sum)(x, y, Matches(pairs: 2)).total
    let slopes = try Tensor.gradients(of: [total], by: [x, y])
    #expect(try slopes[0]!.values(as: Double.self) == [0, 0, 0, 0])
    #expect(try slopes[1]!.values(as: Double.self) == [0, 0, 0, 0])
  }

  @Test("the share of items that cost something is told")
  func active() throws {
    let scores = try Tensor([0.9, 0.8, 0.1, 0.3, 0.5, 0.6, 0.2, 0.4, 0.7], shape: [3, 3])
    let parts = try HingeRanking().loss(ofScores: scores, Matches(pairs: 3)).parts
    #expect(parts[0].name == "active")
    #expect(isClose(try parts[0].value.item(), 4.0 / 6))
  }

  @Test("settings and sizes that cannot be are named")
  func errors() throws {
    #expect(throws: ObjectiveError.badSetting("margin", -0.1, expected: "0 or more")) {
      try HingeRanking(margin: -0.1)
    }
    #expect(throws: ObjectiveError.badSetting("top_k", 0, expected: "1 or more")) {
      try HingeRanking(negatives: .topK(0))
    }
    #expect(throws: ObjectiveError.unknownChoice("reduction", "balanced", expected: "sum or mean")) {
      try HingeRanking(reduction: .balanced)
    }
    #expect(throws: ObjectiveError.unequalSizes("the images' vectors", 3, "the captions'", 2)) {
      try HingeRanking()(Tensor.zeros([4, 3]), Tensor.zeros([4, 2]), Matches(pairs: 4))
    }
    #expect(throws: ObjectiveError.unequalCounts("the images", 4, "the captions", 5)) {
      try HingeRanking()(Tensor.zeros([4, 3]), Tensor.zeros([5, 3]), Matches(pairs: 4))
    }
  }
}
