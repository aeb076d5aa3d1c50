import Foundation

/// SigLIP's tokenizer: a text cut into the pieces of a SentencePiece vocabulary whose scores add up to the most (Kudo,
/// ACL 2018), after small letters and without punctuation.
///
/// A row ends with the mark of the end, and the padding is that mark again. SigLIP reads the padding.
public struct UnigramTokenizer: TextTokenizer {
  /// What is done to a text first.
  public struct Settings: Sendable, Equatable {
    public var lowercases = true
    /// Take the 32 signs of ASCII off.
    public var removesPunctuation = true

    public init(lowercases: Bool = true, removesPunctuation: Bool = true) {
      self.lowercases = lowercases
      self.removesPunctuation = removesPunctuation
    }
  }

  public let settings: Settings
  public let contextLength: Int
  public var vocabularySize: Int { model.pieces.count }
  public var padding: Int { end }
  public var readsPadding: Bool { true }

  private let model: SentencePieceModel
  private let map: CharacterMap
  /// Pieces that texts are cut into.
  private let tree: PieceTree
  /// Those that stay as they are written.
  private let kept: PieceTree
  private let scores: [Float]
  private let unknownScore: Float
  private let unknown: Int
  private let end: Int
  /// Pieces of single bytes, for what has no other; nil without them.
  private let bytes: [Int]?

  /// The mark for a blank.
  static let blank: Unicode.Scalar = "\u{2581}"
  private static let endPiece = "</s>"
  /// How much less than the worst piece an unknown character counts.
  private static let unknownPenalty: Float = 10

  /// - Throws: ``VocabularyError``, ``DataError``.
  public init(file: URL, settings: Settings = Settings(), contextLength: Int = 64) throws {
    try self.init(SentencePieceModel(file: file), settings, contextLength, file.relativeName)
  }

  init(
    _ model: SentencePieceModel, _ settings: Settings, _ contextLength: Int, _ source: String
  ) throws(VocabularyError) {
    guard contextLength >= 1 else {
      throw VocabularyError(source, "cannot give rows of \(contextLength) numbers")
    }
    guard let map = CharacterMap(model.characterMap) else {
      throw VocabularyError(source, "has a damaged map of characters")
    }
    guard let unknown = model.pieces.firstIndex(where: { $0.kind == .unknown }) else {
      throw VocabularyError(source, "has no piece for what is unknown")
    }
    guard let end = model.pieces.firstIndex(where: { $0.text.hasSameBytes(as: Self.endPiece) }) else {
      throw VocabularyError(source, "has no piece '\(Self.endPiece)'")
    }
    var (tree, kept) = (PieceTree(), PieceTree())
    var (worst, best) = (Float.greatestFiniteMagnitude, -Float.greatestFiniteMagnitude)
    for (number, piece) in model.pieces.enumerated() where [.normal, .userDefined].contains(piece.kind) {
      tree.insert(piece.text.unicodeScalars, number)
      if piece.kind == .userDefined {
        kept.insert(piece.text.unicodeScalars, number)
      } else {
        worst = min(worst, piece.score)
        best = max(best, piece.score)
      }
    }
    // Pieces that the user of the training program named win over any cut.
    scores = model.pieces.map {
      $0.kind == .userDefined ? Float($0.text.utf8.count) * best - 0.1 : $0.score
    }
    let byte = model.pieces.enumerated().filter { $1.kind == .byte }.map(\.offset)
    bytes = byte.count == 256 ? byte : nil
    unknownScore = worst - Self.unknownPenalty
    self.map = map
    self.tree = tree
    self.kept = kept
    self.unknown = unknown
    self.end = end
    self.model = model
    self.settings = settings
    self.contextLength = contextLength
  }

  // MARK: - Texts

  public func numbers(of text: String) -> [Int] {
    pieces(of: text).prefix(contextLength - 1).map(\.number) + [end]
  }

  public func tokens(of text: String) -> [TextToken] {
    pieces(of: text).prefix(contextLength - 1).map { piece in
      TextToken(
        String(piece.text.map { $0 == Self.blank ? " " : $0 }), number: piece.number,
        isUnknown: piece.number == unknown)
    } + [TextToken(Self.endPiece, number: end, isMark: true)]
  }

  private struct Cut {
    var number: Int
    var text: ArraySlice<Unicode.Scalar>
  }

  /// A text as the pieces see it: prepared, a mark in front, marks for blanks; empty for an empty text.
  private func prepared(_ text: String) -> [Unicode.Scalar] {
    var text = settings.lowercases ? text.lowercasedByContext : text
    if settings.removesPunctuation { text = String(text.unicodeScalars.filter { !$0.isASCIIPunctuation }) }
    text = String(text.unicodeScalars.map { $0 == Self.blank ? " " : $0 }).blanksJoined()
    guard !text.isEmpty else { return [] }
    let mapped = mapped(text)
    let words = mapped.split(separator: " ", omittingEmptySubsequences: model.removesExtraBlanks)
    guard !words.allSatisfy(\.isEmpty) else { return [] }
    return words.flatMap { [Self.blank] + $0 }
  }

  private func mapped(_ text: String) -> [Unicode.Scalar] {
    let scalars = Array(text.unicodeScalars)
    var (result, part, place) = ([Unicode.Scalar](), 0, 0)
    while place < scalars.count {
      if let (_, length) = kept.longest(in: scalars[place...]) {
        result +=
          map.applied(to: String(scalars[part..<place])).unicodeScalars + scalars[place..<place + length]
        place += length
        part = place
      } else {
        place += 1
      }
    }
    return result + map.applied(to: String(scalars[part...])).unicodeScalars
  }

  /// The cut of the largest sum of scores; of equal ones the first that is found.
  private func pieces(of text: String) -> [Cut] {
    let scalars = prepared(text)
    struct Best {
      var score: Float
      var start: Int
      var number: Int
    }
    var best = [Best?](repeating: nil, count: scalars.count + 1)
    best[0] = Best(score: 0, start: 0, number: 0)
    for start in scalars.indices {
      guard let before = best[start]?.score else { continue }
      func offer(_ number: Int, _ length: Int, _ score: Float) {
        if let known = best[start + length], known.score >= before + score { return }
        best[start + length] = Best(score: before + score, start: start, number: number)
      }
      var hasSingle = false
      tree.forEach(in: scalars[start...]) { number, length in
        offer(number, length, scores[number])
        if length == 1 { hasSingle = true }
      }
      if !hasSingle { offer(unknown, 1, unknownScore) }
    }
    var (cuts, place) = ([Cut](), scalars.count)
    while place > 0, let found = best[place] {
      cuts.append(Cut(number: found.number, text: scalars[found.start..<place]))
      place = found.start
    }
    return joined(cuts.reversed())
  }

  /// Neighboring unknown characters as one piece, or each as its bytes where there are pieces for these.
  private func joined(_ cuts: [Cut]) -> [Cut] {
    var result: [Cut] = []
    for cut in cuts {
      if cut.number == unknown, let bytes {
        result += String(cut.text).utf8.map { Cut(number: bytes[Int($0)], text: cut.text) }
      } else if cut.number == unknown, let last = result.last, last.number == unknown {
        result[result.count - 1].text = ArraySlice(last.text + cut.text)
      } else {
        result.append(cut)
      }
    }
    return result
  }
}

// MARK: - What a run holds

extension UnigramTokenizer {
  private static let section = "crossmodal"

  public var document: JSON {
    var pieces: [JSON] = []
    var kinds: [JSON.Member] = []
    for (number, piece) in model.pieces.enumerated() {
      pieces.append([.string(piece.text), .double(Double(piece.score))])
      if piece.kind != .normal { kinds.append(JSON.Member(String(number), .int(piece.kind.rawValue))) }
    }
    return [
      "version": "1.0", "padding": ["pad_id": .int(padding)],
      "normalizer": [
        "type": "Precompiled",
        "precompiled_charsmap": .string(Data(model.characterMap).base64EncodedString()),
      ],
      "model": ["type": "Unigram", "unk_id": .int(unknown), "vocab": .array(pieces)],
      Self.section: [
        "kinds": .object(kinds), "context_length": .int(contextLength),
        "lowercase": .bool(settings.lowercases), "remove_punctuation": .bool(settings.removesPunctuation),
        "remove_extra_whitespaces": .bool(model.removesExtraBlanks),
      ],
    ]
  }

  /// The tokenizer of a `tokenizer.json` with a unigram model.
  ///
  /// - Throws: ``VocabularyError`` when it is not whole.
  init(
    json: JSON, settings: Settings? = nil, contextLength: Int? = nil, from source: String
  ) throws(VocabularyError) {
    guard json["model"]?["type"]?.string == "Unigram", let vocabulary = json["model"]?["vocab"]?.array else {
      throw VocabularyError(source, "is no unigram tokenizer (an object with 'model.vocab')")
    }
    let own = json[Self.section]
    let unknown = json["model"]?["unk_id"]?.int
    var kinds: [Int: SentencePieceModel.Kind] = [:]
    for added in json["added_tokens"]?.array ?? [] {
      if let number = added["id"]?.int, added["special"]?.bool == true { kinds[number] = .control }
    }
    if let unknown { kinds[unknown] = .unknown }
    for member in own?["kinds"]?.members ?? [] {
      if let number = Int(member.key) {
        kinds[number] = member.value.int.flatMap(SentencePieceModel.Kind.init)
      }
    }
    var pieces: [SentencePieceModel.Piece] = []
    for (number, entry) in vocabulary.enumerated() {
      guard let parts = entry.array, parts.count == 2, let text = parts[0].string,
        let score = parts[1].double,
        score.isFinite
      else {
        throw VocabularyError(
          source, "'model.vocab' \(number) is \(entry.text().shortened), expected a piece and its score")
      }
      pieces.append(.init(text: text, score: Float(score), kind: kinds[number] ?? .normal))
    }
    let map = try Self.characterMap(json["normalizer"] ?? .null, source)
    try self.init(
      SentencePieceModel(
        pieces: pieces, characterMap: map,
        removesExtraBlanks: own?["remove_extra_whitespaces"]?.bool ?? true),
      settings
        ?? Settings(
          lowercases: own?["lowercase"]?.bool ?? true,
          removesPunctuation: own?["remove_punctuation"]?.bool ?? true),
      contextLength ?? own?["context_length"]?.int ?? 64, source)
  }

  /// The character map of a normalizer or of one among several.
  private static func characterMap(_ json: JSON, _ source: String) throws(VocabularyError) -> [UInt8] {
    if let text = json["precompiled_charsmap"]?.string {
      guard let data = Data(base64Encoded: text) else {
        throw VocabularyError(source, "has a damaged map of characters")
      }
      return Array(data)
    }
    for part in json["normalizers"]?.array ?? [] {
      let found = try characterMap(part, source)
      if !found.isEmpty { return found }
    }
    return []
  }
}
