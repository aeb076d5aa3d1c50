import Torch

/// A published network of pictures, for pictures of one size whose numbers are normalized as its file says.
public protocol PictureTower: Module {
  /// Width before the projection.
  var width: Int { get }
  /// Width of what comes out.
  var size: Int { get }
  /// Vectors of pictures `[n, 3, height, width]` before the projection, `[n, width]`.
  func pooled(_ pictures: Tensor, _ pass: Pass) throws -> Tensor
  /// Those vectors in the space that the tower shares with a network of texts, `[n, size]`.
  func projected(_ pooled: Tensor) throws -> Tensor
  /// How many blocks may be trained one by one from the top.
  var depth: Int { get }
  /// How far a parameter is from the top: 0 for the last block and what follows it, ``depth`` for what comes before the
  /// first.
  ///
  /// - Parameter name: within the tower.
  func distance(of name: String) -> Int
}

extension PictureTower {
  /// Vectors of pictures, `[n, size]`.
  public func callAsFunction(_ pictures: Tensor, _ pass: Pass = .evaluation) throws -> Tensor {
    try projected(pooled(pictures, pass))
  }
}

/// The vision transformer of CLIP (Radford et al., ICML 2021; Dosovitskiy et al., ICLR 2021) with the parameter names of
/// OpenAI's program and open_clip: patches, a row in front for the whole, blocks, one row out.
public final class VisionTransformer: PictureTower {
  /// Sizes and what the file's configuration says beside them.
  public struct Sizes: Sendable, Codable, Equatable {
    public var blocks: BlockSizes
    public var patchSize: Int
    /// Side of the pictures that the positions are for.
    public var imageSize: Int
    /// Width of what comes out; nil for no projection.
    public var output: Int?
    /// Whether rows are normalized before the first block.
    public var hasFirstNorm = true
    public var pool = Pool.tok
    /// Whether the last norm acts on the pooled row rather than on all.
    public var finalLnAfterPool = false

    public init(blocks: BlockSizes, patchSize: Int, imageSize: Int, output: Int?) {
      self.blocks = blocks
      self.patchSize = patchSize
      self.imageSize = imageSize
      self.output = output
    }
  }

  /// What becomes of the rows.
  public enum Pool: String, Sendable, Codable, CaseIterable {
    /// The row in front.
    case tok
    /// The mean of the others.
    case avg
  }

  @Parameter private var classEmbedding: Tensor
  @Parameter private var positions: Tensor
  private let projection: Parameter?
  private let patches: Parameter
  @Named private var firstNorm: LayerNorm?
  @Named private var blocks: TowerBlocks
  @Named private var lastNorm: LayerNorm
  public let sizes: Sizes

  public var width: Int { sizes.blocks.width }
  public var size: Int { sizes.output ?? width }
  public var depth: Int { sizes.blocks.layers }

  /// A tower whose numbers come from a file.
  public init(_ sizes: Sizes) throws(TorchError) {
    self.sizes = sizes
    let (width, side) = (sizes.blocks.width, sizes.imageSize / max(1, sizes.patchSize))
    let norm = { () throws(TorchError) in try LayerNorm(width, epsilon: sizes.blocks.layerNormEps) }
    _classEmbedding = Parameter(wrappedValue: try Tensor.zeros([width]), "class_embedding")
    _positions = Parameter(
      wrappedValue: try Tensor.zeros([1 + side * side, width]), "positional_embedding")
    projection = try sizes.output.map { output throws(TorchError) in
      Parameter(wrappedValue: try Tensor.zeros([width, output]), "proj")
    }
    let kernel = try Tensor.zeros([width, 3, sizes.patchSize, sizes.patchSize])
    patches = Parameter(wrappedValue: kernel, "conv1.weight")
    _firstNorm = Named(wrappedValue: sizes.hasFirstNorm ? try norm() : nil, "ln_pre")
    _blocks = Named(wrappedValue: try TowerBlocks(sizes.blocks, .openai), "")
    _lastNorm = Named(wrappedValue: try norm(), "ln_post")
  }

  /// The rows before the first block: the one for the whole, then the patches row by row.
  private func rows(_ pictures: Tensor) throws -> Tensor {
    let maps = try pictures.convolved(patches.wrappedValue, stride: sizes.patchSize)
    let cells = try maps.flattened(from: 2).transposed(1, 2)
    let first = try classEmbedding.to(cells.dtype).reshaped(1, 1, width)
      .expanded(to: [cells.size(along: 0), 1, width])
    let rows = try Tensor.concatenated([first, cells], along: 1)
    guard positions.size(along: 0) == rows.size(along: 1) else {
      throw PublishedModelError.pictureSize(
        pictures.shape, patch: sizes.patchSize, rows: positions.size(along: 0) - 1)
    }
    let placed = try rows + positions
    return try firstNorm.map { try $0(placed) } ?? placed
  }

  /// Every row behind the last block, before the last norm: `[n, 1 + patches, width]`.
  public func hidden(_ pictures: Tensor) throws -> Tensor { try blocks(rows(pictures)) }

  /// What becomes of ``hidden(_:)``, `[n, width]`.
  public func pooled(ofHidden hidden: Tensor) throws -> Tensor {
    guard sizes.pool == .avg else {
      return try lastNorm(hidden.narrowed(to: 0..<1, along: 1).squeezed(at: 1))
    }
    let cells = try hidden.narrowed(to: 1..<hidden.size(along: 1), along: 1)
    return try sizes.finalLnAfterPool ? lastNorm(cells.mean(along: 1)) : lastNorm(cells).mean(along: 1)
  }

  /// Behind its attention, the last block is computed for the row in front alone, where no other is wanted.
  public func pooled(_ pictures: Tensor, _ pass: Pass) throws -> Tensor {
    guard sizes.pool == .tok else { return try pooled(ofHidden: hidden(pictures)) }
    return try lastNorm(blocks(rows(pictures), at: .first))
  }

  public func projected(_ pooled: Tensor) throws -> Tensor {
    try projection.map { try pooled.matmul($0.wrappedValue) } ?? pooled
  }

  public func distance(of name: String) -> Int { TowerNames.openai.distance(of: name, depth: depth) }
}

extension TowerNames {
  /// How far a parameter is from the top of `depth` blocks.
  func distance(of name: String, depth: Int) -> Int {
    if name.hasPrefix(blocks + "."), let number = Int(name.dropFirst(blocks.count + 1).prefix { $0 != "." }) {
      return depth - 1 - number
    }
    let first = [
      "class_embedding", "positional_embedding", "conv1", "ln_pre", "token_embedding", "embeddings",
    ]
    return first.contains { name == $0 || name.hasPrefix($0 + ".") } ? depth : 0
  }
}
