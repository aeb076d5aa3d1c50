import Torch

/// SigLIP's network of pictures (Zhai et al., ICCV 2023) with the parameter names of Hugging Face: patches, blocks, and a
/// learned query that attends to what comes out.
public final class SigLIPPictureTower: PictureTower {
  public struct Sizes: Sendable, Codable, Equatable {
    public var blocks: BlockSizes
    public var patchSize: Int
    /// Side of the pictures that the positions are for.
    public var imageSize: Int

    public init(blocks: BlockSizes, patchSize: Int, imageSize: Int) {
      self.blocks = blocks
      self.patchSize = patchSize
      self.imageSize = imageSize
    }
  }

  private let patches: Parameter
  private let patchBias: Parameter
  @Parameter private var positions: Tensor
  @Named private var blocks: TowerBlocks
  @Named private var lastNorm: LayerNorm
  @Named private var head: ProbeHead
  public let sizes: Sizes

  public var width: Int { sizes.blocks.width }
  public var size: Int { width }
  public var depth: Int { sizes.blocks.layers }

  /// A tower whose numbers come from a file.
  public init(_ sizes: Sizes) throws(TorchError) {
    self.sizes = sizes
    let (width, side) = (sizes.blocks.width, sizes.imageSize / max(1, sizes.patchSize))
    let kernel = try Tensor.zeros([width, 3, sizes.patchSize, sizes.patchSize])
    patches = Parameter(wrappedValue: kernel, "embeddings.patch_embedding.weight")
    patchBias = Parameter(
      wrappedValue: try Tensor.zeros([width]), "embeddings.patch_embedding.bias")
    _positions = Parameter(
      wrappedValue: try Tensor.zeros([side * side, width]), "embeddings.position_embedding.weight")
    _blocks = Named(wrappedValue: try TowerBlocks(sizes.blocks, .siglip), "")
    _lastNorm = Named(
      wrappedValue: try LayerNorm(width, epsilon: sizes.blocks.layerNormEps), "post_layernorm")
    _head = Named(wrappedValue: try ProbeHead(sizes.blocks), "head")
  }

  public func pooled(_ pictures: Tensor, _ pass: Pass) throws -> Tensor {
    let maps = try pictures.convolved(
      patches.wrappedValue, bias: patchBias.wrappedValue, stride: sizes.patchSize)
    let cells = try maps.flattened(from: 2).transposed(1, 2)
    guard positions.size(along: 0) == cells.size(along: 1) else {
      throw PublishedModelError.pictureSize(
        pictures.shape, patch: sizes.patchSize, rows: positions.size(along: 0))
    }
    return try head(lastNorm(blocks(cells + positions)))
  }

  public func projected(_ pooled: Tensor) throws -> Tensor { pooled }

  public func distance(of name: String) -> Int { TowerNames.siglip.distance(of: name, depth: depth) }
}

/// A learned query attends to all rows; what it finds goes through two more maps beside a shortcut.
final class ProbeHead: Module {
  @Parameter private var probe: Tensor
  @Named private var attention: TowerAttention
  @Named private var norm: LayerNorm
  @Named private var widen: Linear
  @Named private var narrow: Linear
  private let activation: TowerActivation

  init(_ sizes: BlockSizes) throws(TorchError) {
    probe = try Tensor.zeros([1, 1, sizes.width])
    // PyTorch's own layer, so its maps lie in one tensor.
    _attention = Named(
      wrappedValue: try TowerAttention(width: sizes.width, heads: sizes.heads, .openai), "attention")
    _norm = Named(wrappedValue: try LayerNorm(sizes.width, epsilon: sizes.layerNormEps), "layernorm")
    _widen = Named(wrappedValue: try blankLinear(from: sizes.width, to: sizes.mlpWidth), "mlp.fc1")
    _narrow = Named(wrappedValue: try blankLinear(from: sizes.mlpWidth, to: sizes.width), "mlp.fc2")
    activation = sizes.activation
  }

  /// - Parameter rows: `[n, l, width]`.
  /// - Returns: `[n, width]`.
  func callAsFunction(_ rows: Tensor) throws(TorchError) -> Tensor {
    let query = try probe.expanded(to: [rows.size(along: 0), 1, rows.size(along: 2)])
    let found = try attention(query, rows)
    return try (found + narrow(activation(widen(norm(found))))).squeezed(at: 1)
  }
}

/// SigLIP's network of texts with the parameter names of Hugging Face: every piece sees every other, those of the padding
/// too, and the last place of the row is the text.
public final class SigLIPTextTower: TextTower {
  public struct Sizes: Sendable, Codable, Equatable {
    public var blocks: BlockSizes
    public var contextLength: Int
    public var vocabSize: Int
    /// Width of what comes out.
    public var output: Int

    public init(blocks: BlockSizes, contextLength: Int, vocabSize: Int, output: Int) {
      self.blocks = blocks
      self.contextLength = contextLength
      self.vocabSize = vocabSize
      self.output = output
    }
  }

  private let words: Parameter
  @Parameter private var positions: Tensor
  @Named private var blocks: TowerBlocks
  @Named private var lastNorm: LayerNorm
  private let head: Linear
  public let sizes: Sizes

  public var width: Int { sizes.blocks.width }
  public var size: Int { sizes.output }
  public var contextLength: Int { sizes.contextLength }
  public var vocabulary: Int { sizes.vocabSize }
  public var depth: Int { sizes.blocks.layers }
  public var needsPadding: Bool { true }

  /// A tower whose numbers come from a file.
  public init(_ sizes: Sizes) throws(TorchError) {
    self.sizes = sizes
    let width = sizes.blocks.width
    words = Parameter(
      wrappedValue: try Tensor.zeros([sizes.vocabSize, width]), "embeddings.token_embedding.weight")
    _positions = Parameter(
      wrappedValue: try Tensor.zeros([sizes.contextLength, width]), "embeddings.position_embedding.weight")
    _blocks = Named(wrappedValue: try TowerBlocks(sizes.blocks, .siglip), "")
    _lastNorm = Named(
      wrappedValue: try LayerNorm(width, epsilon: sizes.blocks.layerNormEps), "final_layer_norm")
    head = try blankLinear(from: width, to: sizes.output)
  }

  /// Behind its attention, the last block is computed for the last place alone.
  public func pooled(_ tokens: Tensor, lengths: [Int]) throws -> Tensor {
    try check(tokens)
    let rows =
      try words.wrappedValue.rows(at: tokens.flattened()).reshaped(to: tokens.shape + [width])
      + positions[0..<tokens.size(along: 1)]
    let last = try Tensor(
      Array(repeating: tokens.size(along: 1) - 1, count: tokens.size(along: 0))
    ).to(tokens.device)
    return try lastNorm(blocks(rows, at: .at(last)))
  }

  public func seen(_ tokens: Tensor, lengths: [Int]) throws -> [Int] {
    Array(repeating: tokens.size(along: 1), count: tokens.size(along: 0))
  }

  public func projected(_ pooled: Tensor) throws -> Tensor { try head(pooled) }

  public func distance(of name: String) -> Int { TowerNames.siglip.distance(of: name, depth: depth) }
}
