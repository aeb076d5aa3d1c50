import CrossModal
import Testing
import Torch

@Suite("Triplet-center loss")
struct TripletCenterLossTests {
  private let centers = [0.0, 0, 2, 0, 0, 3]

  @Test("the specification's worked numbers: loss, forces on the vector and on the centres")
  func workedNumbers() throws {
    let f = try Tensor([1.0, 0], shape: [1, 2]).requiringGradient()
    let c = try Tensor(centers, shape: [3, 2]).requiringGradient()
    let labels = try Tensor([0])
    let value = try TripletCenterLoss(margin: 1)(f, labels, c)
    #expect(try value.total.item() == 1)
    #expect(try value.nearest.values(as: Int.self) == [1])
    let slopes = try Tensor.gradients(of: [value.total], by: [f, c])
    #expect(try slopes[0]!.values(as: Double.self) == [2, 0])
    #expect(try slopes[1]!.values(as: Double.self) == [-1, 0, -1, 0, 0, 0])
    let update = try TripletCenterLoss.normalizedGradient(
      f, labels, c, hinges: value.hinges, nearest: value.nearest)
    #expect(try update.values(as: Double.self) == [-0.5, 0, -0.5, 0, 0, 0])
    #expect(try TripletCenterLoss(margin: 1, variant: .authorAll)(f, labels, c).total.item() == 1)
  }

  private func batch() throws -> (Tensor, Tensor, Tensor) {
    let rows = try Embeddings(12, 4, size: 5)
    return (rows.x, try Tensor([0, 1, 2, 3, 0, 1, 2, 3, 1, 1, 2, 0]), rows.y)
  }

  @Test("moving or permuting everything together changes nothing; active forces have the length of the gap")
  func invariants() throws {
    let (f, labels, c) = try batch()
    let loss = try TripletCenterLoss(margin: 2, reduction: .sum)
    let value = try loss(f, labels, c)
    #expect(try isClose(value.total.item(), loss(f + 3, labels, c + 3).total.item(), 1e-9))
    let order = [2, 0, 3, 1]
    let renamed = try Tensor(labels.values(as: Int.self).map { order.firstIndex(of: $0)! })
    #expect(try isClose(value.total.item(), loss(f, renamed, c.rows(at: order)).total.item()))
    let slopes = try Tensor.gradients(of: [value.total], by: [f, c])
    let gaps = try (c.rows(at: value.nearest) - c.rows(at: labels))
    let active = try (value.hinges .> 0).to(.float64).unsqueezed(at: 1)
    #expect(try slopes[0]!.isClose(to: gaps * active, absolute: 1e-12))
    #expect(try (slopes[0]!.sum(along: 0) + slopes[1]!.sum(along: 0)).magnitude().max().item() < 1e-12)
  }

  @Test("with every class in the batch the two released variants agree; with one class the loss is 0")
  func authors() throws {
    let (f, labels, c) = try batch()
    let batch = try TripletCenterLoss(variant: .authorBatch)(f, labels, c).total.item()
    #expect(try isClose(batch, TripletCenterLoss(variant: .authorAll)(f, labels, c).total.item()))
    let same = try Tensor([Int](repeating: 1, count: 12))
    let lone = try TripletCenterLoss(variant: .authorBatch)(f, same, c).total
    #expect(try lone.item() == 0)
    #expect(try Tensor.gradients(of: [lone], by: [f])[0]!.isFinite().all())
  }

  @Test("a margin far below zero costs nothing; all other centres pushing cost at most the nearest alone")
  func margins() throws {
    let (f, labels, c) = try batch()
    #expect(try TripletCenterLoss(margin: -1e6)(f, labels, c).total.item() == 0)
    let nearest = try TripletCenterLoss(margin: 1)(f, labels, c).total.item()
    #expect(try TripletCenterLoss(margin: 1, negatives: .allMean)(f, labels, c).total.item() <= nearest)
  }

  @Test("a label out of range, one class alone and unequal widths are named")
  func errors() throws {
    let f = try Tensor.zeros([2, 3])
    let loss = try TripletCenterLoss()
    #expect(throws: ObjectiveError.labelOutOfRange(row: 1, label: 4, classes: 4)) {
      try loss(f, Tensor([0, 4]), Tensor.zeros([4, 3]))
    }
    #expect(throws: ObjectiveError.tooFewClasses(1)) { try loss(f, Tensor([0, 0]), Tensor.zeros([1, 3])) }
    #expect(throws: ObjectiveError.unequalSizes("features", 3, "centres", 2)) {
      try loss(f, Tensor([0, 1]), Tensor.zeros([4, 2]))
    }
  }

  @Test("pooling over views: order and copies change nothing, and the gradient goes to the largest")
  func pooling() throws {
    let views = try Tensor([1.0, 5, 3, 2], shape: [1, 2, 2]).requiringGradient()
    let pooled = try ViewPooling.max.pooled(views)
    #expect(try pooled.values(as: Double.self) == [3, 5])
    #expect(
      try Tensor.gradients(of: [pooled.sum()], by: [views])[0]!.values(as: Double.self) == [0, 1, 1, 0])
    #expect(try ViewPooling.max.pooled(views.tiled(1, 2, 1)).values(as: Double.self) == [3, 5])
    #expect(try ViewPooling.mean.pooled(views).values(as: Double.self) == [2, 3.5])
  }
}
