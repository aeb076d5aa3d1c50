import CrossModal
import Testing
import Torch

@Suite("Contrastive loss")
struct ContrastiveLossTests {
  private let origin = [0.0, 0]
  private let point = [3.0, 4]

  private func value(_ loss: ContrastiveLoss, _ relation: Relation) throws -> (loss: Double, slope: [Double])
  {
    let x = try Tensor(origin, shape: [1, 2]).requiringGradient()
    let total = try loss.pairs(x, Tensor(point, shape: [1, 2]), [relation], distance: .euclidean).total
    return (try total.item(), try Tensor.gradients(of: [total], by: [x])[0]!.values(as: Double.self))
  }

  @Test("points 5 apart: the specification's worked numbers")
  func workedNumbers() throws {
    let wide = try ContrastiveLoss(margin: 6, reduction: .sum)
    #expect(try value(wide, .similar) == (12.5, [-3, -4]))
    let apart = try value(wide, .dissimilar)
    #expect(isClose(apart.loss, 0.5) && isClose(apart.slope[0], 0.6) && isClose(apart.slope[1], 0.8))
    for margin in [5.0, 4] {
      #expect(try value(ContrastiveLoss(margin: margin, reduction: .sum), .dissimilar) == (0, [0, 0]))
    }
    let linear = try ContrastiveLoss(.linear, margin: 6, positiveMargin: 1, reduction: .sum)
    #expect(try value(linear, .similar).loss == 4)
    #expect(try value(linear, .dissimilar).loss == 1)
  }

  @Test("coincident mismatches cost m²/2 and push nowhere, in pairs and in the matrix")
  func coincident() throws {
    let x = try Tensor([1.0, 2, 1, 2], shape: [2, 2]).requiringGradient()
    let loss = try ContrastiveLoss(margin: 2, reduction: .sum)
    let pairs = try loss.pairs(x, x.detached(), [.dissimilar, .dissimilar], distance: .euclidean).total
    #expect(try pairs.item() == 4)
    #expect(try Tensor.gradients(of: [pairs], by: [x])[0]!.values(as: Double.self) == [0, 0, 0, 0])
    let none = try Tensor([false, false, false, false], shape: [2, 2])
    let all = try PairObjective(loss, distance: .euclidean)(
      x, x.detached(), Matches(positive: none, negative: none.not())
    ).total
    #expect(try all.item() == 8)
    #expect(try Tensor.gradients(of: [all], by: [x])[0]!.values(as: Double.self) == [0, 0, 0, 0])
  }

  @Test("exchanging the sides keeps the loss and exchanges the gradients; moving both changes nothing")
  func symmetry() throws {
    let rows = try Embeddings(6, 6)
    let relations: [Relation] = [.similar, .dissimilar, .similar, .dissimilar, .dissimilar, .similar]
    let loss = try ContrastiveLoss(margin: 3)
    let one = try loss.pairs(rows.x, rows.y, relations, distance: .euclidean).total
    let two = try loss.pairs(rows.y, rows.x, relations, distance: .euclidean).total
    let moved = try loss.pairs(rows.x + 5, rows.y + 5, relations, distance: .euclidean).total
    #expect(try isClose(one.item(), two.item()) && isClose(one.item(), moved.item()))
    let a = try Tensor.gradients(of: [one], by: [rows.x, rows.y])
    let b = try Tensor.gradients(of: [two], by: [rows.x, rows.y])
    #expect(try a[0]!.isClose(to: b[0]!, absolute: 1e-12) && a[1]!.isClose(to: b[1]!, absolute: 1e-12))
  }

  @Test("reductions: the sum is the count times the mean, and balance ignores how many mismatches there are")
  func reductions() throws {
    let rows = try Embeddings(4, 4)
    let few: [Relation] = [.similar, .dissimilar, .dissimilar, .similar]
    func total(_ reduction: Reduction, twice: Bool = false) throws -> Double {
      let loss = try ContrastiveLoss(margin: 4, reduction: reduction)
      guard twice else { return try loss.pairs(rows.x, rows.y, few, distance: .euclidean).total.item() }
      let places = [0, 1, 2, 3, 1, 2]
      return try loss.pairs(
        rows.x.rows(at: places), rows.y.rows(at: places), places.map { few[$0] }, distance: .euclidean
      ).total.item()
    }
    #expect(try isClose(total(.sum), 4 * total(.mean)))
    #expect(try isClose(total(.balanced), total(.balanced, twice: true)))
    #expect(try total(.mean) != total(.mean, twice: true))
  }

  @Test("nothing but matches at one point costs nothing")
  func onlyMatches() throws {
    let x = try Tensor.ones([3, 2], .float64)
    let value = try ContrastiveLoss().pairs(x, x, [.similar, .similar, .similar]).total
    #expect(try value.item() == 0)
  }

  @Test("impossible settings and unequal counts are refused")
  func errors() throws {
    #expect(throws: ObjectiveError.badSetting("margin", 0, expected: "a number greater than 0")) {
      try ContrastiveLoss(margin: 0)
    }
    #expect(throws: ObjectiveError.self) { try ContrastiveLoss(.cosine, margin: 1) }
    #expect(throws: ObjectiveError.self) { try ContrastiveLoss(.linear, positiveMargin: -1) }
    let x = try Tensor.zeros([2, 2])
    #expect(throws: ObjectiveError.unequalCounts("relations", 1, "pairs", 2)) {
      try ContrastiveLoss().pairs(x, x, [.similar])
    }
    #expect(
      throws: ObjectiveError.wrongDirection(
        loss: ContrastiveLoss.name, takes: "distance", given: "similarity")
    ) { try ContrastiveLoss().pairs(x, x, [.similar, .similar], distance: .dot) }
  }
}
