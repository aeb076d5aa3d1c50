/// The words of captions one after the other, between the marks of start and end, for methods that write texts.
///
/// Words are those of the training part that occur often enough, or of a published vocabulary. A run folder holds them
/// as `captions.json`, in the form of ``Vocabulary``.
public struct CaptionWords: TargetEncoder {
  public static let documentName = "captions"
  public static let fileKeys = ["vocabulary"]

  public struct Configuration: MethodConfiguration {
    public var threshold = 5
    public var mostWords: Int?
    public var vocabulary: String?
    public var tokenizer = WordTokenizer.Rule.nltk
    public var lowercase = true

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "threshold", "how often a word must occur to have a number of its own",
        aliases: ["min_word_count", "vocab_threshold", "word_threshold"], in: .count(from: 1)),
      ConfigurationKey(
        "most_words",
        "numbers that there are at most, marks included: the most frequent words; null for no limit",
        aliases: ["n_words"], in: .count(from: 1, or: "null")),
      ConfigurationKey(
        "vocabulary",
        "a file with the words and their numbers (.json, or .pkl of the older programs); null counts",
        aliases: ["vocab", "vocab_path"]),
      ConfigurationKey("tokenizer", "nltk (word_tokenize, with its sentences), or spaces"),
      ConfigurationKey("lowercase", "bring texts to lower case first", aliases: ["lower_case"]),
    ]

    public func validateRelations() throws {
      let marks = Vocabulary.Mark.allCases.count
      if let mostWords, mostWords <= marks {
        throw ConfigurationError.badValue(
          key: "most_words", value: "\(mostWords)", expected: "more than the \(marks) marks, or null")
      }
    }
  }

  /// What makes numbers of the words.
  public let words: WordFeaturizer

  public init(_ words: WordFeaturizer) { self.words = words }

  public init(fittedTo source: TargetSource, _ configuration: Configuration) throws {
    var own = WordFeaturizer.Configuration()
    own.threshold = configuration.threshold
    own.vocabulary = configuration.vocabulary
    own.tokenizer = configuration.tokenizer
    own.lowercase = configuration.lowercase
    let texts = FeaturizerSource(count: source.count) { .texts(try source.texts($0).flatMap { $0 }) }
    let all = try WordFeaturizer(fittedTo: texts, own)
    guard let most = configuration.mostWords, all.vocabulary.count > most, configuration.vocabulary == nil
    else {
      self.init(all)
      return
    }
    // The marks come first, then the most frequent words.
    let kept = try Vocabulary(words: Array(all.vocabulary.words.prefix(most)))
    self.init(WordFeaturizer(kept, tokenizer: all.tokenizer))
  }

  public init(settings: JSON, document: JSON) throws {
    self.init(try WordFeaturizer(settings: settings, state: [:], document: document))
  }

  /// Those of the words but for the marks, which captions always have.
  public var settings: JSON { .object((words.settings.members ?? []).filter { $0.key != "marks" }) }
  public var document: JSON { words.vocabulary.json }

  public func output(named name: String) -> DataDescription.Target {
    let own = words.vocabulary
    return .init(
      name: name, texts: own.words,
      marks: .init(padding: own.padding, start: own.start, end: own.end, unknown: own.unknown))
  }

  /// The words' numbers between those of start and end.
  public func numbers(of texts: [String]) -> [Int] {
    texts.flatMap { words.tokens(of: $0).map(\.number) }
  }
}
