import Torch

/// A published network of texts, over the numbers of the pieces that its tokenizer gives.
public protocol TextTower: Module {
  /// Width before the projection.
  var width: Int { get }
  /// Width of what comes out.
  var size: Int { get }
  /// Most pieces of a text, marks included.
  var contextLength: Int { get }
  /// How many pieces there are.
  var vocabulary: Int { get }
  /// Whether a text must be padded to ``contextLength``, because what is behind it counts.
  var needsPadding: Bool { get }
  /// Vectors of texts before the projection, `[n, width]`.
  ///
  /// - Parameters:
  ///   - tokens: numbers of pieces, int64 `[n, l]`, in ``vocabulary``.
  ///   - lengths: pieces of each text; the rest is padding.
  func pooled(_ tokens: Tensor, lengths: [Int]) throws -> Tensor
  /// Those vectors in the space that the tower shares with a network of pictures, `[n, size]`.
  func projected(_ pooled: Tensor) throws -> Tensor
  /// How many blocks may be trained one by one from the top.
  var depth: Int { get }
  /// How far a parameter is from the top; see ``PictureTower/distance(of:)``.
  func distance(of name: String) -> Int
  /// How many pieces of each text have an influence, marks included.
  func seen(_ tokens: Tensor, lengths: [Int]) throws -> [Int]
}

extension TextTower {
  /// Vectors of texts without padding, or of those whose end is found in their numbers, `[n, size]`.
  public func callAsFunction(_ tokens: Tensor) throws -> Tensor {
    let lengths = Array(repeating: tokens.size(along: 1), count: tokens.size(along: 0))
    return try projected(pooled(tokens, lengths: lengths))
  }

  /// - Throws: ``PublishedModelError`` for texts that are too long, and for pieces that there are not.
  func check(_ tokens: Tensor) throws {
    let width = tokens.size(along: 1)
    guard width <= contextLength, width > 0 else {
      throw PublishedModelError.contextLength(found: width, most: contextLength)
    }
    guard tokens.count > 0 else { return }
    let (least, most): (Int, Int) = (try tokens.min().item(as: Int.self), try tokens.max().item(as: Int.self))
    guard least >= 0, most < vocabulary else {
      throw PublishedModelError.token(least < 0 ? least : most, vocabulary: vocabulary)
    }
  }
}

/// The text transformer of CLIP with the parameter names of OpenAI's program and open_clip: each piece sees those before
/// it, and one piece is the text.
public final class CLIPTextTower: TextTower {
  /// Which piece is the text.
  public enum Pool: String, Sendable, Codable, CaseIterable {
    /// The one of the largest number, the first of several: the end mark in vocabularies that end with it.
    case argmax
    /// The first end mark; the first piece where there is none.
    case eos
    /// The last of the row.
    case last
  }

  /// The map to the space that is shared with pictures, as files have it.
  public enum Projection: String, Sendable, Codable, CaseIterable {
    case none
    /// `text_projection` `[width, size]`.
    case matrix
    /// `text_projection.weight` `[size, width]`.
    case linear
    /// The same with `text_projection.bias`.
    case affine
  }

  public struct Sizes: Sendable, Codable, Equatable {
    public var blocks: BlockSizes
    public var contextLength: Int
    public var vocabSize: Int
    /// Width of what comes out.
    public var output: Int
    public var projection = Projection.matrix
    public var pool = Pool.argmax
    /// Of ``Pool/eos``.
    public var eosTokenId: Int?
    /// Whether a piece sees those before it alone.
    public var causal = true

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
  private let matrix: Parameter?
  @Named private var map: Linear?
  public let sizes: Sizes

  public var width: Int { sizes.blocks.width }
  public var size: Int { sizes.output }
  public var contextLength: Int { sizes.contextLength }
  public var vocabulary: Int { sizes.vocabSize }
  public var depth: Int { sizes.blocks.layers }
  /// The last piece of a row is found at its end.
  public var needsPadding: Bool { sizes.pool == .last || !sizes.causal }

  /// A tower whose numbers come from a file.
  public init(_ sizes: Sizes) throws(TorchError) {
    self.sizes = sizes
    let width = sizes.blocks.width
    words = Parameter(wrappedValue: try Tensor.zeros([sizes.vocabSize, width]), "token_embedding.weight")
    _positions = Parameter(
      wrappedValue: try Tensor.zeros([sizes.contextLength, width]), "positional_embedding")
    _blocks = Named(wrappedValue: try TowerBlocks(sizes.blocks, .openai), "")
    _lastNorm = Named(
      wrappedValue: try LayerNorm(width, epsilon: sizes.blocks.layerNormEps), "ln_final")
    matrix =
      sizes.projection == .matrix
      ? Parameter(wrappedValue: try Tensor.zeros([width, sizes.output]), "text_projection") : nil
    let isMap = sizes.projection == .linear || sizes.projection == .affine
    _map = Named(
      wrappedValue: isMap
        ? try blankLinear(from: width, to: sizes.output, bias: sizes.projection == .affine) : nil,
      "text_projection")
  }

  private func rows(_ tokens: Tensor) throws -> Tensor {
    try words.wrappedValue.rows(at: tokens.flattened()).reshaped(to: tokens.shape + [width])
      + positions[0..<tokens.size(along: 1)]
  }

  /// Every row behind the last norm, `[n, l, width]`.
  public func hidden(_ tokens: Tensor) throws -> Tensor {
    try check(tokens)
    return try lastNorm(blocks(rows(tokens), isCausal: sizes.causal))
  }

  /// The row that is the text, int64 `[n]`.
  public func places(_ tokens: Tensor) throws -> Tensor {
    switch sizes.pool {
    case .argmax: try tokens.argmax(along: 1)
    case .eos: try (tokens .== Double(sizes.eosTokenId ?? -1)).to(.int64).argmax(along: 1)
    case .last:
      try Tensor(Array(repeating: tokens.size(along: 1) - 1, count: tokens.size(along: 0))).to(tokens.device)
    }
  }

  public func pooled(ofHidden hidden: Tensor, _ tokens: Tensor) throws -> Tensor {
    try WantedRows.at(places(tokens)).taken(of: hidden).squeezed(at: 1)
  }

  public func seen(_ tokens: Tensor, lengths: [Int]) throws -> [Int] {
    guard !needsPadding else {
      return Array(repeating: tokens.size(along: 1), count: tokens.size(along: 0))
    }
    return try places(tokens).values(as: Int.self).map { $0 + 1 }
  }

  /// What stands behind the text has no influence where each piece sees those before it alone, and is not computed; nor
  /// are the other rows of the last block behind its attention.
  public func pooled(_ tokens: Tensor, lengths: [Int]) throws -> Tensor {
    try check(tokens)
    let places = try places(tokens)
    var tokens = tokens
    if sizes.causal, tokens.count > 0 {
      let last = try places.max().item(as: Int.self)
      tokens = try tokens.narrowed(to: 0..<last + 1, along: 1)
    }
    return try lastNorm(blocks(rows(tokens), at: .at(places), isCausal: sizes.causal))
  }

  public func projected(_ pooled: Tensor) throws -> Tensor {
    if let map { return try map(pooled) }
    return try matrix.map { try pooled.matmul($0.wrappedValue) } ?? pooled
  }

  public func distance(of name: String) -> Int { TowerNames.openai.distance(of: name, depth: depth) }
}
