import CTorch

/// Scores of fragments that attend to those of other items several times, where what asks changes in between by what it
/// attended to, as one fused computation on the cpu in float32.
///
/// Exact: the contexts go through the unit's weights once, and no attended vector is made. It uses as many threads as
/// ``Runtime/threads`` says; their number and the company of other items change no score. It has no gradient.
public struct RecurrentAttentionKernel: Sendable {
  /// How what asks, q, changes by what it attended to, c; x is the two beside each other.
  public enum Unit: Int32, Sendable {
    /// g q + (1 - g) tanh(V x + v) with g = sigmoid(W x + w).
    case gate
    /// tanh(V x + v).
    case tanh
    /// q + c.
    case sum
  }

  public var normalization: CrossAttentionKernel.Normalization
  /// Factor before the softmax.
  public var sharpness: Double
  public var unit: Unit
  /// Whether what asks next is divided by its length.
  public var normalizesQueries: Bool
  public var steps: Int
  public var instructions = KernelInstructions.best

  public init(
    normalization: CrossAttentionKernel.Normalization, sharpness: Double, unit: Unit, normalizesQueries: Bool,
    steps: Int
  ) {
    self.normalization = normalization
    self.sharpness = sharpness
    self.unit = unit
    self.normalizesQueries = normalizesQueries
    self.steps = steps
  }

  /// Scores of each step of every item that asks and every context, `[steps, n, m]`: the mean cosine of the fragments,
  /// as they were in the beginning, with what they attend to.
  ///
  /// - Parameters:
  ///   - queries: fragments that ask, item after item, `[sum of lengths, d]`, float32 on the cpu.
  ///   - queryLengths: fragments of each item, 1 or more.
  ///   - contexts: fragments that are attended to, `[sum of lengths, d]`.
  ///   - contextLengths: fragments of each item, 1 or more.
  ///   - weight: of the unit, V above W, `[2 d, 2 d]` or `[d, 2 d]`; nil for a sum.
  ///   - bias: v, then w, `[2 d]` or `[d]`.
  /// - Throws: ``TorchError`` for other types, widths that disagree, and lengths that do not fit the rows.
  /// - Complexity: O(fragments · fragments · d) for one step and two; from the third each pair costs O(fragments · d²).
  public func callAsFunction(
    _ queries: Tensor, lengths queryLengths: [Int], _ contexts: Tensor, lengths contextLengths: [Int],
    weight: Tensor?, bias: Tensor?
  ) throws(TorchError) -> Tensor {
    let settings = ct_recurrence(
      norm: normalization.rawValue, softmax: Float(sharpness), unit: unit.rawValue,
      normalises: normalizesQueries, steps: Int64(steps), instructions: instructions.rawValue)
    let (asking, attended) = (queryLengths.map(Int64.init), contextLengths.map(Int64.init))
    var tensors = [try queries.contiguous(), try contexts.contiguous()]
    if let weight, let bias { tensors += [try weight.contiguous(), try bias.contiguous()] }
    return try Tensor(
      Handle.made("recurrent attention", tensors) { handles in
        ct_recurrent_attention(
          handles[0], asking, Int64(asking.count), handles[1], attended, Int64(attended.count),
          handles.count > 2 ? handles[2] : nil, handles.count > 2 ? handles[3] : nil, settings)
      })
  }
}
