/// The words of captions one after the other, between the marks of start and end, for methods that write texts.
///
/// Words are those of the training part that occur often enough, or of a published vocabulary. A run folder holds them
/// as `captions.json`, in the form of ``Vocabulary``.
public struct CaptionWords: TargetEncoder {
  public static let documentName = "captions"
  public static let fileKeys = ["vocabulary"]

  /// The settings of words, which are had as its own, and how many there are at most.
  @dynamicMemberLookup
  public struct Configuration: MethodConfiguration {
    /// What captions are made of; they always have marks, and are counted in the training part.
    public var words = WordFeaturizer.Configuration()
    public var mostWords: Int?

    public init() { words.threshold = 5 }

    public static var inlined: String? { "words" }

    public subscript<Value>(dynamicMember setting: WritableKeyPath<WordFeaturizer.Configuration, Value>)
      -> Value
    {
      get { words[keyPath: setting] }
      set { words[keyPath: setting] = newValue }
    }

    public static let keys: [ConfigurationKey] = {
      let most = ConfigurationKey(
        "most_words",
        "numbers that there are at most, marks included: the most frequent words; null for no limit",
        aliases: ["n_words"], in: .count(from: 1, or: "null"))
      let words = WordFeaturizer.Configuration.keys.filter { !["splits", "marks"].contains($0.name) }
      return Array(words.prefix(1)) + [most] + words.dropFirst()
    }()

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
    let texts = FeaturizerSource(count: source.count) { .texts(try source.texts($0).flatMap { $0 }) }
    let all = try WordFeaturizer(fittedTo: texts, configuration.words)
    guard let most = configuration.mostWords, all.vocabulary.count > most,
      configuration.words.vocabulary == nil
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
