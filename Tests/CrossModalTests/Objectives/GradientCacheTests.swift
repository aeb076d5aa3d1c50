import CrossModal
import Testing
import Torch

@Suite("Gradient caching")
struct GradientCacheTests {
  /// A small network with dropout on each side; a logit scale that is no parameter of it.
  ///
  /// - Parameter isDirect: the same chunks one after the other in one graph.
  private func slopes(chunk: Int, isDirect: Bool = false) throws -> (
    loss: Double, slopes: [Tensor], draws: Double
  ) {
    let rows = try Embeddings(11, 11)
    let generator = try Generator(seed: 3)
    let weights = try (0..<2).map { _ in
      try Tensor.normal([5, 4], .float64, using: generator).requiringGradient()
    }
    let scale = try Tensor(0.5).requiringGradient()
    let masks = try Generator(seed: 9)
    func encode(_ range: Range<Int>) throws -> [Tensor] {
      try zip([rows.x.detached(), rows.y.detached()], weights).map { input, weight in
        let hidden = try input[range].matmul(weight)
        // Side by side within a chunk, so other chunks draw other numbers.
        let kept = try Tensor.stacked(
          range.map { _ in try Tensor.full([4], 0.7, .float64).bernoulli(using: masks) })
        return try (hidden * kept).tanh()
      }
    }
    let objective = try PairObjective(SoftmaxContrast(logScale: scale), symmetric: true)
    let matches = try Matches(pairs: 11)
    let value: ObjectiveValue
    if isDirect {
      let parts = try stride(from: 0, to: 11, by: chunk).map { try encode($0..<min($0 + chunk, 11)) }
      let sides = try (0..<2).map { side in try Tensor.concatenated(parts.map { $0[side] }) }
      value = try objective(sides[0], sides[1], matches)
    } else {
      value = try GradientCache.value(
        count: 11, chunk: chunk, generator: masks, parameters: weights, encode: encode
      ) { try objective($0[0], $0[1], matches) }
    }
    let found = try Tensor.gradients(of: [value.total], by: weights + [scale])
    let next = try Tensor.uniform([1], using: masks).item()
    return (try value.total.item(), try found.map { try #require($0) }, next)
  }

  @Test(
    "the gradients are those of one graph of the same chunks, with dropout on and scalars of the loss",
    arguments: [1, 4, 11, 100])
  func equalsDirect(chunk: Int) throws {
    let direct = try slopes(chunk: chunk, isDirect: true)
    let cached = try slopes(chunk: chunk)
    #expect(isClose(direct.loss, cached.loss, 1e-12))
    #expect(try zip(direct.slopes, cached.slopes).allSatisfy { try $0.isClose(to: $1, absolute: 1e-12) })
    #expect(direct.draws == cached.draws, "the generator goes on where it was")
  }

  @Test("without random numbers the chunk size is irrelevant", arguments: [1, 3, 8])
  func irrelevant(chunk: Int) throws {
    let rows = try Embeddings(8, 8)
    let weight = try Tensor.identity(5, .float64).requiringGradient()
    let objective = try PairObjective(ContrastiveLoss(margin: 1.2))
    let encode = { (range: Range<Int>) in
      [try rows.x.detached()[range].matmul(weight), try rows.y.detached()[range].matmul(weight)]
    }
    let direct = try encode(0..<8)
    let expected = try objective(direct[0], direct[1], Matches(pairs: 8)).total
    let cached = try GradientCache.value(count: 8, chunk: chunk, parameters: [weight], encode: encode) {
      try objective($0[0], $0[1], Matches(pairs: 8))
    }.total
    #expect(try isClose(expected.item(), cached.item(), 1e-12))
    let slopes = try [expected, cached].map { try Tensor.gradients(of: [$0], by: [weight])[0]! }
    #expect(try slopes[0].isClose(to: slopes[1], absolute: 1e-12))
  }

  @Test("a chunk of nothing is refused")
  func badChunk() {
    #expect(throws: ObjectiveError.badSetting("chunk_size", 0, expected: "1 or more items")) {
      let nothing = { (_: [Tensor]) in ObjectiveValue(total: try Tensor(0.0)) }
      _ = try GradientCache.value(count: 1, chunk: 0, parameters: [], encode: { _ in [] }, objective: nothing)
    }
  }
}
