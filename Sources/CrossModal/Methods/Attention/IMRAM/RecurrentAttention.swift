import Torch

/// Scores of images and captions by recurrent attention memory (Chen et al., CVPR 2020, section 3): the fragments of one
/// side attend to those of the other, change by what they attended to, and attend again.
///
/// A step's score is the mean cosine of the fragments, as they were in the beginning, with what they attend to now. One
/// step is ``CrossAttention``. Padding is not part of anything.
public struct RecurrentAttention: Sendable, Equatable {
  /// Who attends, how similarities are normalized, how sharp attention is; relevances become a score by their mean.
  public var attention: CrossAttention {
    didSet { attention.aggregation = .mean }
  }
  /// How often fragments attend, 1 or more.
  public var steps: Int
  /// Whether fragments are divided by their length after they changed.
  public var normalizesMemory: Bool

  public init(_ attention: CrossAttention, steps: Int = 3, normalizesMemory: Bool = true) {
    self.attention = attention
    self.attention.aggregation = .mean
    self.steps = steps
    self.normalizesMemory = normalizesMemory
  }

  /// Scores of every image against every caption at each step, `[steps, n, m]`, without a gradient.
  ///
  /// float32 on the cpu goes through ``RecurrentAttentionKernel``, anything else through libtorch's operators.
  /// - Parameters:
  ///   - images: fragments with lengths, `[n, r, d]` or packed.
  ///   - captions: likewise.
  ///   - memory: of what attends.
  /// - Throws: ``TorchError`` when widths disagree or an item has no fragments.
  public func scores(_ images: Features, _ captions: Features, _ memory: MemoryWeights) throws -> Tensor {
    try withoutGradient {
      guard steps > 1 else { return try attention.scores(images, captions).unsqueezed(at: 0) }
      let (queries, contexts) = try sides(images, captions)
      let (asking, attended) = (queries.values, contexts.values)
      let found: Tensor
      if asking.dtype == .float32, attended.dtype == .float32, asking.device == .cpu, attended.device == .cpu
      {
        found = try kernel(of: memory.kind)(
          asking, lengths: queries.lengths ?? [], attended, lengths: contexts.lengths ?? [],
          weight: memory.weight, bias: memory.bias)
      } else {
        found = try scoresByOperators(queries, contexts, memory)
      }
      return attention.direction == .t2i ? try found.transposed(1, 2) : found
    }
  }

  /// What asks and what is attended to, without padding.
  func sides(_ images: Features, _ captions: Features) throws -> (queries: Features, contexts: Features) {
    let (images, captions) = (try images.packed(), try captions.packed())
    guard images.lengths != nil, captions.lengths != nil else {
      throw TorchError(
        operation: "recurrent attention", shapes: [images.values.shape, captions.values.shape],
        message: "expected fragments with lengths")
    }
    return attention.direction == .t2i ? (captions, images) : (images, captions)
  }

  /// The fused computation of these settings.
  func kernel(of unit: MemoryUnit.Kind) -> RecurrentAttentionKernel {
    RecurrentAttentionKernel(
      normalization: attention.normalization.kernel, sharpness: attention.lambdaSoftmax, unit: unit.kernel,
      normalizesQueries: normalizesMemory, steps: steps)
  }
}

extension MemoryUnit.Kind {
  fileprivate var kernel: RecurrentAttentionKernel.Unit {
    switch self {
    case .gate: .gate
    case .mlp: .tanh
    case .add: .sum
    }
  }
}
