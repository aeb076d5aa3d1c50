/// A word of a text as a model sees it.
public struct TextToken: Sendable, Equatable {
  /// The word as it stands in the text, after what the tokenizer did to it.
  public let text: String
  /// Its number.
  public let number: Int
  /// Whether it is a mark, such as the one in front of the first word, and no word of the text.
  public let isMark: Bool
  /// Whether the vocabulary lacks the word, so that it has the number of all unknown ones.
  public let isUnknown: Bool

  public init(_ text: String, number: Int, isMark: Bool = false, isUnknown: Bool = false) {
    self.text = text
    self.number = number
    self.isMark = isMark
    self.isUnknown = isUnknown
  }
}
