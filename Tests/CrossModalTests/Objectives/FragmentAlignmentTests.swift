import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Alignment of fragments")
struct FragmentAlignmentTests {
  private static func unit(_ shape: [Int], seed: UInt64) throws -> Tensor {
    try Tensor.normal(shape, .float64, using: Generator(seed: seed)).normalized(along: -1)
  }

  // MARK: - Sinkhorn

  @Test(
    "every sample is shared out whole, and every cluster gets as much as another", arguments: [0.05, 0.03])
  func sinkhorn(epsilon: Double) throws {
    let scores = try Self.unit([40, 6], seed: 1)
    let few = try SinkhornAssignment(epsilon: epsilon, iterations: 2)(scores)
    #expect(try few.sum(along: 1).isClose(to: Tensor.ones([40], .float64), absolute: 1e-12))
    let many = try SinkhornAssignment(epsilon: 0.5, iterations: 400)(scores)
    #expect(
      try many.sum(along: 0).isClose(to: Tensor.full([6], 40.0 / 6, .float64), absolute: 1e-6))
    // The order of the samples is theirs, and a number added to all scores is nothing.
    let order = Array((0..<40).reversed())
    let turned = try SinkhornAssignment(epsilon: epsilon)(scores.rows(at: order) + 3)
    #expect(try turned.isClose(to: few.rows(at: order), absolute: 1e-12))
    #expect(
      try SinkhornAssignment(epsilon: epsilon)(scores, rows: Tensor([3, 3, 0]))[1].isClose(
        to: few[3], absolute: 1e-14
      ))
  }

  @Test("by logarithms the assignment is that by exponentials, and stays finite where these are 0")
  func logarithms() throws {
    let scores = try Self.unit([20, 5], seed: 2)
    // 1/ε times as large scores at ε · 1/ε: the same question on both ways.
    let plain = try SinkhornAssignment(epsilon: 0.05, iterations: 3)(scores)
    let other = try SinkhornAssignment(epsilon: 0.025, iterations: 3)(scores / 2)
    #expect(try plain.isClose(to: other, absolute: 1e-12))
    let sharp = try SinkhornAssignment(epsilon: 1e-4, iterations: 5)(scores.to(.float32))
    #expect(try sharp.isFinite().all())
    #expect(try sharp.sum(along: 1).isClose(to: Tensor.ones([20]), absolute: 1e-5))
  }

  // MARK: - Concepts

  private let lengths = (regions: [4, 2, 3], words: [3, 1, 2])

  private func concepts() throws -> (regions: PaddedRows, words: PaddedRows, prototypes: Tensor) {
    (
      PaddedRows(try Self.unit([3, 4, 5], seed: 3), lengths: lengths.regions),
      PaddedRows(try Self.unit([3, 3, 5], seed: 4).requiringGradient(), lengths: lengths.words),
      try Self.unit([7, 5], seed: 5).requiringGradient()
    )
  }

  @Test("the loss of concepts is what loops over captions and words give, whatever stands in the padding")
  func conceptLoss() throws {
    let (regions, words, prototypes) = try concepts()
    let contrast = try ConceptContrast(temperature: 0.1, assignment: SinkhornAssignment())
    let found: Double = try contrast(regions: regions, words: words, prototypes: prototypes).item()
    // Regions of all pictures, one below the other.
    let seen = try (0..<3).map { try regions.values[$0][0..<lengths.regions[$0]] }
    let shares = try contrast.assignment(
      Tensor.concatenated(seen).matmul(prototypes.detached().transposed()))
    var (sum, first) = (0.0, 0)
    for caption in 0..<3 {
      var own = 0.0
      for word in 0..<lengths.words[caption] {
        let vector = try words.values[caption][word].detached()
        let best: Int = try seen[caption].matmul(vector).argmax(along: 0).item(as: Int.self)
        let logits = try prototypes.detached().matmul(vector) / 0.1
        own -= try (shares[first + best] * logits.logSoftmax(along: 0)).sum().item()
      }
      sum += own / Double(lengths.words[caption])
      first += lengths.regions[caption]
    }
    #expect(abs(found - sum / 3) < 1e-10)
    let padded = try regions.cleared().values + (1 - regions.with(regions.values.onesLike()).cleared().values)
    let other = try contrast(regions: regions.with(padded), words: words, prototypes: prototypes)
    #expect(try abs(other.item() - found) < 1e-12)
  }

  @Test("no gradient reaches regions, and of equal regions the first is taken")
  func conceptGradient() throws {
    let (regions, words, prototypes) = try concepts()
    let leaf = try regions.values.requiringGradient()
    let contrast = try ConceptContrast(temperature: 0.1, assignment: SinkhornAssignment())
    let loss = try contrast(regions: regions.with(leaf), words: words, prototypes: prototypes)
    let slopes = try Tensor.gradients(of: [loss], by: [leaf, words.values, prototypes])
    #expect(slopes[0] == nil)
    #expect(try slopes[1]?.magnitude().max().item() ?? 0 > 0)
    #expect(try slopes[2]?.magnitude().max().item() ?? 0 > 0)
    let same = PaddedRows(try Tensor.ones([1, 3, 2]), lengths: [3])
    #expect(
      try ConceptContrast.matching(same, PaddedRows(Tensor.ones([1, 2, 2]), lengths: [2])).places.values(
        as: Int.self) == [0, 0])
  }

  // MARK: - Contexts

  @Test("the loss of contexts is what loops over items and parts give", arguments: [nil, 3, 100])
  func contextLoss(negatives: Int?) throws {
    let wholes = try Self.unit([3, 4], seed: 6)
    let parts = PaddedRows(try Self.unit([3, 4, 4], seed: 7), lengths: lengths.regions)
    let contrast = try ContextContrast(temperature: 0.7, negatives: negatives)
    let found: Double = try contrast(wholes, parts).item()
    var sum = 0.0
    for item in 0..<3 {
      func scores(of other: Int) throws -> [Double] {
        let own = try parts.values[other][0..<lengths.regions[other]]
        return try own.matmul(wholes[item]).values(as: Double.self).map { $0 / 0.7 }
      }
      let wrong = try (0..<3).flatMap { other in
        try other == item ? scores(of: other).map { _ in -10 } : scores(of: other)
      }.sorted(by: >).prefix(negatives ?? .max)
      let right = try scores(of: item)
      let rest = wrong.reduce(0) { $0 + exp($1) }
      sum += right.reduce(0) { $0 - log(exp($1) / (exp($1) + rest)) } / Double(right.count)
    }
    #expect(abs(found - sum / 3) < 1e-10)
  }

  @Test("more wrong parts cost more, and the order of pairs nothing")
  func contextOrder() throws {
    let wholes = try Self.unit([4, 6], seed: 8)
    let parts = PaddedRows(try Self.unit([4, 5, 6], seed: 9), lengths: [5, 5, 5, 5])
    let losses = try [1, 2, 5, 15, 20].map { count -> Double in
      try ContextContrast(negatives: count)(wholes, parts).item()
    }
    #expect(losses == losses.sorted() && losses[0] < losses[3])
    let order = [2, 0, 3, 1]
    let turned = try ContextContrast(negatives: 5)(
      wholes.rows(at: order), PaddedRows(parts.values.rows(at: order), lengths: [5, 5, 5, 5]))
    #expect(try abs(turned.item() - losses[2]) < 1e-12)
  }

  @Test("settings and items that make no sense are told")
  func errors() throws {
    #expect(throws: ObjectiveError.self) { try SinkhornAssignment(epsilon: 0) }
    #expect(throws: ObjectiveError.self) { try SinkhornAssignment(iterations: 0) }
    #expect(throws: ObjectiveError.self) { try ContextContrast(temperature: -1) }
    #expect(throws: ObjectiveError.self) { try ContextContrast(negatives: 0) }
    let assignment = try SinkhornAssignment()
    #expect(throws: ObjectiveError.self) { try ConceptContrast(temperature: 0, assignment: assignment) }
    let empty = PaddedRows(try Tensor.ones([2, 3, 2]), lengths: [3, 0])
    let whole = PaddedRows(try Tensor.ones([2, 3, 2]), lengths: [3, 1])
    let prototypes = try Tensor.ones([2, 2])
    #expect(throws: ObjectiveError.empty("the regions of a picture")) {
      try ConceptContrast(assignment: assignment)(regions: empty, words: whole, prototypes: prototypes)
    }
    #expect(throws: ObjectiveError.empty("the parts of an item")) {
      try ContextContrast()(Tensor.ones([2, 2]), empty)
    }
  }

  @Test("a vector of zeros stays one, and no gradient flows there")
  func zeros() throws {
    let rows = try Tensor([0.0, 0, 3, 4], shape: [2, 2]).requiringGradient()
    let unit = try rows.unit(along: 1)
    #expect(try unit.isClose(to: Tensor([0, 0, 0.6, 0.8], shape: [2, 2]), absolute: 1e-15))
    let slope = try #require(try Tensor.gradients(of: [(unit * unit).sum() + unit.sum()], by: [rows])[0])
    #expect(try slope.isFinite().all() && slope[0].magnitude().max().item() == 0.0)
  }
}
