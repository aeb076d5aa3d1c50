/// What turns texts into rows of numbers for an encoder with published weights.
///
/// A tokenizer belongs to the weights that it was trained with: another one gives numbers that mean something else.
public protocol TextTokenizer: Sendable {
  /// How many numbers there are: the encoder's table needs at least as many rows.
  var vocabularySize: Int { get }
  /// Numbers of a row, marks and padding included; longer texts are cut.
  var contextLength: Int { get }
  /// The number behind the last one of a shorter text.
  var padding: Int { get }
  /// Whether the encoder reads the padding too, so that rows may not be cut to the longest of a batch (SigLIP).
  var readsPadding: Bool { get }
  /// The numbers of a text in order, with those of the marks at its ends and without padding; at most
  /// ``contextLength``.
  func numbers(of text: String) -> [Int]
  /// The same numbers with the pieces that they stand for.
  func tokens(of text: String) -> [TextToken]
  /// Everything that makes the tokenizer again, as Hugging Face's `tokenizer.json` has it as far as that goes.
  var document: JSON { get }
}

/// Texts as numbers, a row a text.
public struct TokenBatch: Sendable, Equatable {
  /// Rows of the tokenizer's ``TextTokenizer/contextLength``, padded at the end.
  public let tokens: [[Int64]]
  /// Numbers of each row in front of the padding; all of them where the encoder reads the padding.
  public let lengths: [Int]

  public init(tokens: [[Int64]], lengths: [Int]) {
    self.tokens = tokens
    self.lengths = lengths
  }
}

extension TextTokenizer {
  public var readsPadding: Bool { false }

  /// The numbers of texts.
  public func encode(_ texts: [String]) throws -> TokenBatch {
    var (rows, lengths) = ([[Int64]](), [Int]())
    for text in texts {
      let numbers = numbers(of: text).map(Int64.init)
      lengths.append(readsPadding ? contextLength : numbers.count)
      rows.append(numbers + Array(repeating: Int64(padding), count: max(0, contextLength - numbers.count)))
    }
    return TokenBatch(tokens: rows, lengths: lengths)
  }
}
