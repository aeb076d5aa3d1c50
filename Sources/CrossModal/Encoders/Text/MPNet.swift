import Foundation
import Torch

/// MPNet (Song, Tan, Qin, Lu & Liu, NeurIPS 2020): a BERT whose attention also sees how far pieces are apart, with the
/// parameter names of Hugging Face's `MPNetModel`.
///
/// Sizes are those of a ``BERT/Configuration``; there are no sentence types, and the first two places belong to the padding.
public final class MPNet: Module {
  public let configuration: BERT.Configuration
  let embeddings: MPNetEmbeddings
  let encoder: MPNetLayers

  /// - Throws: ``ConfigurationError`` for sizes that do not go together.
  public init(
    _ configuration: BERT.Configuration, _ dtype: DataType = .float32, using generator: Generator
  ) throws {
    try configuration.validate()
    self.configuration = configuration
    embeddings = try MPNetEmbeddings(configuration, dtype, using: generator)
    encoder = try MPNetLayers(configuration, dtype, using: generator)
  }

  /// Numbers of the padding, which has a place of its own, and of the places in front of the first piece.
  static let reservedPlaces = 2

  /// The last layer's state of every piece, `[n, l, hidden]`.
  ///
  /// - Parameters:
  ///   - tokens: numbers of pieces, int64 `[n, l]`.
  ///   - mask: 1 where a piece may be looked at, 0 where it is padding, `[n, l]`.
  /// - Throws: ``TextEncoderError`` for texts that are too long.
  public func states(_ tokens: Tensor, mask: Tensor, _ pass: Pass = .evaluation) throws -> Tensor {
    let most = configuration.maxPositionEmbeddings - Self.reservedPlaces
    let width = tokens.size(along: 1)
    guard width <= most else { throw TextEncoderError.tooLong(width: width, limit: most) }
    var states = try embeddings(tokens, pass)
    let hidden = try (1 - mask.to(states.dtype)).unsqueezed(at: 1).unsqueezed(at: 1) * -10000
    let scores = try hidden + encoder.distances(width, on: tokens.device).unsqueezed(at: 0)
    for layer in encoder.layer { states = try layer(states, scores, pass) }
    return states
  }
}

/// Vectors of pieces and places, added up and normalized.
final class MPNetEmbeddings: Module {
  @Named var words: Embedding
  @Named var places: Embedding
  @Named var norm: LayerNorm
  private let padding: Int
  private let dropout: Double

  init(
    _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    func table(_ count: Int, padding: Int? = nil) throws(TorchError) -> Embedding {
      try Embedding(count: count, size: sizes.hiddenSize, padding: padding, dtype, using: generator)
    }
    _words = Named(
      wrappedValue: try table(sizes.vocabSize, padding: sizes.padTokenId), "word_embeddings")
    _places = Named(wrappedValue: try table(sizes.maxPositionEmbeddings, padding: 1), "position_embeddings")
    _norm = Named(
      wrappedValue: try LayerNorm(sizes.hiddenSize, epsilon: sizes.layerNormEps, dtype), "LayerNorm")
    padding = sizes.padTokenId
    dropout = sizes.hiddenDropoutProb
  }

  func callAsFunction(_ tokens: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    // Places are counted over the pieces that are no padding, from 2; padding has place 1.
    let isPiece = try (tokens .!= Double(padding)).to(.int64)
    let place = try (isPiece.cumulativeSum(along: 1) * isPiece + 1).to(.int64)
    return try norm(words(tokens) + places(place)).dropped(dropout, pass)
  }
}

/// The layers of an MPNet, under the names `layer.0`, `layer.1`, …, and what distances add to scores.
final class MPNetLayers: Module {
  let layer: [MPNetLayer]
  @Named var bias: Embedding

  private static let buckets = 32

  init(
    _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    var layers: [MPNetLayer] = []
    for _ in 0..<sizes.numHiddenLayers { layers.append(try MPNetLayer(sizes, dtype, using: generator)) }
    layer = layers
    _bias = Named(
      wrappedValue: try Embedding(
        count: Self.buckets, size: sizes.numAttentionHeads, dtype, using: generator),
      "relative_attention_bias")
  }

  /// What is added to the scores of each head between pieces of a text of `width`, `[heads, width, width]`.
  func distances(_ width: Int, on device: Device) throws(TorchError) -> Tensor {
    let buckets = (0..<width).flatMap { from in (0..<width).map { Self.bucket($0 - from) } }
    return try bias(Tensor(buckets).reshaped(to: [width, width]).to(device)).permuted(2, 0, 1)
  }

  /// Distances of 8 and more share buckets, the farther the more of them (Raffel et al., JMLR 2020).
  static func bucket(_ distance: Int) -> Int {
    let size = abs(distance)
    let half = size < 8 ? size : 8 + starts.dropFirst().count { size >= $0 }
    return (distance > 0 ? buckets / 2 : 0) + half
  }

  /// Where each of the shared buckets begins.
  private static let starts = [8, 12, 16, 23, 32, 46, 64, 91]
}

/// Attention within the text, then two maps, each added to what went in and normalized.
final class MPNetLayer: Module {
  let attention: MPNetAttention
  @Named var widen: BERTDense
  @Named var narrow: BERTAdding
  private let activation: BERT.Configuration.Activation

  init(
    _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    attention = try MPNetAttention(sizes, dtype, using: generator)
    _widen = Named(
      wrappedValue: try BERTDense(
        from: sizes.hiddenSize, to: sizes.intermediateSize, dtype, using: generator),
      "intermediate")
    _narrow = Named(
      wrappedValue: try BERTAdding(from: sizes.intermediateSize, sizes, dtype, using: generator), "output")
    activation = sizes.hiddenAct
  }

  func callAsFunction(_ x: Tensor, _ added: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    let attended = try attention(x, added, pass)
    return try narrow(activation(widen.dense(attended)), addedTo: attended, pass)
  }
}

/// Attention with several heads, its map, and the norm behind it.
final class MPNetAttention: Module {
  let attn: MPNetSelfAttention
  @Named var norm: LayerNorm
  private let dropout: Double

  init(
    _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    attn = try MPNetSelfAttention(sizes, dtype, using: generator)
    _norm = Named(
      wrappedValue: try LayerNorm(sizes.hiddenSize, epsilon: sizes.layerNormEps, dtype), "LayerNorm")
    dropout = sizes.hiddenDropoutProb
  }

  func callAsFunction(_ x: Tensor, _ added: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try norm(attn(x, added, pass).dropped(dropout, pass) + x)
  }
}

/// The four maps of an attention.
final class MPNetSelfAttention: Module {
  let q: Linear
  let k: Linear
  let v: Linear
  let o: Linear
  private let heads: Int
  private let dropout: Double

  init(
    _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    func map() throws(TorchError) -> Linear {
      try Linear(from: sizes.hiddenSize, to: sizes.hiddenSize, dtype, using: generator)
    }
    (q, k, v, o) = (try map(), try map(), try map(), try map())
    heads = sizes.numAttentionHeads
    dropout = sizes.attentionProbsDropoutProb
  }

  func callAsFunction(_ x: Tensor, _ added: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try o(BERTSelfAttention.attended(q(x), k(x), v(x), heads: heads, adding: added, dropout, pass))
  }
}
