import Torch

/// One vector of the words of a sentence: their mean, or their sum weighed by how each goes with the mean (the
/// released program of Wang, Li, Huang & Lazebnik, TPAMI 2019).
///
/// Parameters are named as there: `words.weight`, one row a word, the first for padding; `word_attention.0.*`.
public final class WordPooling: Module {
  /// What the sum of the words is weighed by.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// Every word the same: their mean.
    case average = "avg"
    /// softmax over the words of ReLU(w · [mean; word] + b), then unit vectors.
    case attention = "attend"
  }

  public let kind: Kind
  /// Whether padding is left out of the softmax and the sums. The released program leaves it in: its vector starts
  /// at zero but learns.
  public let masksPadding: Bool
  /// The number that stands for padding.
  public let padding: Int
  let words: Embedding
  @Named var wordAttention: Sequential?

  /// Width of the vectors.
  public var size: Int { words.weight.size(along: 1) }

  /// - Parameters:
  ///   - count: rows of the table, padding and unknown words included.
  ///   - padding: the number of padding.
  public init(
    _ kind: Kind, count: Int, size: Int, padding: Int = 0, masksPadding: Bool = true,
    using generator: Generator
  ) throws {
    self.kind = kind
    self.masksPadding = masksPadding
    self.padding = padding
    words = try Embedding(count: count, size: size, using: generator)
    try words.clear(row: padding)
    _wordAttention = Named(
      wrappedValue: kind == .attention
        ? try Sequential { try Linear(from: 2 * size, to: 1, using: generator) } : nil, "word_attention")
  }

  /// Vectors of sentences.
  ///
  /// - Parameter tokens: int64 `[n, l]`, padding behind the words.
  /// - Returns: `[n, size]`; a sentence without words is zero where padding is masked.
  public func callAsFunction(_ tokens: Tensor) throws -> Tensor {
    let isWord = try tokens .!= Double(padding)
    let weight = try isWord.to(words.weight.dtype)
    var vectors = try words(tokens)
    if masksPadding { vectors = try vectors * weight.unsqueezed(at: 2) }
    let count = try weight.sum(along: 1, keepingDimension: true)
    let mean = try vectors.sum(along: 1) / (count + 1e-10)
    guard let wordAttention else { return mean }
    let context = try mean.unsqueezed(at: 1).expanded(to: vectors.shape)
    let joined = try Tensor.concatenated([context, vectors], along: 2)
    var scores = try wordAttention(joined, .evaluation).squeezed(at: 2).relu()
    // Rectified scores are 0 or more; this far below, a share is 0 unless all are padding.
    if masksPadding { scores = try scores.masked(with: isWord.not(), fill: -1e9) }
    let shares = try scores.softmax(along: 1).unsqueezed(at: 2)
    return try (vectors * shares).sum(along: 1).normalized(along: 1)
  }

  /// Draws the parameters anew.
  public func reset(using generator: Generator) throws {
    try take(
      stateOf: WordPooling(
        kind, count: words.weight.size(along: 0), size: size, padding: padding, masksPadding: masksPadding,
        using: generator))
  }
}

extension Embedding {
  /// Sets a word's vector to zero.
  func clear(row: Int) throws(TorchError) {
    guard row >= 0, row < weight.size(along: 0) else { return }
    let zeros = try Tensor.zeros([1, weight.size(along: 1)], weight.dtype, on: weight.device)
    weight = try weight.detached().replacing(Tensor([row]).to(weight.device), with: zeros)
  }
}
