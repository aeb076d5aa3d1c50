import Foundation
import Torch

/// Bidirectional encoder representations from transformers (Devlin, Chang, Lee & Toutanova, NAACL 2019), with the
/// parameter names of Hugging Face's `BertModel`, so that converted weights load.
public final class BERT: Module {
  public let configuration: Configuration
  let embeddings: BERTEmbeddings
  let encoder: BERTLayers
  let pooler: BERTPooler

  /// First weights as Hugging Face draws them: maps and vectors normal of deviation `initializer_range`, biases 0.
  ///
  /// - Throws: ``ConfigurationError`` for sizes that do not go together.
  public init(_ configuration: Configuration, _ dtype: DataType = .float32, using generator: Generator) throws
  {
    try configuration.validate()
    self.configuration = configuration
    embeddings = try BERTEmbeddings(configuration, dtype, using: generator)
    encoder = try BERTLayers(configuration, dtype, using: generator)
    pooler = try BERTPooler(configuration, dtype, using: generator)
    try reset(using: generator)
  }

  /// Draws all parameters anew.
  public func reset(using generator: Generator) throws {
    for entry in parameters {
      let old = entry.tensor
      let new: Tensor
      if entry.name.hasSuffix("LayerNorm.weight") {
        new = try Tensor.ones(old.shape)
      } else if entry.name.hasSuffix("bias") {
        new = try Tensor.zeros(old.shape)
      } else {
        new = try Initializer.normal(deviation: configuration.initializerRange)(old.shape, using: generator)
      }
      entry.tensor = try new.to(old.dtype).to(old.device)
    }
    let table = try embeddings.words.weight.detached()
    let zero = try Tensor.zeros([1, configuration.hiddenSize], table.dtype, on: table.device)
    embeddings.words.weight = try table.replacing(
      Tensor([configuration.padTokenId]).to(table.device), with: zero)
  }

  /// What comes out: the last layer's state of every piece `[n, l, hidden]`, and of the first piece through one more
  /// map and tanh, `[n, hidden]`.
  public struct Output {
    public let states: Tensor
    public let pooled: Tensor
  }

  /// Runs over texts.
  ///
  /// - Parameters:
  ///   - tokens: numbers of pieces, int64 `[n, l]`.
  ///   - mask: 1 where a piece may be looked at, 0 where it is padding, `[n, l]`; all when nil. States of padding are
  ///     computed too and mean nothing.
  ///   - types: numbers of sentence types, int64 `[n, l]`; 0 when nil.
  /// - Throws: ``TextEncoderError`` for texts that are too long; ``TorchError`` for numbers that are too large.
  public func callAsFunction(
    _ tokens: Tensor, mask: Tensor? = nil, types: Tensor? = nil, _ pass: Pass = .evaluation
  ) throws -> Output {
    let width = tokens.size(along: 1)
    guard width <= configuration.maxPositionEmbeddings else {
      throw TextEncoderError.tooLong(width: width, limit: configuration.maxPositionEmbeddings)
    }
    let states = try encoder(embeddings(tokens, types, pass), mask: mask, pass)
    return Output(states: states, pooled: try pooler(states))
  }

  /// Runs over texts of the given lengths.
  ///
  /// - Parameters:
  ///   - tokens: numbers of pieces, int64 `[n, l]`; what is behind the lengths has no influence.
  ///   - lengths: pieces of each text, `1...l`.
  /// - Returns: states that are zero behind the lengths.
  /// - Throws: ``TextEncoderError`` naming the text at fault.
  public func callAsFunction(
    _ tokens: Tensor, lengths: [Int], _ pass: Pass = .evaluation
  ) throws -> Output {
    let known = try checkedTokens(tokens, lengths: lengths, vocabulary: configuration.vocabSize)
    let mask = try Tensor.counting(lengths, below: tokens.size(along: 1), on: tokens.device)
    let output = try self(known, mask: mask, pass)
    return Output(
      states: try output.states * mask.to(output.states.dtype).unsqueezed(at: 2), pooled: output.pooled)
  }

  /// Tensors of a published file under the names that they have here.
  ///
  /// The prefix `bert.` goes, `gamma` and `beta` of old files become `weight` and `bias`; places that are counted
  /// (`position_ids`) and the heads of pre-training (`cls.*`) are left out. Where the file has no pooler, that of
  /// this BERT stays.
  public func named(
    _ tensors: [(name: String, tensor: Tensor)]
  ) -> [(name: String, tensor: Tensor)] {
    var found: [(name: String, tensor: Tensor)] = []
    for (name, tensor) in tensors where !name.hasPrefix("cls.") && !name.hasSuffix("position_ids") {
      var plain = name.hasPrefix("bert.") ? String(name.dropFirst("bert.".count)) : name
      for (old, new) in [("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")]
      where plain.hasSuffix(old) { plain = plain.dropLast(old.count) + new }
      found.append((plain, tensor))
    }
    if !found.contains(where: { $0.name.hasPrefix("pooler.") }) {
      found += state.filter { $0.name.hasPrefix("pooler.") }
    }
    return found
  }
}

// MARK: - Parts

/// Vectors of pieces, places and sentence types, added up and normalized.
final class BERTEmbeddings: Module {
  @Named var words: Embedding
  @Named var places: Embedding
  @Named var types: Embedding
  @Named var norm: LayerNorm
  private let dropout: Double

  init(
    _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    func table(_ count: Int, padding: Int? = nil) throws(TorchError) -> Embedding {
      try Embedding(count: count, size: sizes.hiddenSize, padding: padding, dtype, using: generator)
    }
    _words = Named(
      wrappedValue: try table(sizes.vocabSize, padding: sizes.padTokenId), "word_embeddings")
    _places = Named(wrappedValue: try table(sizes.maxPositionEmbeddings), "position_embeddings")
    _types = Named(wrappedValue: try table(sizes.typeVocabSize), "token_type_embeddings")
    _norm = Named(
      wrappedValue: try LayerNorm(sizes.hiddenSize, epsilon: sizes.layerNormEps, dtype), "LayerNorm")
    dropout = sizes.hiddenDropoutProb
  }

  func callAsFunction(_ tokens: Tensor, _ types: Tensor?, _ pass: Pass) throws(TorchError) -> Tensor {
    let place = try Tensor.range(0..<tokens.size(along: 1), on: tokens.device)
    let ofFirst = try tokens.zerosLike()
    let sum = try words(tokens) + self.types(types ?? ofFirst) + places(place)
    return try norm(sum).dropped(dropout, pass)
  }
}

/// The layers of a BERT, under the names `layer.0`, `layer.1`, ….
final class BERTLayers: Module {
  let layer: [BERTLayer]

  init(
    _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    var layers: [BERTLayer] = []
    for _ in 0..<sizes.numHiddenLayers { layers.append(try BERTLayer(sizes, dtype, using: generator)) }
    layer = layers
  }

  /// The states behind the last layer, `[n, l, hidden]`.
  ///
  /// - Parameter mask: 1 where a piece may be looked at, `[n, l]`; all when nil.
  func callAsFunction(_ x: Tensor, mask: Tensor?, _ pass: Pass) throws -> Tensor {
    // Hugging Face's number in the place of infinity: a text of padding alone gives numbers.
    let hidden = try mask.map { mask in
      try (1 - mask.to(x.dtype)).unsqueezed(at: 1).unsqueezed(at: 1) * -10000
    }
    return try layer.reduce(x) { states, layer in try layer(states, hidden, pass) }
  }
}

/// Attention within the text, then two maps, each added to what went in and normalized.
final class BERTLayer: Module {
  let attention: BERTAttention
  @Named var widen: BERTDense
  @Named var narrow: BERTAdding
  private let activation: BERT.Configuration.Activation

  init(
    _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    attention = try BERTAttention(sizes, dtype, using: generator)
    _widen = Named(
      wrappedValue: try BERTDense(
        from: sizes.hiddenSize, to: sizes.intermediateSize, dtype, using: generator),
      "intermediate")
    _narrow = Named(
      wrappedValue: try BERTAdding(from: sizes.intermediateSize, sizes, dtype, using: generator), "output")
    activation = sizes.hiddenAct
  }

  func callAsFunction(_ x: Tensor, _ hidden: Tensor?, _ pass: Pass) throws(TorchError) -> Tensor {
    let attended = try attention(x, hidden, pass)
    return try narrow(activation(widen.dense(attended)), addedTo: attended, pass)
  }
}

/// Attention with several heads within the text, and the map behind it.
final class BERTAttention: Module {
  @Named var maps: BERTSelfAttention
  let output: BERTAdding

  init(
    _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    _maps = Named(wrappedValue: try BERTSelfAttention(sizes, dtype, using: generator), "self")
    output = try BERTAdding(from: sizes.hiddenSize, sizes, dtype, using: generator)
  }

  func callAsFunction(_ x: Tensor, _ hidden: Tensor?, _ pass: Pass) throws(TorchError) -> Tensor {
    try output(maps(x, hidden, pass), addedTo: x, pass)
  }
}

/// softmax(q kᵀ / √(size of a head)) v, for each head a slice of the width.
final class BERTSelfAttention: Module {
  let query: Linear
  let key: Linear
  let value: Linear
  private let heads: Int
  private let dropout: Double

  init(
    _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    let width = sizes.hiddenSize
    query = try Linear(from: width, to: width, dtype, using: generator)
    key = try Linear(from: width, to: width, dtype, using: generator)
    value = try Linear(from: width, to: width, dtype, using: generator)
    heads = sizes.numAttentionHeads
    dropout = sizes.attentionProbsDropoutProb
  }

  /// - Parameter hidden: added to the scores, `[n, 1, 1, l]`.
  func callAsFunction(_ x: Tensor, _ hidden: Tensor?, _ pass: Pass) throws(TorchError) -> Tensor {
    try Self.attended(query(x), key(x), value(x), heads: heads, adding: hidden, dropout, pass)
  }

  /// What each piece takes from all, head by head.
  ///
  /// - Parameters:
  ///   - queries: `[n, l, hidden]`.
  ///   - keys: likewise.
  ///   - values: likewise.
  ///   - added: to the scores, `[n or 1, heads or 1, l or 1, l]`.
  /// - Returns: `[n, l, hidden]`.
  static func attended(
    _ queries: Tensor, _ keys: Tensor, _ values: Tensor, heads: Int, adding added: Tensor?, _ dropout: Double,
    _ pass: Pass
  ) throws(TorchError) -> Tensor {
    let shape = queries.shape
    let split = { (y: Tensor) throws(TorchError) in
      try y.reshaped(to: [shape[0], shape[1], heads, shape[2] / heads]).transposed(1, 2)
    }
    let root = Double(shape[2] / heads).squareRoot()
    var scores = try split(queries).matmul(split(keys).transposed(-2, -1)) / root
    if let added { scores = try scores + added }
    let attention = try scores.softmax(along: -1).dropped(dropout, pass)
    return try attention.matmul(split(values)).transposed(1, 2).reshaped(to: shape)
  }
}

/// A linear map under the name `dense`.
final class BERTDense: Module {
  let dense: Linear

  init(
    from inputs: Int, to outputs: Int, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) { dense = try Linear(from: inputs, to: outputs, dtype, using: generator) }
}

/// A map back to the width of the states, added to what it came from and normalized.
final class BERTAdding: Module {
  let dense: Linear
  @Named var norm: LayerNorm
  private let dropout: Double

  init(
    from inputs: Int, _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    dense = try Linear(from: inputs, to: sizes.hiddenSize, dtype, using: generator)
    _norm = Named(
      wrappedValue: try LayerNorm(sizes.hiddenSize, epsilon: sizes.layerNormEps, dtype), "LayerNorm")
    dropout = sizes.hiddenDropoutProb
  }

  func callAsFunction(_ x: Tensor, addedTo base: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try norm(dense(x).dropped(dropout, pass) + base)
  }
}

/// tanh of a map of the first piece's state.
final class BERTPooler: Module {
  let dense: Linear

  init(
    _ sizes: BERT.Configuration, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    dense = try Linear(from: sizes.hiddenSize, to: sizes.hiddenSize, dtype, using: generator)
  }

  func callAsFunction(_ states: Tensor) throws(TorchError) -> Tensor {
    try dense(states.narrowed(to: 0..<1, along: 1).squeezed(at: 1)).tanh()
  }
}
