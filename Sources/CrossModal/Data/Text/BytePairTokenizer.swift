import Foundation

/// CLIP's tokenizer: words cut by class of character, and the bytes of each joined pair by pair in the order in which a
/// vocabulary learned its merges (Sennrich et al., ACL 2016; Radford et al., ICML 2021).
///
/// Numbers equal those of OpenAI's and open_clip's programs, or of Hugging Face's where the file is theirs
/// (``TextCleaning``).
public struct BytePairTokenizer: TextTokenizer {
  /// Two pieces that become one.
  struct Merge: Sendable {
    let first: String
    let second: String
  }

  public let contextLength: Int
  public let padding: Int
  public let clean: TextCleaning
  public let vocabularySize: Int
  /// The number in front of the first piece.
  public let start: Int
  /// The number behind the last piece.
  public let end: Int
  /// How the two are written in texts, where they become the marks themselves.
  let marks: [String]
  private let markScalars: [[Unicode.Scalar]]
  /// Pieces and their numbers as the file has them.
  let pieces: [(piece: String, number: Int)]
  let merges: [Merge]

  /// Pieces that bytes begin as: in a word, and at its end.
  private let inner: [Int32]
  private let last: [Int32]
  /// By the two symbols: the place of the merge, and what it gives.
  private let joined: [UInt64: Join]
  /// The number of each symbol.
  private let numbers: [Int32]
  private let cache = WordCache()

  private struct Join: Sendable {
    let rank: Int32
    let symbol: Int32
  }

  /// - Parameters:
  ///   - pieces: the vocabulary; of a piece that occurs twice the last number counts.
  ///   - merges: in order.
  ///   - start: how the mark in front is written.
  ///   - end: how the mark behind is written.
  ///   - written: how the two are written in texts where other than in the vocabulary.
  ///   - padding: number behind the end; nil for 0, or with ``TextCleaning/huggingface`` that of the end.
  ///   - source: the file, for messages.
  /// - Throws: ``VocabularyError`` for a mark or the piece of a merge that is missing.
  init(
    pieces: [(piece: String, number: Int)], merges: [Merge], start: String, end: String,
    written: [String]? = nil, clean: TextCleaning = .openai, contextLength: Int = 77, padding: Int? = nil,
    from source: String = "the vocabulary"
  ) throws(VocabularyError) {
    var known: [ExactText: Int] = [:]
    for (piece, number) in pieces {
      guard (0..<Self.mostNumbers).contains(number) else {
        throw VocabularyError(
          source, "gives '\(piece.shortened)' the number \(number), expected 0 to \(Self.mostNumbers - 1)")
      }
      known[ExactText(piece)] = number
    }
    func mark(_ name: String) throws(VocabularyError) -> Int {
      guard let number = known[ExactText(name)] else {
        throw VocabularyError(source, "has no piece '\(name)'")
      }
      return number
    }
    guard contextLength >= 2 else {
      throw VocabularyError(source, "cannot give rows of \(contextLength) numbers: two are marks")
    }
    self.start = try mark(start)
    self.end = try mark(end)
    self.pieces = pieces
    self.merges = merges
    self.clean = clean
    self.contextLength = contextLength
    self.padding = padding ?? (clean == .huggingface ? self.end : 0)
    marks = written ?? [start, end]
    markScalars = marks.map { Array($0.unicodeScalars) }
    vocabularySize = (pieces.map(\.number).max() ?? -1) + 1

    var symbols: [ExactText: Int32] = [:]
    var numbers: [Int32] = []
    // What the vocabulary has not is the mark of the end, as Hugging Face's CLIP has it.
    let unknown = Int32(self.end)
    func symbol(_ piece: String) -> Int32 {
      let name = ExactText(piece)
      if let found = symbols[name] { return found }
      let new = Int32(numbers.count)
      symbols[name] = new
      numbers.append(known[name].map(Int32.init) ?? unknown)
      return new
    }
    inner = (0..<256).map { symbol(String(ByteSigns.signs[$0])) }
    last = (0..<256).map { symbol(String(ByteSigns.signs[$0]) + Self.wordEnd) }
    var joined: [UInt64: Join] = [:]
    for (rank, merge) in merges.enumerated() {
      let whole = merge.first + merge.second
      guard known[ExactText(whole)] != nil else {
        throw VocabularyError(source, "has no piece '\(whole.shortened)', which merge \(rank) gives")
      }
      joined[Self.pair(symbol(merge.first), symbol(merge.second))] = Join(
        rank: Int32(rank), symbol: symbol(whole))
    }
    self.joined = joined
    self.numbers = numbers
  }

  /// What the last piece of a word ends with.
  static let wordEnd = "</w>"
  private static let mostNumbers = 1 << 24

  private static func pair(_ first: Int32, _ second: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
  }

  // MARK: - Texts

  public func numbers(of text: String) -> [Int] {
    var row = [start]
    for word in words(of: text) where row.count < contextLength {
      switch word {
      case .mark(let number): row.append(number)
      case .text(let scalars): row += numbers(ofWord: scalars)
      }
    }
    return row.prefix(contextLength - 1) + [end]
  }

  public func tokens(of text: String) -> [TextToken] {
    let names = Dictionary(pieces.map { ($0.number, $0.piece) }) { $1 }
    return numbers(of: text).map { number in
      TextToken(
        ByteSigns.text(of: names[number] ?? ""), number: number, isMark: number == start || number == end)
    }
  }

  private enum Word {
    /// A mark that stands in the text.
    case mark(Int)
    case text(ArraySlice<Unicode.Scalar>)
  }

  /// Marks and words of a text after cleaning, in order.
  private func words(of text: String) -> [Word] {
    guard clean == .huggingface else {
      return words(of: Array(clean.cleaned(text).unicodeScalars), ignoringCase: true)
    }
    // Marks first, as they are written; the rest is cleaned part by part.
    let whole = Array(text.unicodeScalars)
    var (found, part, place) = ([Word](), 0, 0)
    func add(to end: Int) {
      guard end > part else { return }
      found += words(of: Array(clean.cleaned(String(whole[part..<end])).unicodeScalars), ignoringCase: false)
    }
    while place < whole.count {
      if let (number, length) = mark(in: whole[place...]) {
        add(to: place)
        found.append(.mark(number))
        place += length
        part = place
      } else {
        place += 1
      }
    }
    add(to: whole.count)
    return found
  }

  private func mark(in rest: ArraySlice<Unicode.Scalar>) -> (number: Int, length: Int)? {
    for (mark, number) in zip(markScalars, [start, end]) where rest.starts(with: mark) {
      return (number, mark.count)
    }
    return nil
  }

  /// Marks, suffixes of English, letters, single numbers and what is left, in a text after cleaning.
  private func words(of scalars: [Unicode.Scalar], ignoringCase: Bool) -> [Word] {
    var (found, place) = ([Word](), 0)
    while place < scalars.count {
      let rest = scalars[place...]
      let kind = WordClass(scalars[place])
      if kind == .blank {
        place += 1
        continue
      }
      if ignoringCase, let word = writtenMark(in: rest) {
        if let exact = mark(in: rest) {
          found.append(.mark(exact.number))
        } else {
          found.append(.text(rest.prefix(word)))
        }
        place += word
        continue
      }
      let length: Int
      if let suffix = Self.suffix(of: rest, ignoringCase: ignoringCase) {
        length = suffix
      } else {
        length = kind == .number ? 1 : rest.prefix { WordClass($0) == kind }.count
      }
      found.append(.text(rest.prefix(length)))
      place += length
    }
    return found
  }

  /// The length of a mark that is written in whatever case; in another than its own it is one word.
  private func writtenMark(in rest: ArraySlice<Unicode.Scalar>) -> Int? {
    guard rest.first == "<" else { return nil }
    return markScalars.first { mark in
      rest.prefix(mark.count).map(Self.folded) == mark.map(Self.folded)
    }?.count
  }

  /// What case folding brings together with a letter of ASCII.
  private static func folded(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.value {
    case 0x41...0x5A: Unicode.Scalar(scalar.value + 0x20) ?? scalar
    case 0x17F: "s"
    case 0x212A: "k"
    default: scalar
    }
  }

  /// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at the beginning of a text.
  private static func suffix(of rest: ArraySlice<Unicode.Scalar>, ignoringCase: Bool) -> Int? {
    guard rest.first == "'" else { return nil }
    let letters = rest.dropFirst().prefix(2).map { ignoringCase ? folded($0) : $0 }
    switch letters.first {
    case "s", "t", "m", "d": return 2
    case "r", "v": return letters.dropFirst().first == "e" ? 3 : nil
    case "l": return letters.dropFirst().first == "l" ? 3 : nil
    default: return nil
    }
  }

  private enum WordClass {
    case blank, letter, number, other

    init(_ scalar: Unicode.Scalar) {
      switch scalar.value {
      case 0x41...0x5A, 0x61...0x7A: self = .letter
      case 0x30...0x39: self = .number
      case 0..<0x80: self = scalar.isBlank ? .blank : .other
      default:
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
          self = .letter
        case .decimalNumber, .letterNumber, .otherNumber: self = .number
        default: self = scalar.isBlank ? .blank : .other
        }
      }
    }
  }

  // MARK: - Words

  private func numbers(ofWord word: ArraySlice<Unicode.Scalar>) -> [Int] {
    let bytes = Array(String(word).utf8)
    if let known = cache[bytes] { return known }
    let found = symbols(of: bytes).map { Int(numbers[Int($0)]) }
    cache[bytes] = found
    return found
  }

  /// Joins, again and again, all places of the neighboring pair whose merge was learned first.
  private func symbols(of bytes: [UInt8]) -> [Int32] {
    var word = bytes.enumerated().map { $0 == bytes.count - 1 ? last[Int($1)] : inner[Int($1)] }
    while word.count > 1 {
      var best: (pair: UInt64, join: Join)?
      for place in 0..<word.count - 1 {
        let pair = Self.pair(word[place], word[place + 1])
        if let join = joined[pair], join.rank < best?.join.rank ?? .max { best = (pair, join) }
      }
      guard let best else { break }
      var (shorter, place) = ([Int32](), 0)
      shorter.reserveCapacity(word.count)
      while place < word.count {
        if place + 1 < word.count, Self.pair(word[place], word[place + 1]) == best.pair {
          shorter.append(best.join.symbol)
          place += 2
        } else {
          shorter.append(word[place])
          place += 1
        }
      }
      word = shorter
    }
    return word
  }
}

/// The sign that stands for each byte in the pieces of a byte-level vocabulary.
enum ByteSigns {
  /// By byte: the character of Latin-1 where that is one to see, else one from U+0100 on.
  static let signs: [Unicode.Scalar] = {
    var (signs, next) = ([Unicode.Scalar](), UInt32(0x100))
    for byte in UInt32(0)..<256 {
      if isSeen(byte) {
        signs.append(Unicode.Scalar(byte) ?? "?")
      } else {
        signs.append(Unicode.Scalar(next) ?? "?")
        next += 1
      }
    }
    return signs
  }()

  /// The signs in the order in which OpenAI's vocabulary numbers them.
  static let inOrder: [Unicode.Scalar] = signs.indices.sorted { a, b in
    let (first, second) = (isSeen(UInt32(a)), isSeen(UInt32(b)))
    return first == second ? a < b : first
  }.map { signs[$0] }

  private static func isSeen(_ byte: UInt32) -> Bool {
    (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte)
  }

  private static let bytes = Dictionary(uniqueKeysWithValues: signs.enumerated().map { ($1, UInt8($0)) })

  /// The text that a piece stands for; a part of a character as U+FFFD.
  static func text(of piece: String) -> String {
    let scalars = piece.hasSuffix(BytePairTokenizer.wordEnd) ? piece.dropLast(4) : piece[...]
    let found = scalars.unicodeScalars.map { bytes[$0] }
    return found.contains(nil) ? String(scalars) : String(decoding: found.compactMap { $0 }, as: UTF8.self)
  }
}

/// What words became, for words that come again.
private final class WordCache: @unchecked Sendable {
  // Every access is under the lock.
  private var known: [[UInt8]: [Int]] = [:]
  private let lock = NSLock()

  private static let (most, longest) = (1 << 16, 64)

  subscript(word: [UInt8]) -> [Int]? {
    get { word.count > Self.longest ? nil : lock.withLock { known[word] } }
    set {
      guard word.count <= Self.longest else { return }
      lock.withLock {
        if known.count >= Self.most { known.removeAll() }
        known[word] = newValue
      }
    }
  }
}
