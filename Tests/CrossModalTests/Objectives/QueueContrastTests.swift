import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Contrast with a queue")
struct QueueContrastTests {
  private static func unit(_ shape: [Int], seed: UInt64) throws -> Tensor {
    try Tensor.normal(shape, .float64, using: Generator(seed: seed)).normalized(along: 1)
  }

  /// The loss with all logits at once.
  private static func plain(
    _ queries: Tensor, _ positives: Tensor, _ queue: Tensor, temperature: Double
  ) throws -> Tensor {
    let logits = try Tensor.concatenated(
      [positives.unsqueezed(at: 1), queries.matmul(queue.transposed())], along: 1)
    return try -((logits / temperature).logSoftmax(along: 1).selected(0, along: 1).mean())
  }

  @Test(
    "value and gradient are those of the plain form, however it is cut into blocks",
    arguments: [(1, 1), (3, 4), (512, 4096)], [0.2, 0.005, 10])
  func plainForm(blocks: (Int, Int), temperature: Double) throws {
    let queue = try Self.unit([11, 5], seed: 1)
    var found: [[Tensor]] = []
    for isPlain in [true, false] {
      let queries = try Self.unit([7, 5], seed: 2).requiringGradient()
      let positives = try (Self.unit([7, 5], seed: 3) * Self.unit([7, 5], seed: 2)).sum(along: 1)
        .requiringGradient()
      let loss =
        try isPlain
        ? Self.plain(queries, positives, queue, temperature: temperature)
        : QueueContrast(temperature: temperature, rows: blocks.0, columns: blocks.1)(
          queries, positives: positives, queue: queue
        ).loss
      // Weighted, as it stands in a sum of losses.
      try (loss * 3).backward()
      found.append([loss] + [queries.gradient, positives.gradient].compactMap(\.self))
    }
    #expect(found.map(\.count) == [3, 3])
    for (own, expected) in zip(found[1], found[0]) {
      #expect(try own.detached().isClose(to: expected.detached(), relative: 1e-9, absolute: 1e-12))
    }
  }

  @Test("in float32 it is the plain form to 1e-5")
  func singlePrecision() throws {
    let queries = try Self.unit([40, 16], seed: 4).to(.float32)
    let queue = try Self.unit([300, 16], seed: 5).to(.float32)
    let positives = try queries.selected(0, along: 1)
    let found = try QueueContrast(temperature: 0.2, rows: 16, columns: 64)(
      queries, positives: positives, queue: queue)
    let expected: Double = try Self.plain(queries, positives, queue, temperature: 0.2).item()
    #expect(abs(try found.loss.item() - expected) < 1e-5)
  }

  @Test("a query that resembles nothing costs log(1 + K), and the limit of high temperatures is the same")
  func limits() throws {
    let queue = try Self.unit([9, 4], seed: 6)
    let nothing = try Tensor.zeros([3, 4], .float64)
    let zeros = try Tensor.zeros([3], .float64)
    let flat: Double = try QueueContrast(temperature: 0.2)(nothing, positives: zeros, queue: queue).loss
      .item()
    #expect(abs(flat - log(10)) < 1e-12)
    let queries = try Self.unit([3, 4], seed: 7)
    let hot: Double = try QueueContrast(temperature: 1e9)(queries, positives: zeros, queue: queue).loss.item()
    #expect(abs(hot - log(10)) < 1e-8)
  }

  @Test("the share of queries that are right counts those nearer to their key than to all others")
  func accuracy() throws {
    let queue = try Tensor([1.0, 0, 0, 1]).reshaped(2, 2)
    let queries = try Tensor([1.0, 0, 0, 1, 0.6, 0.8]).reshaped(3, 2)
    let found = try QueueContrast(temperature: 1, columns: 1)(
      queries, positives: Tensor([0.9, 1.1, 0.7]), queue: queue)
    #expect(abs(try found.accuracy.item() - 1.0 / 3) < 1e-9)
  }

  @Test("no query costs nothing; wrong settings and sizes are told")
  func refused() throws {
    let contrast = try QueueContrast(temperature: 1)
    let empty = try contrast(
      Tensor.zeros([0, 2]), positives: Tensor.zeros([0]), queue: Tensor.zeros([3, 2]))
    #expect(try empty.loss.item() == 0.0)
    #expect(throws: ObjectiveError.self) { try QueueContrast(temperature: 0) }
    #expect(throws: ObjectiveError.self) {
      try contrast(Tensor.zeros([2, 2]), positives: Tensor.zeros([3]), queue: Tensor.zeros([3, 2]))
    }
    #expect(throws: ObjectiveError.self) {
      try contrast(Tensor.zeros([2, 2]), positives: Tensor.zeros([2]), queue: Tensor.zeros([3, 4]))
    }
    #expect(throws: ObjectiveError.self) { try DenseContrast(contrast, lambda: 1.5) }
  }
}
