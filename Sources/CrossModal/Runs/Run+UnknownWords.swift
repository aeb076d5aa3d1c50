extension Run {
  /// The words of a text that the modality's vocabulary lacks, in order, each once; none where it has no vocabulary.
  ///
  /// Signs of punctuation do not count.
  public func unknownWords(of text: String, side: Int) -> [String] {
    var seen: Set<String> = []
    return words(of: text, side: side)?.filter(\.isUnknown).map(\.text).filter { seen.insert($0).inserted }
      ?? []
  }

  /// What a person is to know of a text before it is searched with, in one sentence: that the vocabulary lacks some
  /// of its words, or has none of them; nil where all is well.
  public func warning(ofQuery text: String, side: Int) -> String? {
    guard let words = words(of: text, side: side) else { return nil }
    let isQuestion = about.task == .answering
    let (query, found) = isQuestion ? ("question", "the answer") : ("query", "what is found")
    guard !words.isEmpty else { return "the \(query) has no words, so \(found) means nothing" }
    let unknown = unknownWords(of: text, side: side)
    guard !unknown.isEmpty else { return nil }
    let mostNamed = 5
    let named = unknown.prefix(mostNamed).map { "'\($0)'" }
    let parts = unknown.count > mostNamed ? named + ["\(unknown.count - mostNamed) more"] : named
    let list =
      parts.dropLast().joined(separator: ", ") + (parts.count > 1 ? " and " : "") + (parts.last ?? "")
    return words.allSatisfy(\.isUnknown)
      ? "the run's vocabulary has no word of the \(query) (\(list)), so \(found) means nothing"
      : "the run's vocabulary lacks \(list); the \(isQuestion ? "answer" : "search") goes by the \(query)'s other words"
  }

  private func words(of text: String, side: Int) -> [TextToken]? {
    let featurizer = featurizers[modalities[side]] as? any WordFeaturizing
    return featurizer?.words(of: text).filter { !$0.text.allSatisfy(\.isPunctuation) }
  }
}
