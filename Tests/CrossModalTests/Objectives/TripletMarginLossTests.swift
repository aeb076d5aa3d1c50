import CrossModal
import Foundation
import Testing
import Torch

@Suite("Triplet loss")
struct TripletMarginLossTests {
  /// Every triplet, one by one.
  private func listed(
    _ distances: [[Double]], _ x: [Int], _ y: [Int], margin: Double, _ triplets: TripletMarginLoss.Triplets,
    smooth: Bool, _ reduction: Reduction
  ) -> Double {
    var losses: [Double] = []
    for (a, row) in distances.enumerated() {
      let matches = row.indices.filter { y[$0] == x[a] }.map { row[$0] }
      let others = row.indices.filter { y[$0] != x[a] }.map { row[$0] }
      func add(_ p: Double, _ n: Double) {
        losses.append(smooth ? log1p(exp(p - n + margin)) : max(0, p - n + margin))
      }
      if triplets == .batchHard {
        if let p = matches.max(), let n = others.min() { add(p, n) }
        continue
      }
      for p in matches {
        for n in others {
          switch triplets {
          case .hard where !(n < p), .semihard where !(n > p && n < p + margin): continue
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
