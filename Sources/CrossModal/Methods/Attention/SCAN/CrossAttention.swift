import Torch

/// Stacked cross attention between the fragments of two items (Lee et al., ECCV 2018, eq. 1-9): each fragment of one
/// side attends to the other side's, is compared with the mean it attended to, and the comparisons are pooled.
///
/// With S the inner products of contexts and queries, a = softmax over the contexts of λ N(S), where N normalizes over
/// the queries. Each query's relevance is its cosine with Σ a·context. Nothing but S and the contexts' inner products
/// is needed: the numerator is Σ a S, the length of the attended vector √(aᵀ G a). Exact, not an approximation: where
/// contexts cancel, so that rounding would show in that length, the attended vector is formed.
///
/// Differs from the paper in what the authors' program does: a leaky slope of 0.1 in place of clipping at 0, and the
/// norm over the queries. Padding is not part of anything.
public struct CrossAttention: Sendable, Equatable {
  /// Who attends.
  public enum Direction: String, Sendable, Codable, CaseIterable {
    /// Words attend to regions.
    case t2i
    /// Regions attend to words.
    case i2t
  }

  /// How similarities are normalized over the queries; names of the authors' program.
  public enum Normalization: String, Sendable, Codable, CaseIterable {
    case softmax
    case l2norm
    case clippedL2norm = "clipped_l2norm"
    case l1norm
    case clippedL1norm = "clipped_l1norm"
    case clipped
    case none = "no_norm"

    var kernel: CrossAttentionKernel.Normalization {
      switch self {
      case .softmax: .softmax
      case .l2norm: .l2
      case .clippedL2norm: .clippedL2
      case .l1norm: .l1
      case .clippedL1norm: .clippedL1
      case .clipped: .clipped
      case .none: .none
      }
    }
  }

  /// How the relevances of the queries become one score; names of the authors' program.
  public enum Aggregation: String, Sendable, Codable, CaseIterable {
    case logSumExp = "LogSumExp"
    case mean = "Mean"
    case max = "Max"
    case sum = "Sum"

    var kernel: CrossAttentionKernel.Pooling {
      switch self {
      case .logSumExp: .logSumExp
      case .mean: .mean
      case .max: .max
      case .sum: .sum
      }
    }
  }

  public var direction = Direction.t2i
  public var normalization = Normalization.clippedL2norm
  public var aggregation = Aggregation.logSumExp
  /// λ1: how sharply queries attend.
  public var lambdaSoftmax = 9.0
  /// λ2 of ``Aggregation/logSumExp``.
  public var lambdaLSE = 6.0

  public init() {}

  /// Scores of every image against every caption, `[n, m]`.
  ///
  /// float32 on the cpu goes through ``CrossAttentionKernel``, anything else through libtorch's operators. Both have
  /// gradients.
  /// - Parameters:
  ///   - images: fragments with lengths, `[n, r, d]` or packed.
  ///   - captions: likewise.
  /// - Throws: ``TorchError`` when widths disagree or an item has no fragments.
  public func scores(_ images: Features, _ captions: Features) throws -> Tensor {
    let (images, captions) = (try images.packed(), try captions.packed())
    let (regions, words) = (images.values, captions.values)
    guard let imageLengths = images.lengths, let captionLengths = captions.lengths else {
      throw TorchError(
        operation: "cross attention", shapes: [regions.shape, words.shape],
        message: "expected fragments with lengths")
    }
    if regions.dtype == .float32, words.dtype == .float32, regions.device == .cpu, words.device == .cpu {
      return try kernel(regions, lengths: imageLengths, words, lengths: captionLengths)
    }
    return try scoresByOperators(images, captions)
  }

  /// The fused computation of these settings.
  var kernel: CrossAttentionKernel {
    CrossAttentionKernel(
      secondAsks: direction == .t2i, normalization: normalization.kernel, pooling: aggregation.kernel,
      sharpness: lambdaSoftmax, poolingSharpness: lambdaLSE)
  }

  /// What one image and one caption attend to, for showing it.
  ///
  /// - Parameters:
  ///   - image: `[regions, d]`.
  ///   - caption: `[words, d]`.
  /// - Returns: weights `[contexts, queries]`, each column a distribution; what each query attended to
  ///   `[queries, d]`; relevance of each query `[queries]`.
  public func attention(
    image: Tensor, caption: Tensor
  ) throws(TorchError) -> (weights: Tensor, attended: Tensor, relevance: Tensor) {
    let queries = direction == .t2i ? caption : image
    let contexts = direction == .t2i ? image : caption
    let products = try contexts.matmul(queries.transposed())
    let weights = try (normalized(products, along: 1) * lambdaSoftmax).softmax(along: 0)
    let attended = try weights.transposed().matmul(contexts)
    let lengths = try queries.norm(along: 1) * attended.norm(along: 1)
    return (weights, attended, try (queries * attended).sum(along: 1) / lengths.clamped(from: 1e-8))
  }

  /// N(S), with the queries along a dimension.
  ///
  /// - Parameter least: what lengths are at least, as DIME's program has it, in place of what SCAN's adds to them.
  func normalized(
    _ products: Tensor, along dimension: Int, least: Double? = nil
  ) throws(TorchError) -> Tensor {
    switch normalization {
    case .none: return products
    case .clipped: return try products.leakyReLU(slope: 0.1)
    case .softmax: return try products.softmax(along: dimension)
    case .l2norm, .clippedL2norm:
      let t = normalization == .l2norm ? products : try products.leakyReLU(slope: 0.1)
      let length = try t.norm(along: dimension, keepingDimension: true)
      guard let least else { return try t / (length + 1e-8) }
      return try t / length.clamped(from: least)
    case .l1norm, .clippedL1norm:
      let t = normalization == .l1norm ? products : try products.leakyReLU(slope: 0.1)
      return try t / (t.magnitude().sum(along: dimension, keepingDimension: true) + 1e-8)
    }
  }

  /// Relevances along the last dimension as one score.
  func aggregated(_ relevance: Tensor) throws(TorchError) -> Tensor {
    switch aggregation {
    case .logSumExp: try (relevance * lambdaLSE).logSumExp(along: -1) / lambdaLSE
    case .mean: try relevance.mean(along: -1)
    case .max: try relevance.maximum(along: -1).values
    case .sum: try relevance.sum(along: -1)
    }
  }
}
