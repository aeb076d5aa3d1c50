import Foundation
import Testing
import Torch

@Suite("Ranks of vectors")
struct VectorRankingTests {
  /// Vectors of few values, so that scores tie; some are there twice, one is all zeros.
  private static func vectors(_ count: Int, _ width: Int, seed: UInt64) throws -> [[Float]] {
    let numbers = try Tensor.integers(in: -3..<4, [count, width], using: Generator(seed: seed))
      .values(as: Int.self)
    var rows = (0..<count).map { row in (0..<width).map { Float(numbers[row * width + $0]) / 8 } }
    for row in stride(from: 3, to: count, by: 5) { rows[row] = rows[row - 2] }
    if count > 6 { rows[6] = [Float](repeating: 0, count: width) }
    return rows
  }

  private static func score(_ x: [Float], _ y: [Float], _ metric: VectorRanking.Metric) -> Double {
    let product = { (a: [Float], b: [Float]) in zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } }
    switch metric {
    case .product: return product(x, y)
    case .cosine:
      let lengths = [x, y].map { max(product($0, $0).squareRoot(), 1e-12) }
      return product(x, y) / (lengths[0] * lengths[1])
    case .order:
      return -zip(x, y).reduce(0.0) { $0 + pow(max(0, Double($1.1) - Double($1.0)), 2) }.squareRoot()
    }
  }

  @Test(
    "how many are better and equal, and which is best, is what scores in float64 say",
    arguments: VectorRanking.Metric.allCases,
    [[1, 1, 1], [7, 11, 5], [33, 70, 17], [40, 129, 64], [5, 3, 130]])
  func ranks(metric: VectorRanking.Metric, sizes: [Int]) throws {
    let (x, y) = (
      try Self.vectors(sizes[0], sizes[2], seed: 1), try Self.vectors(sizes[1], sizes[2], seed: 2)
    )
    let scores = x.map { x in y.map { Self.score(x, $0, metric) } }
    let pairs = (0..<sizes[1]).map { (row: $0 * 7 % sizes[0], column: $0) }
    for instructions in KernelInstructions.allCases {
      let found = try #require(
        try VectorRanking(
          Tensor(x.flatMap { $0 }, shape: [sizes[0], sizes[2]]),
          Tensor(y.flatMap { $0 }, shape: [sizes[1], sizes[2]]), by: metric, pairs: pairs,
          instructions: instructions))
      for pair in found.pairs {
        let own = scores[pair.row][pair.column]
        #expect(abs(pair.score - own) < 1e-12)
        let (row, column) = (scores[pair.row], scores.map { $0[pair.column] })
        // Sums in another order may differ in the last bit: such ties are no question here.
        let near = { (a: Double) in abs(a - own) < 1e-12 }
        #expect(pair.inRow.better == row.count { $0 > own && !near($0) }, "\(metric) \(instructions)")
        #expect(pair.inRow.equal == row.count(where: near))
        #expect(pair.inRow.equalBefore == row[..<pair.column].count(where: near))
        #expect(pair.inColumn.better == column.count { $0 > own && !near($0) })
        #expect(pair.inColumn.equal == column.count(where: near))
        #expect(pair.inColumn.equalBefore == column[..<pair.row].count(where: near))
      }
      for (row, top) in found.topOfRows.enumerated() {
        let best = try #require(scores[row].max())
        #expect(top == scores[row].firstIndex { best - $0 < 1e-12 })
      }
    }
  }

  @Test("numbers that are not finite are left to others; what does not fit is an error")
  func refusals() throws {
    let x = try Tensor([1, .nan, 2, 3] as [Float], shape: [2, 2])
    #expect(try VectorRanking(x, x, by: .product, pairs: []) == nil)
    let y = try Tensor.zeros([3, 2])
    #expect(throws: TorchError.self) { try VectorRanking(y, Tensor.zeros([3, 4]), by: .cosine, pairs: []) }
    #expect(throws: TorchError.self) { try VectorRanking(y, y, by: .cosine, pairs: [(0, 3)]) }
    #expect(throws: TorchError.self) { try VectorRanking(y.to(.float64), y, by: .order, pairs: []) }
  }

  @Test("order scores are those of differences, on every path", arguments: KernelInstructions.allCases)
  func orderScores(instructions: KernelInstructions) throws {
    for sizes in [[1, 1, 1], [7, 11, 5], [33, 70, 129]] {
      let (x, y) = (
        try Self.vectors(sizes[0], sizes[2], seed: 3), try Self.vectors(sizes[1], sizes[2], seed: 4)
      )
      let found = try Tensor(x.flatMap { $0 }, shape: [sizes[0], sizes[2]])
        .orderScores(
          against: Tensor(y.flatMap { $0 }, shape: [sizes[1], sizes[2]]), instructions: instructions
        )
        .values(as: Double.self)
      let wanted = x.flatMap { x in y.map { Self.score(x, $0, .order) } }
      for (a, b) in zip(found, wanted) { #expect(abs(a - b) < 1e-5) }
    }
  }
}
