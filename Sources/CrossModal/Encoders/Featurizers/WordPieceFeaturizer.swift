import Foundation
import Torch

/// Texts as the numbers of BERT's word pieces between those of `[CLS]` and `[SEP]`.
///
/// A vocabulary of pieces belongs to the weights of a BERT and is read from its `vocab.txt`; a run folder holds it as
/// `tokenizer.json`.
public struct WordPieceFeaturizer: TokenFeaturizer {
  public static let name = "wordpiece"
  public static let documentName: String? = "tokenizer"
  public static let fileKeys = ["vocabulary"]

  public struct Configuration: MethodConfiguration {
    public var vocabulary: String?
    public var maxWords = 512
    public var lowercase: Bool?
    public var chinese: Bool?

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "vocabulary", "the vocab.txt or tokenizer.json of the BERT whose weights are used; needed",
        aliases: ["vocab", "vocab_file", "bert_path"]),
      ConfigurationKey(
        "max_words", "most pieces of a text, [CLS] and [SEP] included; 0 for no limit",
        aliases: ["max_length"], in: .count(0...1 << 20)),
      ConfigurationKey(
        "lowercase", "lower case without accents; null: as the file says, true for a vocab.txt",
        aliases: ["lower_case", "do_lower_case"]),
      ConfigurationKey(
        "chinese", "every Chinese character is a word; null: as the file says, true for a vocab.txt",
        aliases: ["tokenize_chinese_chars"]),
    ]

    public func validateRelations() throws {
      _ = try file
      guard maxWords != 0, maxWords < 3 else { return }
      throw ConfigurationError.badValue(key: "max_words", value: "\(maxWords)", expected: "0, or 3 or more")
    }

    var file: String {
      get throws {
        guard let vocabulary else {
          throw ConfigurationError.badValue(
            key: "vocabulary", value: "null",
            expected: "a file: the featurizer 'wordpiece' needs the vocab.txt of its BERT")
        }
        return vocabulary
      }
    }
  }

  public let tokenizer: WordPieceTokenizer
  /// Most pieces of a text, marks included; nil for no limit.
  public let limit: Int?

  public init(_ tokenizer: WordPieceTokenizer, limit: Int? = 512) {
    self.tokenizer = tokenizer
    self.limit = limit
  }

  /// Reads the file that the configuration names; nothing is learned from the texts.
  ///
  /// - Throws: ``ConfigurationError`` without a file; ``VocabularyError`` for one that is no vocabulary.
  public init(fittedTo source: FeaturizerSource, _ configuration: Configuration, seed: UInt64 = 0) throws {
    let file = try configuration.file
    var tokenizer = try WordPieceTokenizer(file: file)
    var settings = tokenizer.settings
    settings.lowercases = configuration.lowercase ?? settings.lowercases
    settings.separatesChinese = configuration.chinese ?? settings.separatesChinese
    if settings != tokenizer.settings { tokenizer = try WordPieceTokenizer(file: file, settings: settings) }
    self.init(tokenizer, limit: configuration.maxWords > 0 ? configuration.maxWords : nil)
  }

  public init(settings: JSON, state: [String: Tensor], document: JSON?) throws {
    guard let document else {
      throw FeaturizerError.badState(featurizer: Self.name, reason: "its tokenizer is missing")
    }
    self.init(
      try WordPieceTokenizer(json: document, from: "the stored tokenizer"),
      limit: settings["max_words"]?.int.flatMap { $0 >= 3 ? $0 : nil })
  }

  public var settings: JSON { limit.map { ["max_words": .int($0)] } ?? ["max_words": 0] }
  public var state: [String: Tensor] { [:] }
  public var document: JSON? { tokenizer.json }
  public var vocabularySize: Int { tokenizer.pieces.count }

  public func output(named name: String) -> DataDescription.Modality {
    .init(name: name, kind: .tokens, vocabulary: vocabularySize, longest: limit)
  }

  public func tokens(of text: String) -> [TextToken] {
    let all = tokenizer.tokens(of: text)
    let kept = limit.map { Array(all.prefix($0 - 2)) } ?? all
    return [TextToken(tokenizer.pieces[tokenizer.start], number: tokenizer.start, isMark: true)] + kept
      + [TextToken(tokenizer.pieces[tokenizer.end], number: tokenizer.end, isMark: true)]
  }
}
