/// A ``WordPieceTokenizer`` whose rows have one length: the tokenizer of BERT, MPNet and the sentence encoders over them.
public struct WordPieceRows: TextTokenizer {
  public let tokenizer: WordPieceTokenizer
  public let contextLength: Int

  /// - Parameter contextLength: most numbers of a text, those of the marks included.
  public init(_ tokenizer: WordPieceTokenizer, contextLength: Int) {
    self.tokenizer = tokenizer
    self.contextLength = max(2, contextLength)
  }

  public var vocabularySize: Int { tokenizer.pieces.count }
  public var padding: Int { tokenizer.padding }

  public func numbers(of text: String) -> [Int] { tokenizer.numbers(of: text, limit: contextLength) }

  public func tokens(of text: String) -> [TextToken] {
    let (start, end) = (tokenizer.start, tokenizer.end)
    return [TextToken(tokenizer.marks.start, number: start, isMark: true)]
      + tokenizer.tokens(of: text).prefix(contextLength - 2)
      + [TextToken(tokenizer.marks.end, number: end, isMark: true)]
  }

  public var document: JSON {
    var json = tokenizer.json
    json["crossmodal"] = ["context_length": .int(contextLength)]
    return json
  }
}
