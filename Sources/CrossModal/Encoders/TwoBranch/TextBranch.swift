import Torch

/// A text branch that starts from a table of word vectors.
protocol WordTableBranch: ItemEncoder {
  var words: Embedding { get }
  /// What the table started from.
  var wordsStart: Tensor { get set }
  /// What the table starts from instead of random numbers; nil for those.
  var firstWords: Tensor? { get set }
}

extension WordTableBranch {
  /// Puts the vectors that were loaded in place of random ones, and remembers where the table starts.
  func beginWords() throws(TorchError) {
    if let firstWords { words.weight = try firstWords.to(words.weight.dtype).to(words.weight.device) }
    wordsStart = try words.weight.detached().copied()
  }

  /// Word numbers of texts, zero behind their lengths.
  ///
  /// - Throws: ``ConfigurationError`` for items that are no word numbers, or numbers that the table has not.
  func tokens(_ items: Items) throws -> (numbers: Tensor, lengths: [Int]) {
    guard case .tokens(let tokens, let lengths) = items else {
      throw unsuitable(items, expected: "word numbers (features.NAME: words)")
    }
    return (try checkedTokens(tokens, lengths: lengths, vocabulary: words.weight.size(along: 0)), lengths)
  }
}

/// Word vectors pooled to one vector a text, then a map to unit vectors.
///
/// Parameters are named as in the released program: `words.weight`, `word_attention.0.*`, `text_branch.*`; the buffer
/// `words_start` is beside them.
public final class TextBranch: WordTableBranch {
  @Buffer var wordsStart: Tensor
  @Named var pooling: WordPooling
  @Named var map: any BranchMap

  var words: Embedding { pooling.words }
  var firstWords: Tensor?
  public var size: Int { map.size }

  init(_ pooling: WordPooling, _ map: any BranchMap) throws(TorchError) {
    _wordsStart = Buffer(wrappedValue: try pooling.words.weight.detached().zerosLike(), "words_start")
    _pooling = Named(wrappedValue: pooling, "")
    _map = Named(wrappedValue: map, "text_branch")
  }

  public func vectors(of items: Items, _ pass: Pass) throws -> Tensor {
    try map(pooled(items), pass)
  }

  /// One vector a text, before the map.
  func pooled(_ items: Items) throws -> Tensor { try pooling(tokens(items).numbers) }

  public func reset(using generator: Generator) throws {
    try pooling.reset(using: generator)
    try map.reset(using: generator)
    try beginWords()
  }
}

/// Word vectors, a gated recurrent unit, its output at the last word, and a linear map to unit vectors (an option of
/// the released TensorFlow program).
public final class RecurrentTextBranch: WordTableBranch {
  @Buffer var wordsStart: Tensor
  let words: Embedding
  var firstWords: Tensor?
  @Named var gru: GRU
  @Named var fc: Linear
  public let size: Int
  private let sizes: (count: Int, words: Int, hidden: Int)

  init(count: Int, wordSize: Int, hidden: Int, to size: Int, using generator: Generator) throws {
    self.size = size
    sizes = (count, wordSize, hidden)
    words = try Embedding(count: count, size: wordSize, using: generator)
    _wordsStart = Buffer(wrappedValue: try Tensor.zeros([count, wordSize]), "words_start")
    _gru = Named(
      wrappedValue: try GRU(from: wordSize, to: hidden, using: generator), "text_branch.gru")
    _fc = Named(wrappedValue: try Linear(from: hidden, to: size, using: generator), "text_branch.fc")
  }

  public func vectors(of items: Items, _ pass: Pass) throws -> Tensor {
    let (numbers, lengths) = try tokens(items)
    let last = try gru(words(numbers), lengths: lengths).state
    return try fc(last[last.size(along: 0) - 1]).normalized(along: 1)
  }

  public func reset(using generator: Generator) throws {
    try take(
      stateOf: RecurrentTextBranch(
        count: sizes.count, wordSize: sizes.words, hidden: sizes.hidden, to: size, using: generator))
    try words.clear(row: 0)
    try beginWords()
  }
}
