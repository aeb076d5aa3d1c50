import Torch

/// The loss of a large batch in the memory of a small one (Gao et al., "Scaling Deep Contrastive Learning Batch
/// Size under Memory Limited Setup", RepL4NLP 2021).
///
/// Vectors are computed by chunks without a graph; the loss of all of them gives a gradient for each vector;
/// each chunk is computed once more, with a graph, and the gradient goes on to the parameters. Exact where an
/// item's vector depends on that item alone: random numbers are drawn anew from the same state; statistics over
/// a chunk (batch normalization while training) would differ and must be frozen.
public enum GradientCache {
  /// A loss of all vectors.
  ///
  /// - Parameters:
  ///   - count: items of the batch.
  ///   - chunk: items whose graph exists at a time.
  ///   - generator: what `encode` draws random numbers from, if anything.
  ///   - parameters: the tensors that `encode` depends on and that learn.
  ///   - encode: vectors of a range of items, for one side or several: `[items, d]` each.
  ///   - objective: the loss of all vectors of each side; whatever else it depends on gets its gradient directly.
  /// - Returns: the loss, whose graph leads to `parameters` with gradients that are known already.
  /// - Throws: ``ObjectiveError`` when `chunk` is below 1; what `encode` and `objective` throw.
  /// - Complexity: one more pass of `encode`; memory of one chunk's graph and of all vectors.
  public static func value(
    count: Int, chunk: Int, generator: Generator? = nil, parameters: [Tensor],
    encode: (Range<Int>) throws -> [Tensor], objective: ([Tensor]) throws -> ObjectiveValue
  ) throws -> ObjectiveValue {
    guard chunk >= 1 else {
      throw ObjectiveError.badSetting("chunk_size", Double(chunk), expected: "1 or more items")
    }
    let ranges = stride(from: 0, to: count, by: chunk).map { $0..<Swift.min($0 + chunk, count) }
    var states: [Tensor?] = []
    var pieces: [[Tensor]] = []
    for range in ranges {
      states.append(try generator?.state)
      pieces.append(try withoutGradient { try encode(range) })
    }
    guard let sides = pieces.first?.count else { throw ObjectiveError.empty("items") }
    let vectors = try (0..<sides).map { side in
      try Tensor.concatenated(pieces.map { $0[side] }).requiringGradient()
    }
    pieces = []
    var value = try objective(vectors)
    let slopes = try Tensor.gradients(of: [value.total], by: vectors, retainGraph: true)
    let after = try generator?.state
    var sums: [Tensor?] = Array(repeating: nil, count: parameters.count)
    for (place, range) in ranges.enumerated() {
      if let state = states[place] { try generator?.restore(state) }
      let chunkVectors = try encode(range)
      var outputs: [Tensor] = []
      var weights: [Tensor] = []
      for (vector, slope) in zip(chunkVectors, slopes) where vector.requiresGradient {
        guard let slope else { continue }
        outputs.append(vector)
        weights.append(try slope[range])
      }
      guard !outputs.isEmpty else { continue }
      let found = try Tensor.gradients(of: outputs, weights: weights, by: parameters)
      sums = try zip(sums, found).map { sum, part in
        guard let part else { return sum }
        return try sum.map { try $0 + part } ?? part
      }
    }
    if let after { try generator?.restore(after) }
    value.total = try value.total.withSlopes(sums, by: parameters)
    return value
  }
}
