import CrossModal
import Testing
import Torch

@Suite("Pair objectives")
struct PairObjectiveTests {
  private func unchanged<Loss: PairLoss>(
    _ loss: Loss, miner: any PairMiner = AllPairs(), chunk: Int
  ) throws {
    let rows = try Embeddings()
    for symmetric in [false, true] {
      let whole = try rows.value(
        PairObjective(loss, miner: miner, symmetric: symmetric, penalty: NormPenalty(weight: 0.1)))
      let blocks = try rows.value(
        PairObjective(
          loss, miner: miner, symmetric: symmetric, chunk: chunk, penalty: NormPenalty(weight: 0.1)))
      #expect(isClose(whole.total, blocks.total, 1e-12 * max(1, abs(whole.total))))
      #expect(try whole.x.isClose(to: blocks.x, absolute: 1e-12))
      #expect(try whole.y.isClose(to: blocks.y, absolute: 1e-12))
    }
  }

  @Test("blocks of rows change neither value nor gradients", arguments: [1, 4, 11, 12])
  func blocks(chunk: Int) throws {
    for kind in ContrastiveLoss.Kind.allCases {
      for reduction in Reduction.allCases {
        try unchanged(ContrastiveLoss(kind, reduction: reduction), chunk: chunk)
      }
    }
    try unchanged(SoftmaxContrast(), chunk: chunk)
    try unchanged(
      SigmoidContrast(logScale: Tensor(1.5), bias: Tensor(-2.0)), chunk: chunk)
    for triplets in TripletMarginLoss.Triplets.allCases {
      try unchanged(TripletMarginLoss(triplets: triplets), chunk: chunk)
      try unchanged(TripletMarginLoss(triplets: triplets, smooth: true), chunk: chunk)
    }
    try unchanged(MultiSimilarityLoss(), chunk: chunk)
    try unchanged(MultiSimilarityLoss(), miner: MultiSimilarityMiner(), chunk: chunk)
    try unchanged(CircleLoss(), chunk: chunk)
    try unchanged(SupervisedContrast(), chunk: chunk)
    try unchanged(NTXent(), chunk: chunk)
  }

  @Test("a loss's own scalars get the same gradients in blocks")
  func ownScalars() throws {
    let rows = try Embeddings()
    func slopes(_ chunk: Int) throws -> [Double] {
      let scalars = [try Tensor(1.2).requiringGradient(), try Tensor(-0.7).requiringGradient()]
      let loss = SigmoidContrast(logScale: scalars[0], bias: scalars[1])
      let softmax = SoftmaxContrast(logScale: scalars[0])
      let total =
        try PairObjective(loss, chunk: chunk)(rows.x, rows.y, rows.matches).total
        + PairObjective(softmax, symmetric: true, chunk: chunk)(rows.x, rows.y, rows.matches).total
      return try Tensor.gradients(of: [total], by: scalars).map { try $0!.item() }
    }
    #expect(try zip(slopes(0), slopes(3)).allSatisfy { isClose($0, $1, 1e-11) })
  }

  @Test("gradients are those of differences, away from kinks")
  func differences() throws {
    let rows = try Embeddings(5, 6, size: 3, classes: 3)
    func check<Loss: PairLoss>(_ loss: Loss) throws {
      let objective = try PairObjective(loss, symmetric: true)
      let slope = try rows.value(objective).x
      let expected = try numericSlope(rows.x.detached()) {
        try objective($0, rows.y.detached(), rows.matches).total
      }
      #expect(try slope.isClose(to: expected, relative: 1e-5, absolute: 1e-6), "\(Loss.self)")
    }
    try check(ContrastiveLoss(margin: 1.3))
    try check(SoftmaxContrast())
    try check(SigmoidContrast(logScale: Tensor(1.0), bias: Tensor(-1.0)))
    try check(TripletMarginLoss(triplets: .all))
    try check(MultiSimilarityLoss())
    try check(SupervisedContrast())
    try check(NTXent())
  }

  @Test("a loss of distances refuses similarities, and the other way round")
  func directions() throws {
    #expect(throws: ObjectiveError.self) { try PairObjective(ContrastiveLoss(), distance: .cosine) }
    #expect(throws: ObjectiveError.self) { try PairObjective(CircleLoss(), distance: .euclidean) }
    #expect(throws: ObjectiveError.self) { try PairObjective(CircleLoss(), chunk: -1) }
  }

  @Test("unequal widths and counts are named")
  func badShapes() throws {
    let objective = try PairObjective(ContrastiveLoss())
    let x = try Tensor.zeros([3, 4])
    #expect(throws: ObjectiveError.unequalSizes("the first side's vectors", 4, "the second's", 5)) {
      try objective(x, Tensor.zeros([3, 5]), Matches(pairs: 3))
    }
    #expect(throws: ObjectiveError.unequalCounts("the vectors", 2, "the matches", 3)) {
      try objective(x, Tensor.zeros([2, 4]), Matches(pairs: 3))
    }
    #expect(throws: ObjectiveError.empty("pairs")) {
      try objective(Tensor.zeros([0, 4]), Tensor.zeros([0, 4]), Matches(pairs: 0))
    }
  }

  @Test("statistics tell how far matches and mismatches are")
  func statistics() throws {
    let x = try Tensor([1.0, 0, 0, 1], shape: [2, 2])
    for chunk in [0, 1] {
      let loss = try ContrastiveLoss(margin: 1.5)
      let parts = try PairObjective(loss, chunk: chunk, reportsPairs: true)(x, x, Matches(pairs: 2)).parts
      let facts = parts.filter { !["positive", "negative"].contains($0.name) }
      #expect(
        facts.map(\.name) == [
          "mean_positive", "mean_negative", "positives", "negatives", "fraction_active_negatives",
        ])
      #expect(try isClose(facts[1].value.item(), 2.0.squareRoot()))
      #expect(try facts[0].value.item() == 0 && facts[4].value.item() == 1)
      #expect(try facts[2].value.item() == 2 && facts[3].value.item() == 2)
    }
  }

  @Test("an explicit mask that names no pair leaves it out of every loss")
  func leftOut() throws {
    let x = try Tensor([1.0, 0, 0, 1], shape: [2, 2])
    let positive = try Tensor([true, false, false, true], shape: [2, 2])
    let matches = Matches(positive: positive, negative: try positive.zerosLike())
    #expect(try PairObjective(SoftmaxContrast())(x, x, matches).total.item() == 0)
    let sigmoid = SigmoidContrast(logScale: try Tensor(0.0), bias: try Tensor(0.0))
    #expect(try isClose(PairObjective(sigmoid)(x, x, matches).total.item(), 0.313_261_687_5))
  }
}
