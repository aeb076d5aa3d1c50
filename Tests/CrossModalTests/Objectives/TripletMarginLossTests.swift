import CrossModal
import Foundation
import Testing
import Torch

@Suite("Triplet loss")
struct TripletMarginLossTests {
  /// Every triplet, one by one.
  private func listed(
    _ distances: [[Double]], _ x: [Int], _ y: [Int], margin: Double, _ triplets: TripletMarginLoss.Triplets,
    smooth: Bool, _ reduction: Reduction, swapping columns: [[Double]]? = nil
  ) -> Double {
    var losses: [Double] = []
    for (a, row) in distances.enumerated() {
      let matches = row.indices.filter { y[$0] == x[a] }
      let others = row.indices.filter { y[$0] != x[a] }
      func add(_ p: Int, _ n: Int) {
        let spread = row[p] - min(row[n], columns?[p][n] ?? .infinity) + margin
        losses.append(smooth ? log1p(exp(spread)) : max(0, spread))
      }
      if triplets == .batchHard {
        if let p = matches.max(by: { row[$0] < row[$1] }), let n = others.min(by: { row[$0] < row[$1] }) {
          add(p, n)
        }
        continue
      }
      for p in matches {
        for n in others {
          switch triplets {
          case .hard where !(row[n] < row[p]), .semihard where !(row[n] > row[p] && row[n] < row[p] + margin):
            continue
          default: add(p, n)
          }
        }
      }
    }
    let sum = losses.reduce(0, +)
    switch reduction {
    case .sum: return sum
    case .mean, .balanced: return sum / Double(max(1, losses.count))
    case .averageNonZero: return sum / Double(max(1, losses.count { $0 > 0 }))
    }
  }

  @Test(
    "sums from sorted rows equal the sums over all triplets", arguments: TripletMarginLoss.Triplets.allCases,
    [0.0, 0.2, 1])
  func enumeration(triplets: TripletMarginLoss.Triplets, margin: Double) throws {
    let rows = try Embeddings(9, 12)
    let flat = try Distance.unitEuclidean.matrix(rows.x, rows.y).values(as: Double.self)
    let distances = (0..<9).map { Array(flat[$0 * 12..<$0 * 12 + 12]) }
    for smooth in [false, true] {
      for reduction in [Reduction.sum, .mean, .averageNonZero] {
        let loss = try TripletMarginLoss(
          margin: margin, triplets: triplets, smooth: smooth, reduction: reduction)
        let expected = try listed(
          distances, rows.labelsX.values(), rows.labelsY.values(), margin: margin, triplets, smooth: smooth,
          reduction)
        #expect(try isClose(rows.value(PairObjective(loss)).total, expected), "\(reduction) smooth \(smooth)")
      }
    }
  }

  @Test(
    "with swap the mismatch is as far as it is from anchor or match, whichever is nearer; in blocks too",
    arguments: TripletMarginLoss.Triplets.allCases)
  func swapping(triplets: TripletMarginLoss.Triplets) throws {
    let rows = try Embeddings(9, 12)
    func table(_ x: Tensor, _ y: Tensor) throws -> [[Double]] {
      let flat = try Distance.unitEuclidean.matrix(x, y).values(as: Double.self)
      return (0..<x.size(along: 0)).map { Array(flat[$0 * 12..<$0 * 12 + 12]) }
    }
    let (distances, columns) = (try table(rows.x, rows.y), try table(rows.y, rows.y))
    for smooth in [false, true] {
      let loss = try TripletMarginLoss(triplets: triplets, smooth: smooth, swap: true)
      let expected = try listed(
        distances, rows.labelsX.values(), rows.labelsY.values(), margin: 0.2, triplets, smooth: smooth,
        .averageNonZero, swapping: columns)
      let whole = try rows.value(PairObjective(loss))
      let blocks = try rows.value(PairObjective(loss, chunk: 4))
      #expect(isClose(whole.total, expected) && isClose(blocks.total, expected), "smooth \(smooth)")
    }
  }

  @Test("a balance of matches and mismatches is none of triplets")
  func balanced() {
    #expect(throws: ObjectiveError.self) { try TripletMarginLoss(reduction: .balanced) }
    #expect(throws: ObjectiveError.self) { try NearestTripletsLoss(reduction: .balanced) }
  }

  @Test("the hardest triplet of an anchor costs at least as much as each of its triplets")
  func hardest() throws {
    let rows = try Embeddings(8, 9)
    func mean(_ triplets: TripletMarginLoss.Triplets) throws -> Double {
      try rows.value(PairObjective(TripletMarginLoss(triplets: triplets, reduction: .mean))).total
    }
    #expect(try mean(.batchHard) >= mean(.all))
  }

  @Test("anchors without matches or without mismatches cost nothing and have no gradient")
  func lonely() throws {
    let x = try Tensor([1.0, 0, 0, 1], shape: [2, 2]).requiringGradient()
    for triplets in TripletMarginLoss.Triplets.allCases {
      for others in [[0, 0], [5, 6]] {
        let total = try PairObjective(TripletMarginLoss(triplets: triplets))(
          x, x.detached(), Matches(ids: Tensor([0, 0]), Tensor(others))
        ).total
        #expect(try total.item() == 0)
        let slope = try Tensor.gradients(of: [total], by: [x])[0]
        #expect(try slope?.values(as: Double.self).allSatisfy { $0 == 0 } ?? true)
      }
    }
  }

  @Test("a negative margin is refused")
  func badMargin() {
    #expect(throws: ObjectiveError.badSetting("margin", -1, expected: "0 or more")) {
      try TripletMarginLoss(margin: -1)
    }
  }
}
