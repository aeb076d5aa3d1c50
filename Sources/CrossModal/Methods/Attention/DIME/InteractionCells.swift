import Torch

/// What the local features of items are related with: items of the other modality, as its encoder gives them.
struct InteractionPartners {
  /// A vector an item, `[n, d]`.
  var global: Tensor
  /// Fragments, `[n, c, d]`.
  var contexts: Tensor
  /// True where a fragment is no padding, `[n, c]`; nil where none is.
  var counts: Tensor?

  /// Items of the given numbers, int64 `[p]`.
  func rows(at places: Tensor) throws(TorchError) -> InteractionPartners {
    try mapped { rows throws(TorchError) in try rows.rows(at: places) }
  }

  /// The same with some of the rows, or all of them.
  func mapped(_ some: (Tensor) throws(TorchError) -> Tensor) throws(TorchError) -> InteractionPartners {
    InteractionPartners(
      global: try some(global), contexts: try some(contexts),
      counts: try counts.map { counts throws(TorchError) in try some(counts) })
  }
}

/// How much of a cell's output each output of its layer gets: the gates of a cell (Qu et al., SIGIR 2021, section 3.4),
/// from 0, which may be met exactly, to below 1.
final class InteractionRouter: Module {
  let mlp: Sequential

  init(_ size: Int, hidden: Int, outputs: Int, using generator: Generator) throws {
    let last = try Linear(from: hidden, to: outputs, using: generator)
    mlp = Sequential([
      try Linear(from: size, to: hidden, using: generator), Activation(.relu),
      // Nearly open in the beginning.
      Linear(weight: try last.weight.detached(), bias: try Tensor.full([outputs], 1.5)),
    ])
  }

  /// - Parameter locals: what the cell gets, `[n, l, d]`.
  /// - Returns: `[n, outputs]`.
  func callAsFunction(_ locals: Tensor) throws(TorchError) -> Tensor {
    try self(ofMean: locals.mean(along: -2))
  }

  /// - Parameter mean: of what the cell gets, over the local features, `[n, d]`.
  func callAsFunction(ofMean mean: Tensor) throws(TorchError) -> Tensor {
    try mlp(mean, .evaluation).tanh().relu()
  }
}

/// Rectified identity: what it gets, without what is below 0.
final class RectifiedIdentityCell: Module {
  let router: InteractionRouter

  init(_ sizes: DynamicInteraction.Sizes, outputs: Int, using generator: Generator) throws {
    router = try sizes.router(outputs: outputs, using: generator)
  }

  func callAsFunction(_ locals: Tensor) throws(TorchError) -> Tensor { try locals.relu() }
}

/// Guidance of local features by the other item's vector.
///
/// With f a map of the features, the paper divides f ⊙ g by its length over the features, for each channel by itself. As
/// g does not differ among the features, nothing of it is left but the signs of its channels: they are what is taken.
final class GlobalLocalGuidanceCell: Module {
  let router: InteractionRouter
  @Named private var map: Linear
  /// In the authors' checkpoints, and never used.
  @Named private var unused: Linear

  init(_ sizes: DynamicInteraction.Sizes, outputs: Int, using generator: Generator) throws {
    router = try sizes.router(outputs: outputs, using: generator)
    _map = Named(wrappedValue: try sizes.square(using: generator), "fc_1")
    _unused = Named(wrappedValue: try sizes.square(using: generator), "fc_2")
  }

  /// What does not depend on the other item, `[n, l, d]`.
  func directions(_ locals: Tensor) throws(TorchError) -> Tensor {
    try map.fused(locals).normalized(along: -2)
  }

  /// - Parameters:
  ///   - directions: of the local features.
  ///   - global: of the item beside each, `[n, d]`.
  func callAsFunction(
    _ locals: Tensor, _ directions: Tensor, _ global: Tensor
  ) throws(TorchError) -> Tensor {
    try (directions * global.detached().sign().unsqueezed(at: 1) + 1) * locals
  }
}

/// Reasoning within one modality: attention with several heads among the local features, then two maps of each.
final class IntraModalReasoningCell: Module {
  let router: InteractionRouter
  @Named private var attention: SelfAttentionMaps
  @Named private var widen: Linear
  @Named private var narrow: Linear

  init(_ sizes: DynamicInteraction.Sizes, outputs: Int, using generator: Generator) throws {
    router = try sizes.router(outputs: outputs, using: generator)
    _attention = Named(
      wrappedValue: try SelfAttentionMaps(sizes.size, heads: sizes.heads, using: generator), "sa.att_layer")
    _widen = Named(
      wrappedValue: try Linear(from: sizes.size, to: sizes.reasoningHidden, using: generator),
      "sa.feed_forward_layer.fc1")
    _narrow = Named(
      wrappedValue: try Linear(from: sizes.reasoningHidden, to: sizes.size, using: generator),
      "sa.feed_forward_layer.fc2")
  }

  func callAsFunction(_ locals: Tensor) throws(TorchError) -> Tensor {
    let attended = try locals + attention(locals)
    return try narrow.fused(widen.fused(attended, rectifies: true), adding: attended)
  }
}

/// softmax(q kᵀ / √(size of a head)) v among the local features of an item, for each head a slice of the width; no map
/// behind it.
final class SelfAttentionMaps: Module {
  /// Of queries, keys and values.
  let linears: [Linear]
  private let heads: Int

  init(_ size: Int, heads: Int, using generator: Generator) throws {
    linears = try (0..<3).map { _ in try Linear(from: size, to: size, using: generator) }
    self.heads = heads
  }

  /// - Parameter x: `[n, l, d]`.
  func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
    let (n, l, d) = (x.size(along: 0), x.size(along: 1), x.size(along: 2))
    func split(_ map: Linear) throws(TorchError) -> Tensor {
      try map.fused(x).reshaped(n, l, heads, d / heads).transposed(1, 2)
    }
    let queries = try split(linears[0]) / Double(d / heads).squareRoot()
    let weights = try queries.matmul(split(linears[1]).transposed(-2, -1)).softmax(along: -1)
    return try weights.matmul(split(linears[2])).transposed(1, 2).reshaped(n, l, d)
  }
}

/// Refinement of local features by the fragments of the other item that they attend to, as in ``CrossAttention``.
///
/// What is attended to, a mean of fragments c, only goes through two maps, so the fragments go through them, once for all
/// who attend to them, and the mean is of what comes out.
final class CrossModalRefinementCell: Module {
  let router: InteractionRouter
  @Named private var scale: Linear
  @Named private var shift: Linear
  @Named private var first: Linear
  @Named private var second: Linear
  private let attention: CrossAttention

  init(_ sizes: DynamicInteraction.Sizes, outputs: Int, using generator: Generator) throws {
    router = try sizes.router(outputs: outputs, using: generator)
    _scale = Named(wrappedValue: try sizes.square(using: generator), "refine.fc_scale")
    _shift = Named(wrappedValue: try sizes.square(using: generator), "refine.fc_shift")
    _first = Named(wrappedValue: try sizes.square(using: generator), "refine.fc_1")
    _second = Named(wrappedValue: try sizes.square(using: generator), "refine.fc_2")
    attention = sizes.attention
  }

  /// Fragments through both maps, side by side, `[n, c, 2 d]`.
  func maps(_ contexts: Tensor) throws(TorchError) -> Tensor {
    try Tensor.concatenated([scale(contexts), shift(contexts)], along: -1)
  }

  /// How much each local feature attends to each fragment of the item beside it, `[n, l, c]`.
  func weights(_ locals: Tensor, _ partners: InteractionPartners) throws(TorchError) -> Tensor {
    let products = try locals.matmul(partners.contexts.transposed(1, 2))
    var scores = try attention.normalized(products, along: 1, least: 1e-12) * attention.lambdaSoftmax
    if let counts = partners.counts {
      scores = try scores.masked(with: counts.not().unsqueezed(at: 1), fill: -.infinity)
    }
    return try scores.softmax(along: 2)
  }

  /// - Parameters:
  ///   - partners: the item beside each, `[n, …]`.
  ///   - maps: ``maps(_:)`` of their fragments.
  func callAsFunction(
    _ locals: Tensor, _ partners: InteractionPartners, _ maps: Tensor
  ) throws(TorchError) -> Tensor {
    let width = locals.size(along: 2)
    let attended = try weights(locals, partners).matmul(maps)
    let factor = try attended.narrowed(to: 0..<width, along: 2).tanh()
    let term = try attended.narrowed(to: width..<2 * width, along: 2)
    return try second.fused(first.fused(locals * factor + term, rectifies: true), adding: locals)
  }
}
