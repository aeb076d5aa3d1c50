/// Cuts texts into words for a ``Vocabulary``.
public struct WordTokenizer: Sendable, Equatable {
  /// Where words end.
  public enum Rule: String, Sendable, Codable, CaseIterable {
    /// As NLTK's `word_tokenize`: sentences, then the rules of the Penn Treebank (`don't` is `do`, `n't`).
    case nltk
    /// At white space, for texts that are cut into words already.
    case spaces
    /// As the programs of visual question answering: lower case without punctuation, digits for number words.
    case questions
  }

  /// Where words end.
  public let rule: Rule
  /// Whether texts are brought to lower case first.
  public let lowercases: Bool

  public init(_ rule: Rule = .nltk, lowercases: Bool = true) {
    self.rule = rule
    self.lowercases = lowercases
  }

  /// The words of a text in order.
  public func words(of text: String) -> [String] {
    let text = lowercases ? text.lowercasedByContext : text
    return switch rule {
    case .nltk: SentenceSplitter.sentences(of: text).flatMap(TreebankRules.words)
    case .spaces: text.unicodeScalars.split { $0.endsWord }.map { String($0) }
    case .questions: AnswerNormalizer.words(ofQuestion: text)
    }
  }

  /// The words of one sentence, which is not cut into sentences first.
  public func words(ofSentence text: String) -> [String] {
    let text = lowercases ? text.lowercasedByContext : text
    return rule == .nltk ? TreebankRules.words(of: text) : words(of: text)
  }
}
