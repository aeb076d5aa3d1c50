import Foundation
import Torch

/// Word vectors and a gated recurrent unit over them: the text encoder of VSE++ (Faghri et al., BMVC 2018) and of SCAN
/// (Lee et al., ECCV 2018), with their parameter names (`embed.weight`, `rnn.weight_ih_l0`, …).
///
/// Of a text in both directions the outputs of both are averaged, so that the width stays ``size``; the layers between
/// pass on both. The backward direction starts at each text's own last word. Nothing is normalized here.
public final class GRUTextEncoder: Module {
  /// `[vocabulary, wordSize]`.
  let embed: Embedding
  let rnn: GRU
  /// Width of the outputs.
  public let size: Int
  /// How many word numbers there are.
  public let vocabulary: Int
  public let isBidirectional: Bool

  /// Texts of a block of ``encode(_:lengths:_:)``.
  private static let block = 256

  /// First weights as the official programs draw them: word vectors uniform in ±0.1, the rest in ±1/√size.
  ///
  /// - Parameters:
  ///   - vocabulary: how many word numbers there are.
  ///   - wordSize: width of the word vectors.
  ///   - size: width of the outputs.
  public init(
    vocabulary: Int, wordSize: Int, size: Int, layers: Int = 1, bidirectional: Bool = false,
    using generator: Generator
  ) throws(TorchError) {
    self.vocabulary = vocabulary
    self.size = size
    isBidirectional = bidirectional
    embed = try Embedding(count: vocabulary, size: wordSize, using: generator)
    rnn = try GRU(from: wordSize, to: size, layers: layers, bidirectional: bidirectional, using: generator)
    try drawWordVectors(using: generator)
  }

  /// Draws all parameters anew.
  public func reset(using generator: Generator) throws(TorchError) {
    try rnn.reset(using: generator)
    try drawWordVectors(using: generator)
  }

  private func drawWordVectors(using generator: Generator) throws(TorchError) {
    let old = embed.weight
    let new = try Initializer.uniform(from: -0.1, to: 0.1)(old.shape, using: generator)
    embed.weight = try new.to(old.dtype).to(old.device)
  }

  /// What of a text is wanted.
  public enum Output: Sendable {
    /// The output at every word, `[n, l, size]`, zero behind the lengths.
    case states
    /// The last state of the top layer, `[n, size]`: the output at the last word, in both directions the mean of the
    /// forward one there and the backward one at the first word.
    case last
  }

  /// Runs over all texts at once, with a graph where one is wanted.
  ///
  /// - Parameters:
  ///   - tokens: word numbers, int64 `[n, l]`; what is behind the lengths has no influence.
  ///   - lengths: words of each text, `1...l`, in any order.
  /// - Throws: ``TextEncoderError`` for lengths that do not fit and numbers that the vocabulary has not.
  public func callAsFunction(_ tokens: Tensor, lengths: [Int], _ output: Output) throws -> Tensor {
    try outputs(checkedTokens(tokens, lengths: lengths, vocabulary: vocabulary), lengths: lengths, output)
  }

  private func outputs(_ tokens: Tensor, lengths: [Int], _ output: Output) throws -> Tensor {
    let read = try read(tokens, lengths: lengths)
    return output == .states ? read.states : read.last
  }

  /// What a text is on its way through the network.
  struct Reading {
    /// Word vectors, `[n, l, wordSize]`; behind the lengths those of word 0.
    let words: Tensor
    /// ``Output/states`` and ``Output/last``.
    let states, last: Tensor
  }

  /// The same as by ``callAsFunction(_:lengths:_:)``, of numbers that were checked.
  func read(_ tokens: Tensor, lengths: [Int]) throws -> Reading {
    let words = try embed(tokens)
    let (states, last) = try rnn(words, lengths: lengths)
    let top = last.size(along: 0)
    guard isBidirectional else { return Reading(words: words, states: states, last: try last[top - 1]) }
    let both = try states.split(by: size, along: 2)
    return Reading(
      words: words, states: try (both[0] + both[1]) / 2, last: try (last[top - 2] + last[top - 1]) / 2)
  }

  /// The same without a graph, in blocks of texts of nearly one length, so that short texts do not wait for long ones.
  public func encode(_ tokens: Tensor, lengths: [Int], _ output: Output) throws -> Tensor {
    try withoutGradient {
      // Before the blocks, whose rows mean nothing to anybody.
      let tokens = try checkedTokens(tokens, lengths: lengths, vocabulary: vocabulary)
      guard lengths.count > Self.block else { return try outputs(tokens, lengths: lengths, output) }
      let width = tokens.size(along: 1)
      let order = lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
      var parts: [Tensor] = []
      for start in stride(from: 0, to: order.count, by: Self.block) {
        let rows = Array(order[start..<min(start + Self.block, order.count)])
        let own = rows.map { lengths[$0] }
        let longest = min(width, own[own.count - 1])
        let part = try outputs(
          tokens.rows(at: rows).narrowed(to: 0..<longest, along: 1), lengths: own, output)
        parts.append(output == .last ? part : try part.padded([0, 0, 0, width - longest]))
      }
      var places = order
      for (place, row) in order.enumerated() { places[row] = place }
      return try Tensor.concatenated(parts).rows(at: places)
    }
  }
}

/// Word numbers that an encoder can take: those behind the lengths are 0 now.
///
/// - Throws: ``TextEncoderError`` naming the text and place at fault.
func checkedTokens(_ tokens: Tensor, lengths: [Int], vocabulary: Int) throws -> Tensor {
  guard tokens.rank == 2, !tokens.dtype.isFloatingPoint, lengths.count == tokens.size(along: 0) else {
    throw TextEncoderError.misshaped(shape: tokens.shape, lengths: lengths.count)
  }
  let width = tokens.size(along: 1)
  if let text = lengths.firstIndex(where: { $0 < 1 || $0 > width }) {
    throw TextEncoderError.badLength(text: text, length: lengths[text], width: width)
  }
  guard !lengths.isEmpty else { return tokens }
  let isWord = try Tensor.counting(lengths, below: width, on: tokens.device)
  let known = try tokens.to(.int64).masked(with: isWord.not(), fill: 0)
  let wrong = try (known .< 0).or(known .>= Double(vocabulary))
  if try wrong.any() {
    let place = try wrong.nonZero()[0].values(as: Int.self)
    throw TextEncoderError.unknownNumber(
      text: place[0], place: place[1], number: try known[place[0]][place[1]].item(as: Int.self),
      vocabulary: vocabulary)
  }
  return known
}

/// Texts that an encoder cannot take.
public enum TextEncoderError: LocalizedError, Equatable {
  case misshaped(shape: [Int], lengths: Int)
  case badLength(text: Int, length: Int, width: Int)
  case unknownNumber(text: Int, place: Int, number: Int, vocabulary: Int)
  case tooLong(width: Int, limit: Int)

  public var errorDescription: String? {
    switch self {
    case .misshaped(let shape, let lengths):
      "word numbers of shape \(shape) with \(lengths) lengths, expected whole numbers [n, l] with n lengths"
    case .badLength(let text, let length, let width):
      "text \(text) has \(length) words, expected 1 to \(width)"
    case .unknownNumber(let text, let place, let number, let vocabulary):
      "text \(text), place \(place): word number \(number), expected 0 to \(vocabulary - 1)"
    case .tooLong(let width, let limit):
      "texts of \(width) pieces are too long for a BERT with \(limit) places (bert.max_position_embeddings; features.NAME.max_words cuts them)"
    }
  }
}
