import CrossModal
import Foundation
import Testing
import Torch

@Suite("Structure-preserving loss")
struct StructurePreservingLossTests {
  typealias Weights = StructurePreservingLoss.Weights

  /// Items of two sides: `captions` of the second for each of the first, in order.
  private struct Sides {
    let x, y, numbers, owners: Tensor
    var matches: Matches { Matches(ids: numbers, owners) }

    init(_ x: Tensor, _ y: Tensor, captions: Int) throws {
      self.x = try x.requiringGradient()
      self.y = try y.requiringGradient()
      numbers = try Tensor.range(0..<x.size(along: 0))
      owners = try Tensor((0..<y.size(along: 0)).map { $0 / captions })
    }

    init(_ count: Int, captions: Int, size: Int = 5, seed: UInt64 = 3) throws {
      let generator = try Generator(seed: seed)
      try self.init(
        Tensor.normal([count, size], .float64, using: generator).normalized(along: 1),
        Tensor.normal([count * captions, size], .float64, using: generator).normalized(along: 1),
        captions: captions)
    }

    func value(
      _ loss: StructurePreservingLoss, groups: Tensor? = nil
    ) throws -> (value: ObjectiveValue, x: Tensor, y: Tensor) {
      let value = try loss(x, y, matches, groupsX: groups ?? numbers, groupsY: owners)
      let slopes = try Tensor.gradients(of: [value.total], by: [x, y], retainGraph: true)
      return (value, try slopes[0] ?? x.zerosLike(), try slopes[1] ?? y.zerosLike())
    }
  }

  @Test("two crossed pairs on a circle cost what they cost by hand")
  func byHand() throws {
    let corners = try Tensor([1.0, 0, 0, 1], shape: [2, 2])
    let loss = try StructurePreservingLoss(margin: 0.2, nearest: 1, weights: Weights(withinSecond: 0))
    let crossed = try Sides(corners, corners.rows(at: [1, 0]), captions: 1).value(loss).value
    #expect(try isClose(crossed.total.item(), 4.010622, 1e-6))
    #expect(try isClose(crossed.parts[0].value.item(), 1.604249, 1e-6))
    #expect(try Sides(corners, corners, captions: 1).value(loss).value.total.item() == 0)
  }

  @Test("of an embedding that collapsed every hinge is the margin", arguments: [1, 3])
  func collapsed(captions: Int) throws {
    let rows = try Sides(
      Tensor.ones([4, 3], .float64), Tensor.ones([4 * captions, 3], .float64), captions: captions)
    let weights = Weights(backward: 1.5, withinFirst: 0.3, withinSecond: 0.1)
    let found = try rows.value(StructurePreservingLoss(margin: 0.05, weights: weights))
    #expect(try isClose(found.value.total.item(), 0.05 * 2.9))
    #expect(try found.x.isFinite().all() && found.y.isFinite().all())
  }

  @Test("the sums over sorted rows are those over every triplet, one by one", arguments: [0.05, 0.4, 1.5])
  func allTriplets(margin: Double) throws {
    let rows = try Sides(5, captions: 3)
    let groups = [0, 1, 0, 2, 0]
    let weights = Weights(backward: 2, withinFirst: 0.1, withinSecond: 0.2)
    let loss = try StructurePreservingLoss(.sum, margin: margin, weights: weights, positives: .each)
    let parts = try rows.value(loss, groups: Tensor(groups)).value.parts.map { try $0.value.item() as Double }
    func table(_ a: Tensor, _ b: Tensor) throws -> [[Double]] {
      let flat = try Distance.euclidean.matrix(a, b).values(as: Double.self)
      let width = b.size(along: 0)
      return (0..<a.size(along: 0)).map { Array(flat[$0 * width..<($0 + 1) * width]) }
    }
    func sum(
      _ distances: [[Double]], _ match: (Int, Int) -> Bool, _ mismatch: (Int, Int) -> Bool
    ) -> Double {
      distances.indices.flatMap { a in
        distances[a].indices.filter { match(a, $0) }.flatMap { p in
          distances[a].indices.filter { mismatch(a, $0) }.map { n in
            max(0, margin + distances[a][p] - distances[a][n])
          }
        }
      }.reduce(0, +)
    }
    let expected = [
      try sum(table(rows.x, rows.y), { $1 / 3 == $0 }, { $1 / 3 != $0 }),
      try sum(table(rows.y, rows.x), { $0 / 3 == $1 }, { $0 / 3 != $1 }),
      try sum(table(rows.x, rows.x), { groups[$0] == groups[$1] && $0 != $1 }, { groups[$0] != groups[$1] }),
      try sum(table(rows.y, rows.y), { $0 / 3 == $1 / 3 && $0 != $1 }, { $0 / 3 != $1 / 3 }),
    ]
    for (found, wanted) in zip(parts, expected) { #expect(isClose(found, wanted, 1e-9 * max(1, wanted))) }
  }

  @Test("as many nearest as there are mismatches is the mean over all triplets")
  func nearestOfAll() throws {
    let rows = try Sides(6, captions: 2)
    func value(_ nearest: Int) throws -> [Double] {
      try rows.value(StructurePreservingLoss(margin: 1, nearest: nearest)).value.parts.map {
        try $0.value.item()
      }
    }
    let all = try value(100)
    // 5 wrong images of a sentence, 10 wrong sentences of an image or of a sentence.
    #expect(try zip(value(10), all).allSatisfy { isClose($0, $1) })
    #expect(try isClose(value(5)[1], all[1]) && value(5)[0] > all[0])
    #expect(try value(1)[0] > value(5)[0], "closer mismatches cost more")
  }

  @Test(
    "blocks of rows change memory, not value nor gradients", arguments: StructurePreservingLoss.Form.allCases,
    NearestTripletsLoss.Positives.allCases)
  func blocks(form: StructurePreservingLoss.Form, positives: NearestTripletsLoss.Positives) throws {
    let rows = try Sides(7, captions: 2)
    let weights = Weights(backward: 2, withinFirst: 0.3, withinSecond: 0.4)
    func found(_ chunk: Int) throws -> (value: ObjectiveValue, x: Tensor, y: Tensor) {
      try rows.value(
        StructurePreservingLoss(
          form, margin: 0.3, nearest: 3, weights: weights, positives: positives, chunk: chunk),
        groups: Tensor([0, 0, 1, 1, 1, 2, 3]))
    }
    let whole = try found(0)
    let parts = try found(4)
    #expect(try isClose(whole.value.total.item(), parts.value.total.item()))
    #expect(try whole.x.isClose(to: parts.x, absolute: 1e-12))
    #expect(try whole.y.isClose(to: parts.y, absolute: 1e-12))
  }

  @Test("gradients are those of differences", arguments: StructurePreservingLoss.Form.allCases)
  func slopes(form: StructurePreservingLoss.Form) throws {
    let rows = try Sides(4, captions: 2, size: 3)
    let loss = try StructurePreservingLoss(
      form, margin: 0.4, nearest: 2, weights: Weights(withinFirst: 0.2, withinSecond: 0.5), positives: .each)
    let groups = try Tensor([0, 1, 0, 1])
    let found = try rows.value(loss, groups: groups)
    let slope = try numericSlope(rows.y) {
      try loss(rows.x.detached(), $0, rows.matches, groupsX: groups, groupsY: rows.owners).total
    }
    #expect(try found.y.isClose(to: slope, absolute: 1e-6))
  }

  @Test("the order of items, and turning the space, change nothing")
  func symmetries() throws {
    let rows = try Sides(5, captions: 2)
    let loss = try StructurePreservingLoss(margin: 0.3, nearest: 3)
    let total = try rows.value(loss).value.total.item() as Double
    let order = [3, 0, 4, 1, 2]
    let places = order.flatMap { [2 * $0 + 1, 2 * $0] }
    let moved = try Sides(rows.x.rows(at: order), rows.y.rows(at: places), captions: 2)
    #expect(try isClose(moved.value(loss).value.total.item(), total))
    let turn = try Tensor.normal([5, 5], .float64, using: Generator(seed: 9)).qr().q
    let turned = try Sides(rows.x.matmul(turn), rows.y.matmul(turn), captions: 2)
    #expect(try isClose(turned.value(loss).value.total.item(), total))
  }

  @Test("with equal weights the sum is symmetric in the sides")
  func exchange() throws {
    let rows = try Sides(6, captions: 1)
    let loss = try StructurePreservingLoss(
      .sum, margin: 0.3, weights: Weights(backward: 1, withinFirst: 0.4, withinSecond: 0.4), positives: .each)
    let groups = try Tensor([0, 0, 1, 1, 2, 2])
    let one = try loss(rows.x, rows.y, rows.matches, groupsX: groups, groupsY: groups).total
    let other = try loss(rows.y, rows.x, rows.matches, groupsX: groups, groupsY: groups).total
    #expect(try isClose(one.item(), other.item()))
  }

  @Test("a vector that is no number shows in the loss")
  func notANumber() throws {
    let rows = try Sides(3, captions: 1)
    let broken = try Sides(rows.x.detached() * Double.nan, rows.y.detached(), captions: 1)
    #expect(try (broken.value(StructurePreservingLoss()).value.total.item() as Double).isNaN)
  }

  @Test("settings that cannot be used are refused")
  func misfits() throws {
    #expect(throws: ObjectiveError.self) { try StructurePreservingLoss(margin: -0.1) }
    #expect(throws: ObjectiveError.self) { try StructurePreservingLoss(nearest: 0) }
    #expect(throws: ObjectiveError.self) { try StructurePreservingLoss(weights: Weights(backward: -1)) }
    let rows = try Sides(3, captions: 2)
    #expect(throws: ObjectiveError.self) {
      try StructurePreservingLoss()(
        rows.x, rows.y[0..<5], rows.matches, groupsX: rows.numbers, groupsY: rows.owners)
    }
  }
}
