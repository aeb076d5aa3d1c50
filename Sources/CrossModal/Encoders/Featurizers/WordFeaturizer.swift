import Foundation
import Torch

/// Texts as the numbers of their words, between those of start and end unless these are left out, for encoders of
/// sequences.
///
/// Words are those of the training part that occur often enough, or of a published vocabulary. A model is of no use
/// without its vocabulary: a run folder holds it as `vocabulary.json`, in the form of the field's programs.
public struct WordFeaturizer: TokenFeaturizer {
  public static let name = "words"
  public static let documentName: String? = "vocabulary"
  public static let fileKeys = ["vocabulary"]

  public struct Configuration: MethodConfiguration {
    public var threshold = 4
    public var splits: [String]?
    public var vocabulary: String?
    public var tokenizer = WordTokenizer.Rule.nltk
    public var lowercase = true
    public var marks = true

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "threshold", "how often a word must occur in the texts that are counted to have a number of its own",
        aliases: ["min_word_count", "vocab_threshold", "word_threshold"], in: .count(from: 1)),
      ConfigurationKey(
        "splits",
        "splits whose texts are counted, as [train, val]; null for the one that is learned from. Official programs count "
          + "more than that", aliases: ["vocab_splits"]),
      ConfigurationKey(
        "vocabulary",
        "a file with the words and their numbers (.json, or .pkl of the older programs); null counts",
        aliases: ["vocab", "vocab_path"]),
      ConfigurationKey(
        "tokenizer",
        "nltk (word_tokenize, with its sentences), spaces, or questions (no punctuation, digits for number words)"
      ),
      ConfigurationKey(
        "lowercase", "bring texts to lower case first", aliases: ["lower_case", "do_lower_case"]),
      ConfigurationKey("marks", "put the marks of start and end around the words"),
    ]

    public func validateRelations() throws {
      guard splits?.isEmpty != true else {
        throw ConfigurationError.badValue(key: "splits", value: "[]", expected: "a list of splits, or null")
      }
    }
  }

  public let vocabulary: Vocabulary
  public let tokenizer: WordTokenizer
  /// Whether the marks of start and end stand around the words.
  public let hasMarks: Bool

  public init(_ vocabulary: Vocabulary, tokenizer: WordTokenizer = WordTokenizer(), marks: Bool = true) {
    self.vocabulary = vocabulary
    self.tokenizer = tokenizer
    hasMarks = marks
  }

  /// Counts the words, or reads the file that the configuration names.
  ///
  /// - Throws: ``FeaturizerError`` when the items are no texts or no word occurs often enough; ``VocabularyError``.
  public init(fittedTo source: FeaturizerSource, _ configuration: Configuration, seed: UInt64 = 0) throws {
    let tokenizer = WordTokenizer(configuration.tokenizer, lowercases: configuration.lowercase)
    if let file = configuration.vocabulary {
      self.init(try Vocabulary(file: file), tokenizer: tokenizer, marks: configuration.marks)
      return
    }
    var counts: [ExactText: Int] = [:]
    try source.forEachChunk(rows: 4096) { items in
      guard case .texts(let texts) = items else {
        throw FeaturizerError.wrongKind(
          featurizer: Self.name, kind: items.kind, accepts: Self.accepts)
      }
      for text in texts { for word in tokenizer.words(of: text) { counts[ExactText(word), default: 0] += 1 } }
    }
    let vocabulary = Vocabulary(counts: counts, threshold: configuration.threshold)
    guard vocabulary.count > Vocabulary.Mark.allCases.count else {
      throw FeaturizerError.nothingToLearn(
        featurizer: Self.name,
        reason: counts.isEmpty
          ? "the texts hold no words"
          : "no word occurs \(configuration.threshold) times or more; give a smaller threshold")
    }
    self.init(vocabulary, tokenizer: tokenizer, marks: configuration.marks)
  }

  public init(settings: JSON, state: [String: Tensor], document: JSON?) throws {
    guard let document else {
      throw FeaturizerError.badState(featurizer: Self.name, reason: "its vocabulary is missing")
    }
    guard let rule = settings["tokenizer"]?.string.flatMap(WordTokenizer.Rule.init),
      let lowercases = settings["lowercase"]?.bool
    else {
      throw FeaturizerError.badState(
        featurizer: Self.name, reason: "'tokenizer' or 'lowercase' is missing or of no use")
    }
    self.init(
      try Vocabulary(json: document, from: "the stored vocabulary"),
      tokenizer: WordTokenizer(rule, lowercases: lowercases), marks: settings["marks"]?.bool ?? true)
  }

  public var settings: JSON {
    [
      "tokenizer": .string(tokenizer.rule.rawValue), "lowercase": .bool(tokenizer.lowercases),
      "marks": .bool(hasMarks),
    ]
  }
  public var state: [String: Tensor] { [:] }
  public var document: JSON? { vocabulary.json }
  public var vocabularySize: Int { vocabulary.count }

  public func tokens(of text: String) -> [TextToken] {
    let words = tokenizer.words(of: text).map { word in
      let number = vocabulary[word]
      return TextToken(word, number: number ?? vocabulary.unknown, isUnknown: number == nil)
    }
    guard hasMarks else { return words }
    let mark = { (mark: Vocabulary.Mark, number: Int) in
      TextToken(mark.rawValue, number: number, isMark: true)
    }
    return [mark(.start, vocabulary.start)] + words + [mark(.end, vocabulary.end)]
  }
}
