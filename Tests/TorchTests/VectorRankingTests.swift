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

  private static func product(_ x: ArraySlice<Float>, _ y: ArraySlice<Float>) -> Double {
    zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  /// Rows of normal numbers: some near another, some equal to it, the last tiny ones.
  private static func rows(_ count: Int, _ width: Int, near other: [Float]?, seed: UInt64) throws -> [Float] {
    let generator = try Generator(seed: seed)
    var rows = try Tensor.normal([count * width], using: generator).values(as: Float.self)
    if let other {
      for row in stride(from: 0, to: count, by: 3) {
        let source = row % (other.count / width)
        for k in 0..<width {
          rows[row * width + k] =
            other[source * width + k] + (row % 2 == 0 ? 0 : 1e-6 * rows[row * width + k])
        }
      }
    }
    for row in stride(from: 4, to: count, by: 7) {
      rows.replaceSubrange(row * width..<(row + 1) * width, with: rows[(row - 3) * width..<(row - 2) * width])
    }
    for row in count - 2..<count { for k in 0..<width { rows[row * width + k] *= 1e-30 } }
    return rows
  }

  @Test(
    "of many distinct vectors, near, equal and tiny ones among them, no standing is off by one",
    arguments: [VectorRanking.Metric.product, .cosine])
  func exactStandings(metric: VectorRanking.Metric) throws {
    let (n, m, d) = (60, 500, 64)
    let x = try Self.rows(n, d, near: nil, seed: 5)
    let y = try Self.rows(m, d, near: x, seed: 6)
    let vector = { (all: [Float], row: Int) in all[row * d..<(row + 1) * d] }
    let length = { (all: [Float], row: Int) in Self.product(vector(all, row), vector(all, row)).squareRoot() }
    let (ofX, ofY) = ((0..<n).map { length(x, $0) }, (0..<m).map { length(y, $0) })
    let isCosine = metric == .cosine
    let scores = (0..<n).map { row in
      (0..<m).map {
        Self.product(vector(x, row), vector(y, $0))
          / (isCosine ? max(ofX[row], 1e-12) * max(ofY[$0], 1e-12) : 1)
      }
    }
    // How far sums in another order may be apart.
    func rounding(_ row: Int, _ column: Int) -> Double {
      let scale = isCosine ? max(ofX[row], 1e-12) * max(ofY[column], 1e-12) : 1
      return 1e-14 * ofX[row] * ofY[column] / scale
    }
    let pairs = (0..<m).map { (row: $0 % n, column: $0) } + [(row: n - 1, column: m - 1)]
    for instructions in KernelInstructions.allCases {
      let found = try #require(
        try VectorRanking(
          Tensor(x, shape: [n, d]), Tensor(y, shape: [m, d]), by: metric, pairs: pairs,
          instructions: instructions))
      for pair in found.pairs {
        let own = pair.score
        #expect(abs(own - scores[pair.row][pair.column]) <= rounding(pair.row, pair.column))
        let row = (0..<m).map { (scores[pair.row][$0] - own, rounding(pair.row, $0)) }
        let column = (0..<n).map { (scores[$0][pair.column] - own, rounding($0, pair.column)) }
        for (all, standing) in [(row, pair.inRow), (column, pair.inColumn)] {
          let slack = rounding(pair.row, pair.column)
          let certain = all.count { $0 > $1 + slack }
          let unsure = all.count { abs($0) <= $1 + slack }
          #expect(standing.better >= certain && standing.better + standing.equal <= certain + unsure)
          #expect(standing.equal >= 1 && standing.equalBefore < standing.equal, "\(instructions)")
        }
      }
      for (column, top) in found.topOfColumns.enumerated() {
        let place = try #require(top)
        for row in 0..<n {
          let slack = rounding(row, column) + rounding(place, column)
          #expect(scores[row][column] - scores[place][column] <= slack)
        }
      }
    }
  }

  @Test("scores that float32 does not hold are compared as well", arguments: KernelInstructions.allCases)
  func tinyScores(instructions: KernelInstructions) throws {
    let (count, width) = (100, 16)
    let generator = try Generator(seed: 7)
    var (x, y) = (
      try Tensor.normal([count * width], using: generator).values(as: Float.self),
      try Tensor.normal([count * width], using: generator).values(as: Float.self)
    )
    let tiny: [Float] = [1e-30] + [Float](repeating: 0, count: width - 1)
    x.replaceSubrange(99 * width..<100 * width, with: tiny)
    for row in 97..<100 { y.replaceSubrange(row * width..<(row + 1) * width, with: tiny) }
    // Both have a good pair beside, so that the tiny score is no candidate for the highest.
    let firsts = { (all: [Float]) in (0..<97).map { all[$0 * width] } }
    let best = { (all: [Float]) in all.indices.max { all[$0] < all[$1] } ?? 0 }
    let pairs =
      (0..<count).map { (row: $0, column: $0) }
      + [(row: 99, column: best(firsts(y))), (row: best(firsts(x)), column: 99)]
    let found = try #require(
      try VectorRanking(
        Tensor(x, shape: [count, width]), Tensor(y, shape: [count, width]), by: .product, pairs: pairs,
        instructions: instructions))
    let last = found.pairs[99]
    // Columns 97 to 99 are equal, so that three score alike for row 99.
    #expect(last.inRow.equal == 3 && last.inRow.equalBefore == 2)
    #expect(last.inColumn.equal == 1 && last.inColumn.equalBefore == 0)
  }

  @Test("scores with what is no number are no numbers, on every path", arguments: KernelInstructions.allCases)
  func notANumber(instructions: KernelInstructions) throws {
    let good = try Tensor.ones([2, 20])
    var numbers = [Float](repeating: 0, count: 40)
    numbers[3] = .nan
    let bad = try Tensor(numbers, shape: [2, 20])
    for (x, y, row) in [(bad, good, true), (good, bad, false)] {
      let scores = try x.orderScores(against: y, instructions: instructions).values(as: Float.self)
      #expect(scores.map(\.isNaN) == (row ? [true, true, false, false] : [true, false, true, false]))
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
