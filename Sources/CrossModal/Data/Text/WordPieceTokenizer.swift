import Foundation

/// BERT's tokenizer: texts cut at white space and punctuation, and each word into the longest pieces that the
/// vocabulary has (Wu et al., 2016, as the published BERT of Devlin et al., NAACL 2019, uses it).
///
/// Numbers equal those of Hugging Face's `BertTokenizer`.
public struct WordPieceTokenizer: Sendable {
  /// What is done to texts before words are cut.
  public struct Settings: Sendable, Equatable {
    /// Bring to lower case and take the accents off, as uncased models want it.
    public var lowercases = true
    /// Make every Chinese character a word, as all but the first programs do.
    public var separatesChinese = true
    /// Take the accents off; nil where letters become small.
    public var stripsAccents: Bool?

    public init(lowercases: Bool = true, separatesChinese: Bool = true, stripsAccents: Bool? = nil) {
      self.lowercases = lowercases
      self.separatesChinese = separatesChinese
      self.stripsAccents = stripsAccents
    }
  }

  /// Pieces with a meaning of their own.
  public struct Marks: Sendable, Equatable {
    public var padding: String
    public var unknown: String
    public var start: String
    public var end: String

    /// BERT's unless told otherwise.
    public init(
      padding: String = "[PAD]", unknown: String = "[UNK]", start: String = "[CLS]", end: String = "[SEP]"
    ) {
      self.padding = padding
      self.unknown = unknown
      self.start = start
      self.end = end
    }

    /// MPNet's.
    public static let mpnet = Marks(padding: "<pad>", start: "<s>", end: "</s>")
  }

  /// Every piece in the order of its number; those that continue a word begin with `##`.
  public let pieces: [String]
  public let settings: Settings
  public let marks: Marks
  /// The number behind the last piece of a shorter text.
  public let padding: Int
  /// The number of words that cannot be cut into pieces.
  public let unknown: Int
  /// The number in front of the first piece.
  public let start: Int
  /// The number behind the last piece.
  public let end: Int
  /// Pieces that begin a word, and those that continue one.
  private let first: PieceTree
  private let further: PieceTree

  /// Words of more characters are unknown.
  static let longestWord = 100

  /// - Parameters:
  ///   - pieces: every piece in the order of its number; of a piece that occurs twice the last number counts.
  ///   - source: the file, for messages.
  /// - Throws: ``VocabularyError`` when the mark of unknown words or one of the ends is missing.
  public init(
    pieces: [String], settings: Settings = Settings(), marks: Marks = Marks(),
    from source: String = "the vocabulary"
  ) throws(VocabularyError) {
    var first = PieceTree()
    var further = PieceTree()
    for (number, piece) in pieces.enumerated() {
      first.insert(piece.unicodeScalars, number)
      // By scalars: a mark behind the signs joins the second one in a character of Swift.
      if piece.unicodeScalars.starts(with: "##".unicodeScalars) {
        further.insert(piece.unicodeScalars.dropFirst(2), number)
      }
    }
    func number(_ mark: String) throws(VocabularyError) -> Int {
      guard let number = first.number(of: mark.unicodeScalars) else {
        throw VocabularyError(source, "has no piece '\(mark)'")
      }
      return number
    }
    unknown = try number(marks.unknown)
    start = try number(marks.start)
    end = try number(marks.end)
    padding = first.number(of: marks.padding.unicodeScalars) ?? 0
    self.marks = marks
    self.pieces = pieces
    self.settings = settings
    self.first = first
    self.further = further
  }

  /// The tokenizer of a `vocab.txt`, one piece a line, or of a `tokenizer.json` that was written here or by Hugging
  /// Face's `tokenizers` for BERT.
  ///
  /// - Parameters:
  ///   - settings: instead of those of the file, which a `vocab.txt` has not.
  ///   - marks: instead of those of the file, which a `vocab.txt` has not.
  /// - Throws: ``VocabularyError``.
  public init(file: String, settings: Settings? = nil, marks: Marks? = nil) throws {
    guard FileManager.default.fileExists(atPath: file) else {
      throw VocabularyError(file, "there is no such file")
    }
    let data = try InputFile(URL(fileURLWithPath: file)).data
    guard let text = String(data: data, encoding: .utf8) else { throw VocabularyError(file, "is not UTF-8") }
    if text.first(where: { !$0.isWhitespace }) == "{" {
      guard let json = try? JSON(json: data) else { throw VocabularyError(file, "is no JSON") }
      try self.init(json: json, settings: settings, marks: marks, from: file)
      return
    }
    // By scalars: Swift takes the two characters of a Windows line end for one.
    var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      String(line.last == "\r" ? line.dropLast() : line)
    }
    if lines.last == "" { lines.removeLast() }
    try self.init(
      pieces: lines, settings: settings ?? Settings(), marks: marks ?? Marks(), from: file)
  }

  // MARK: - Texts

  /// The pieces of a text in order, without marks.
  public func tokens(of text: String) -> [TextToken] {
    words(of: text).flatMap { word in
      guard let numbers = numbers(ofWord: word) else {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: word)
        return [TextToken(String(view), number: unknown, isUnknown: true)]
      }
      return numbers.map { TextToken(pieces[$0], number: $0) }
    }
  }

  /// The numbers of a text between those of start and end.
  ///
  /// - Parameter limit: most numbers, start and end included; pieces behind are left out. None when nil.
  public func numbers(of text: String, limit: Int? = nil) -> [Int] {
    let inner = words(of: text).flatMap { numbers(ofWord: $0) ?? [unknown] }
    return [start] + (limit.map { Array(inner.prefix(max(0, $0 - 2))) } ?? inner) + [end]
  }

  /// The longest pieces from left to right; nil when a rest cannot be cut.
  private func numbers(ofWord word: [Unicode.Scalar]) -> [Int]? {
    guard word.count <= Self.longestWord else { return nil }
    var found: [Int] = []
    var start = 0
    while start < word.count {
      guard let (number, length) = (start == 0 ? first : further).longest(in: word[start...]) else {
        return nil
      }
      found.append(number)
      start += length
    }
    return found
  }
}

// MARK: - Words

extension WordPieceTokenizer {
  /// Words and punctuation of a text after cleaning.
  func words(of text: String) -> [[Unicode.Scalar]] {
    var cleaned: [Unicode.Scalar] = []
    for scalar in text.unicodeScalars where !Self.isDropped(scalar) {
      if scalar.isBlank {
        cleaned.append(" ")
      } else if settings.separatesChinese, Self.isChinese(scalar) {
        cleaned += [" ", scalar, " "]
      } else {
        cleaned.append(scalar)
      }
    }
    cleaned = Self.plain(
      cleaned, lowercases: settings.lowercases, stripsAccents: settings.stripsAccents ?? settings.lowercases)
    var words: [[Unicode.Scalar]] = []
    var word: [Unicode.Scalar] = []
    func end() {
      if !word.isEmpty { words.append(word) }
      word = []
    }
    for scalar in cleaned {
      if scalar.isBlank {
        end()
      } else if Self.isPunctuation(scalar) {
        end()
        words.append([scalar])
      } else {
        word.append(scalar)
      }
    }
    end()
    return words
  }

  /// Lower case, and without the marks that a decomposed letter carries.
  private static func plain(
    _ scalars: [Unicode.Scalar], lowercases: Bool, stripsAccents: Bool
  ) -> [Unicode.Scalar] {
    guard lowercases || stripsAccents else { return scalars }
    if scalars.allSatisfy(\.isASCII) {
      return lowercases ? scalars.map { $0.properties.lowercaseMapping.unicodeScalars.first ?? $0 } : scalars
    }
    let text = lowercases ? String(scalars).lowercased() : String(scalars)
    guard stripsAccents else { return Array(text.unicodeScalars) }
    return text.decomposedStringWithCanonicalMapping.unicodeScalars.filter {
      $0.properties.generalCategory != .nonspacingMark
    }
  }

  /// Control characters and what stands for broken ones.
  private static func isDropped(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "\t", "\n", "\r": false
    case "\0", "\u{FFFD}": true
    default:
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .privateUse, .unassigned: true
      default: false
      }
    }
  }

  private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 33...47, 58...64, 91...96, 123...126: true
    case 0...127: false
    default:
      switch scalar.properties.generalCategory {
      case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
        .finalPunctuation, .otherPunctuation:
        true
      default: false
      }
    }
  }

  /// The blocks of unified ideographs; not kana and hangul, whose words have blanks or pieces.
  private static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
      0x2B820...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}

// MARK: - Files

extension WordPieceTokenizer {
  /// The tree of `tokenizer.json`: Hugging Face's form, as far as it says something here.
  public var json: JSON {
    [
      "version": "1.0",
      "normalizer": [
        "type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": .bool(settings.separatesChinese),
        "strip_accents": settings.stripsAccents.map(JSON.bool) ?? .null,
        "lowercase": .bool(settings.lowercases),
      ],
      "pre_tokenizer": ["type": "BertPreTokenizer"],
      "post_processor": [
        "type": "BertProcessing", "sep": [.string(marks.end), .int(end)],
        "cls": [.string(marks.start), .int(start)],
      ],
      "padding": ["pad_id": .int(padding), "pad_token": .string(marks.padding)],
      "model": [
        "type": "WordPiece", "unk_token": .string(marks.unknown), "continuing_subword_prefix": "##",
        "max_input_chars_per_word": .int(Self.longestWord),
        "vocab": .object(pieces.enumerated().map { JSON.Member($1, .int($0)) }),
      ],
    ]
  }

  /// A tokenizer from the tree of a `tokenizer.json`.
  ///
  /// - Throws: ``VocabularyError`` when it is of another kind or not whole.
  public init(
    json: JSON, settings: Settings? = nil, marks: Marks? = nil, from source: String
  ) throws(VocabularyError) {
    let model = json["model"]
    guard model?["type"]?.string ?? "WordPiece" == "WordPiece", let members = model?["vocab"]?.members else {
      throw VocabularyError(source, "is no WordPiece tokenizer (an object with 'model.vocab')")
    }
    var pieces = [String?](repeating: nil, count: members.count)
    for member in members {
      guard let number = member.value.int, pieces.indices.contains(number), pieces[number] == nil else {
        throw VocabularyError(
          source,
          "gives '\(member.key)' the number \(member.value.text()), expected each of 0 to "
            + "\(members.count - 1) once")
      }
      pieces[number] = member.key
    }
    let normalizer = json["normalizer"]
    let own = Settings(
      lowercases: normalizer?["lowercase"]?.bool ?? true,
      separatesChinese: normalizer?["handle_chinese_chars"]?.bool ?? true,
      stripsAccents: normalizer?["strip_accents"]?.bool)
    try self.init(
      pieces: pieces.compactMap { $0 }, settings: settings ?? own, marks: marks ?? Marks(tokenizer: json),
      from: source)
  }
}

extension WordPieceTokenizer.Marks {
  /// The marks that a `tokenizer.json` names; BERT's where it names none.
  init(tokenizer json: JSON) {
    self.init()
    if let mark = json["model"]?["unk_token"]?.string { unknown = mark }
    if let mark = json["padding"]?["pad_token"]?.string { padding = mark }
    let ends = json["post_processor"] ?? .null
    if ends["type"]?.string == "TemplateProcessing" {
      let names = (ends["single"]?.array ?? []).compactMap { $0["SpecialToken"]?["id"]?.string }
      if let first = names.first, let last = names.last, names.count == 2 { (start, end) = (first, last) }
    } else {
      if let mark = ends["cls"]?.array?.first?.string { start = mark }
      if let mark = ends["sep"]?.array?.first?.string { end = mark }
    }
    // What fills rows stands in the files only where rows are filled.
    if json["padding"]?["pad_token"] == nil, start == "<s>" { padding = Self.mpnet.padding }
  }
}
