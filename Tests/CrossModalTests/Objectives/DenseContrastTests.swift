import Testing
import Torch

@testable import CrossModal

@Suite("Dense contrast")
struct DenseContrastTests {
  private static func view(_ seed: UInt64, cells: Int = 6) throws -> DenseContrast.View {
    let generator = try Generator(seed: seed)
    let grid = try Tensor.normal([3, 4, cells], .float64, using: generator)
    return DenseContrast.View(
      map: try Tensor.normal([3, 8, cells], .float64, using: generator),
      global: try Tensor.normal([3, 4], .float64, using: generator), grid: grid,
      pooled: try grid.mean(along: 2))
  }

  private static func queue(_ seed: UInt64) throws -> Tensor {
    try Tensor.normal([10, 4], .float64, using: Generator(seed: seed)).normalized(along: 1)
  }

  private static func value(
    _ query: DenseContrast.View, _ key: DenseContrast.View, lambda: Double = 0.5,
    _ matching: CellMatching = .argmax
  ) throws -> DenseContrast.Value {
    try DenseContrast(QueueContrast(temperature: 0.2), lambda: lambda, matching: matching)(
      query, key, queue: queue(8), denseQueue: queue(9))
  }

  @Test("without its dense part it is the loss of MoCo-v2")
  func mocoV2() throws {
    let (query, key) = (try Self.view(1), try Self.view(2))
    let found = try Self.value(query, key, lambda: 0)
    let q = try query.global.normalized(along: 1)
    let positives = try (q * key.global.normalized(along: 1)).sum(along: 1, keepingDimension: true)
    let logits = try Tensor.concatenated([positives, q.matmul(Self.queue(8).transposed())], along: 1) / 0.2
    let expected = try logits.crossEntropy(Tensor([0, 0, 0]))
    #expect(abs(try found.total.item() - expected.item()) < 1e-12)
    #expect(try found.dense.item() == 0.0 && found.denseAccuracy == nil)
  }

  @Test("the order of the key's cells, and the length of the maps' vectors, change nothing")
  func invariant() throws {
    let (query, key) = (try Self.view(1), try Self.view(2))
    let expected: Double = try Self.value(query, key).total.item()
    let order = [3, 0, 5, 1, 4, 2]
    var turned = key
    turned.map = try key.map.rows(at: order, along: 2)
    turned.grid = try key.grid.rows(at: order, along: 2)
    var long = query
    long.map = try query.map * Tensor([1.0, 2, 3, 0.5, 7, 9])
    for value in try [Self.value(query, turned), Self.value(long, key)] {
      #expect(abs(try value.total.item() - expected) < 1e-12)
    }
  }

  @Test("a view matches itself cell by cell, with similarities of 1")
  func identity() throws {
    let view = try Self.view(1)
    let found = try Self.value(view, view).matches
    #expect(try found.indices.values(as: Int.self) == (0..<3).flatMap { _ in 0..<6 })
    #expect(try found.similarities.isClose(to: found.similarities.onesLike(), absolute: 1e-12))
    #expect(try found.mutual.item() == 1.0)
    let single = try CellMatches(Self.view(3, cells: 1).map, Self.view(4, cells: 1).map)
    #expect(try single.indices.values(as: Int.self) == [0, 0, 0])
  }

  @Test("gradient flows into the query's projections and nowhere else")
  func gradients() throws {
    var (query, key) = (try Self.view(1), try Self.view(2))
    let leaves = try [query.global, query.grid, query.map, key.global, key.grid, key.map, key.pooled].map {
      try $0.requiringGradient()
    }
    (query.global, query.grid, query.map) = (leaves[0], leaves[1], leaves[2])
    (key.global, key.grid, key.map, key.pooled) = (leaves[3], leaves[4], leaves[5], leaves[6])
    let found = try Tensor.gradients(of: [Self.value(query, key).total], by: leaves)
    #expect(found.map { $0 != nil } == [true, true, false, false, false, false, false])
    #expect(try Self.value(query, key).keys.requiresGradient == false)
  }

  @Test(
    "of equally similar cells the first belongs, absent ones never, and mutual ones alone count where asked")
  func matching() throws {
    // Cells of one-hot vectors: 0 and 1 of b are alike.
    let a = try Tensor([1.0, 0, 0, 1]).reshaped(1, 2, 2)
    let b = try Tensor([1.0, 1, 0, 0, 0, 1]).reshaped(1, 2, 3)
    #expect(try CellMatches(a, b).indices.values(as: Int.self) == [0, 2])
    let absent = try Tensor([false, true, true]).reshaped(1, 3)
    #expect(try CellMatches(a, b, presence: absent).indices.values(as: Int.self) == [1, 2])
    let crowd = try Tensor([1.0, 0.9, 0, 0.1]).reshaped(1, 2, 2)
    let one = try Tensor([1.0, 0]).reshaped(1, 2, 1)
    let mutual = try CellMatches(crowd, one, isMutual: true)
    let counted = try mutual.counted.map { try $0.values(as: Bool.self) }
    #expect(counted == [true, false])
    #expect(throws: ObjectiveError.self) { try CellMatches(a, Tensor.zeros([1, 3, 2])) }
  }

  @Test("where the place in the picture is known it decides, and cells outside do not count")
  func geometry() throws {
    let (query, key) = (try Self.view(1), try Self.view(2))
    let places: [[Int?]] = [[0, 1, nil, nil, 4, 5], [5, 4, 3, 2, 1, 0], [nil, nil, nil, nil, nil, 0]]
    let objective = try DenseContrast(QueueContrast(temperature: 0.2), lambda: 1, matching: .geometry)
    let found = try objective(query, key, queue: Self.queue(8), denseQueue: Self.queue(9), places: places)
    var losses: [Double] = []
    for (picture, own) in places.enumerated() {
      for (cell, place) in own.enumerated() {
        guard let place else { continue }
        let q = try query.grid[picture].selected(cell, along: 1).normalized(along: 0).unsqueezed(at: 0)
        let k = try key.grid[picture].selected(place, along: 1).normalized(along: 0).unsqueezed(at: 0)
        let logits = try Tensor.concatenated([k, Self.queue(9)]).matmul(q.transposed()).transposed() / 0.2
        losses.append(try logits.crossEntropy(Tensor([0])).item())
      }
    }
    #expect(abs(try found.dense.item() - losses.reduce(0, +) / Double(losses.count)) < 1e-12)
  }
}
