import Torch

/// How the states of a recurrent network over the words of a text become one vector.
public enum TextPooling: String, Sendable, Codable, CaseIterable {
  /// The state at the last word.
  case last
  case mean
  case max
  /// Learned weights of the sorted values: ``GeneralizedPooling``.
  case gpo

  fileprivate var ofStates: FragmentPooling? {
    switch self {
    case .last: nil
    case .mean: .mean
    case .max: .max
    case .gpo: .gpo
    }
  }
}

/// Settings of networks over words: those under `text`.
public struct TextSettings: Sendable, Codable, Equatable {
  /// Width of the word vectors.
  public var wordDim = 300
  public var layers = 1
  public var bidirectional = false
  public var pooling = TextPooling.last

  public init() {}

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case wordDim, layers, bidirectional, pooling
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let members = try decoder.settings(CodingKeys.self, under: "text")
    wordDim = try members.value(.wordDim, or: wordDim)
    layers = try members.value(.layers, or: layers)
    bidirectional = try members.value(.bidirectional, or: bidirectional)
    pooling = try members.value(.pooling, or: pooling)
  }

  /// What its numbers may be.
  static let bounds: KeyValuePairs<String, NumberBounds> = ["word_dim": .units, "layers": .layers]

  /// What the key says of itself.
  static let about =
    "the networks gru and bigru of texts (word vectors and a gated recurrent unit of 'hidden' units): word_dim, layers, bidirectional, "
    + "pooling (last state, or mean, max or gpo of all)"
}

/// Word vectors, a gated recurrent unit over them, one vector of its states, and a linear map unless the unit is as wide
/// as the vectors: `embed.*`, `rnn.*`, `gpool.*` where the pooling learns, `fc.*`.
///
/// Without the map it is the text encoder of VSE++ (Faghri et al., BMVC 2018) and, in both directions, of VSE-infinity
/// (Chen et al., CVPR 2021), with their names.
public final class TokenEncoder: FragmentNetwork {
  @Named var text: GRUTextEncoder
  @Named var pool: FragmentPool?
  let fc: LinearEncoder?

  public var size: Int { fc?.size ?? text.size }
  public var conceptSize: Int { text.embed.weight.size(along: 1) }

  /// - Parameters:
  ///   - vocabulary: how many word numbers there are.
  ///   - hidden: units of the recurrent network; nil for `size` without a map.
  ///   - size: width of the vectors.
  public init(
    vocabulary: Int, hidden: Int?, to size: Int, _ settings: TextSettings = TextSettings(),
    using generator: Generator
  ) throws {
    let encoder = try GRUTextEncoder(
      vocabulary: vocabulary, wordSize: settings.wordDim, size: hidden ?? size, layers: settings.layers,
      bidirectional: settings.bidirectional, using: generator)
    _text = Named(wrappedValue: encoder, "")
    _pool = Named(
      wrappedValue: try settings.pooling.ofStates.map { try FragmentPool($0, using: generator) }, "")
    fc = try hidden.map { try LinearEncoder(from: $0, to: size, using: generator) }
  }

  public func vectors(of items: Items, _ pass: Pass) throws -> Tensor {
    guard case .tokens(let rows, let lengths) = items else {
      throw unsuitable(items, expected: "a sequence of word numbers")
    }
    let tokens = try rows.to(text.embed.weight.device)
    func states(_ output: GRUTextEncoder.Output) throws -> Tensor {
      try pass.isTraining
        ? text(tokens, lengths: lengths, output) : text.encode(tokens, lengths: lengths, output)
    }
    let vectors = try pool.map { try $0(states(.states), lengths: lengths) } ?? states(.last)
    return try fc.map { try $0(vectors) } ?? vectors
  }

  /// States of words, and word vectors before anything knows their order.
  public func fragments(of items: Items, _ pass: Pass) throws -> FragmentedItems {
    guard case .tokens(let rows, let lengths) = items else {
      throw unsuitable(items, expected: "a sequence of word numbers")
    }
    let tokens = try checkedTokens(
      rows.to(text.embed.weight.device), lengths: lengths, vocabulary: text.vocabulary)
    let read = try text.read(tokens, lengths: lengths)
    let pooled = try pool.map { try $0(read.states, lengths: lengths) } ?? read.last
    return FragmentedItems(
      vectors: try fc.map { try $0(pooled) } ?? pooled,
      states: PaddedRows(try fc.map { try $0(read.states) } ?? read.states, lengths: lengths),
      concepts: PaddedRows(read.words, lengths: lengths))
  }

  public func reset(using generator: Generator) throws {
    try text.reset(using: generator)
    try pool?.reset(using: generator)
    try fc?.reset(using: generator)
  }
}
