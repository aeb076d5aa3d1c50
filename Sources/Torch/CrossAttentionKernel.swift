import CTorch

/// Scores of sets of fragments against sequences of fragments by stacked cross attention, as one fused computation
/// on the cpu in float32.
///
/// Exact: products of all fragments, softmax, cosines and pooling in one pass over blocks that stay in the cache,
/// without a vector for what is attended to except where fragments cancel in it. It uses as many threads as
/// ``Runtime/threads`` says; their number and the company of other items change no score. Its gradient keeps one number
/// for each pair of fragments, or computes them again where that would take more than 512 MB.
public struct CrossAttentionKernel: Sendable {
  /// How similarities are normalized over the fragments that ask, before the softmax over those that are attended to.
  public enum Normalization: Int32, Sendable {
    case clippedL2, l2, clippedL1, l1, softmax, clipped, none
  }

  /// How the cosines of the fragments that ask become one score.
  public enum Pooling: Int32, Sendable {
    case logSumExp, mean, max, sum
  }

  /// Whether the second side's fragments attend to the first's; else the other way.
  public var secondAsks: Bool
  public var normalization: Normalization
  public var pooling: Pooling
  /// Factor before the softmax.
  public var sharpness: Double
  /// Factor of ``Pooling/logSumExp``.
  public var poolingSharpness: Double
  public var instructions = KernelInstructions.best

  public init(
    secondAsks: Bool, normalization: Normalization, pooling: Pooling, sharpness: Double,
    poolingSharpness: Double = 1
  ) {
    self.secondAsks = secondAsks
    self.normalization = normalization
    self.pooling = pooling
    self.sharpness = sharpness
    self.poolingSharpness = poolingSharpness
  }

  /// Scores of every item of the first side against every item of the second, `[n, m]`.
  ///
  /// - Parameters:
  ///   - first: fragments of the first side, item after item, `[sum of lengths, d]`, float32 on the cpu.
  ///   - firstLengths: fragments of each item, 1 or more.
  ///   - second: fragments of the second side, `[sum of lengths, d]`.
  ///   - secondLengths: fragments of each item, 1 or more.
  /// - Throws: ``TorchError`` for other types, widths that disagree, and lengths that do not fit the rows.
  /// - Complexity: O(fragments · fragments · d) time; a few MB a thread beside the scores.
  public func callAsFunction(
    _ first: Tensor, lengths firstLengths: [Int], _ second: Tensor, lengths secondLengths: [Int]
  ) throws(TorchError) -> Tensor {
    let settings = ct_attention(
      words_ask: secondAsks, norm: normalization.rawValue, pool: pooling.rawValue, softmax: Float(sharpness),
      lse: Float(poolingSharpness), instructions: instructions.rawValue)
    let (sizes, others) = (firstLengths.map(Int64.init), secondLengths.map(Int64.init))
    return try Tensor(
      Handle.made("cross attention", [first, second]) { handles in
        ct_cross_attention(
          handles[0], sizes, Int64(sizes.count), handles[1], others, Int64(others.count), settings)
      })
  }

  /// The instruction set in use here, such as `AVX-512`.
  public static var instructionSet: String { String(cString: ct_attention_instructions()) }
}
