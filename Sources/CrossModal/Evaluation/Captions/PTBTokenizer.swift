import Foundation

/// Splits English captions as the COCO caption evaluation does: Stanford's PTBTokenizer 3.4.1 in lower case,
/// then without punctuation (`show-attend-tell.md` section 6).
public enum PTBTokenizer {
  /// The words of a caption, without punctuation.
  public static func words(of caption: String) -> [String] {
    // No punctuation begins with a letter or a digit, as nearly all words do.
    tokens(of: caption).filter { token in
      token.utf8.first.map { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) } ?? false
        || !punctuation.contains(token)
    }
  }

  /// Every token of a caption, punctuation included.
  public static func tokens(of caption: String) -> [String] {
    var scanner = CaptionScanner(caption)
    return scanner.tokens()
  }

  /// What the COCO evaluation drops. Brackets are written in lower case by then, so they stay.
  private static let punctuation: Set<String> = [
    "''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";",
  ]
}

/// A character as the rules see it: ASCII as it is, any other by its properties.
private struct Mark: Equatable, ExpressibleByUnicodeScalarLiteral {
  let value: UInt8

  init(ascii: UInt8) { value = ascii }

  init(unicodeScalarLiteral scalar: Unicode.Scalar) { value = UInt8(ascii: scalar) }

  init(_ character: Character) {
    // A line's end may be two bytes in one character.
    if let ascii = character.asciiValue {
      value = ascii
      return
    }
    var value = Self.other
    if character.isLetter { value |= Self.letter }
    if character.isNumber { value |= Self.number }
    if character.isWhitespace { value |= Self.space }
    if "\u{2012}\u{2013}\u{2014}\u{2015}".contains(character) { value |= Self.dash }
    if character == "\u{2026}" { value |= Self.ellipsis }
    self.value = value
  }

  private static let other: UInt8 = 0x80
  private static let letter: UInt8 = 1
  private static let number: UInt8 = 2
  private static let space: UInt8 = 4
  private static let dash: UInt8 = 8
  private static let ellipsis: UInt8 = 16

  private func has(_ property: UInt8) -> Bool { value & (Self.other | property) == Self.other | property }

  var isLetter: Bool { value < 0x80 ? (0x61...0x7A).contains(value) : has(Self.letter) }
  var isNumber: Bool { value < 0x80 ? (0x30...0x39).contains(value) : has(Self.number) }
  var isWhitespace: Bool {
    value < 0x80 ? value == 0x20 || (0x09...0x0D).contains(value) : has(Self.space)
  }
  var isDash: Bool { has(Self.dash) }
  var isEllipsis: Bool { has(Self.ellipsis) }

  func isOne(of characters: StaticString) -> Bool {
    for place in 0..<characters.utf8CodeUnitCount where characters.utf8Start[place] == value { return true }
    return false
  }
}

/// One caption, read from left to right.
private struct CaptionScanner {
  private let text: [Mark]
  /// The characters themselves; nil where all are ASCII.
  private let characters: [Character]?
  private var place = 0
  private var found: [String] = []

  init(_ caption: String) {
    if caption.utf8.allSatisfy({ $0 < 0x80 }) {
      text = caption.utf8.map { Mark(ascii: (0x41...0x5A).contains($0) ? $0 + 0x20 : $0) }
      characters = nil
      return
    }
    let all = caption.lowercased().map { character -> Character in
      switch character {
      case "\u{2018}", "\u{2019}": "'"
      case "\u{201C}", "\u{201D}": "\""
      default: character
      }
    }
    text = all.map(Mark.init)
    characters = all
  }

  private func string(_ places: Range<Int>) -> String {
    if let characters { return String(characters[places]) }
    return String(decoding: text[places].lazy.map(\.value), as: UTF8.self)
  }

  mutating func tokens() -> [String] {
    while place < text.count {
      if text[place].isWhitespace {
        place += 1
        continue
      }
      let scanned =
        scanPattern() || scanDots() || scanInitials() || scanRockAndRoll() || scanClitic() || scanWord()
        || scanMarks() || scanBracket() || scanQuote()
      if !scanned { take(1) }
    }
    return found
  }

  // MARK: - One kind of token each; true when it was there

  /// URLs, e-mail addresses and tags.
  private mutating func scanPattern() -> Bool {
    for start in Self.addresses where begins(with: start, at: place) {
      var end = place
      while end < text.count, !text[end].isWhitespace, !text[end].isOne(of: "<>\"") { end += 1 }
      while end > place, text[end - 1].isOne(of: ".,;:!?)'") { end -= 1 }
      if end > place + start.utf8CodeUnitCount { return take(end - place) }
    }
    if text[place] == "<" {
      let end = text[place...].firstIndex { $0 == ">" || $0.isWhitespace } ?? text.count
      if end < text.count, text[end] == ">", end > place + 1 { return take(end + 1 - place) }
    }
    guard isWordCharacter(at: place), !isWordCharacter(at: place - 1) else { return false }
    var at = place
    while isWordCharacter(at: at) || (at < text.count && text[at].isOne(of: ".-_+")) { at += 1 }
    guard at < text.count, text[at] == "@", at > place else { return false }
    var end = at + 1
    while isWordCharacter(at: end) || (end < text.count && text[end].isOne(of: ".-")) { end += 1 }
    while end > at + 1, !isWordCharacter(at: end - 1) { end -= 1 }
    guard text[(at + 1)..<end].contains(".") else { return false }
    return take(end - place)
  }

  /// Three dots or more, or an ellipsis.
  private mutating func scanDots() -> Bool {
    let dots = run(of: ".")
    guard dots >= 3 || text[place].isEllipsis else { return false }
    return take(max(dots, 1), as: "...")
  }

  /// `u.s.` and `p.m.`: two single letters or more, each with its dot.
  private mutating func scanInitials() -> Bool {
    guard !isWordCharacter(at: place - 1) else { return false }
    var end = place
    while end + 1 < text.count, text[end].isLetter, text[end + 1] == "." { end += 2 }
    guard end >= place + 4 else { return false }
    return take(end - place)
  }

  /// `'n'` as in rock 'n' roll.
  private mutating func scanRockAndRoll() -> Bool {
    guard begins(with: "'n'", at: place), place + 3 < text.count, text[place + 3].isWhitespace else {
      return false
    }
    return take(3)
  }

  /// `'s`, `'ve` and the like, after a word or alone.
  private mutating func scanClitic() -> Bool {
    clitic(at: place).map { take($0) } ?? false
  }

  /// Words and numbers, with what is inside them.
  private mutating func scanWord() -> Bool {
    var end = endOfPiece(from: place)
    guard end > place else { return false }
    while end + 1 < text.count, text[end].isOne(of: "-/_&") {
      let next = endOfPiece(from: end + 1)
      guard next > end + 1 else { break }
      end = next
    }
    // An apostrophe inside: n't is split off, clitics follow by themselves, any other stays inside.
    while end + 1 < text.count, text[end] == "'", isWordCharacter(at: end + 1) {
      let isNegation = text[end + 1] == "t" && !isWordCharacter(at: end + 2)
      if text[end - 1] == "n", isNegation {
        if end - 1 > place { take(end - 1 - place) }
        return take(3)
      }
      if begins(with: "all", at: end + 1), end - place == 1, text[place] == "y" {
        take(2)
        return take(3)
      }
      if clitic(at: end) != nil { break }
      let next = endOfPiece(from: end + 1)
      guard next > end + 1 else { break }
      end = next
    }
    let word = string(place..<end)
    if end < text.count, text[end] == ".", keepsItsDot(word),
      text[(end + 1)...].contains(where: { !$0.isWhitespace })
    {
      return take(end + 1 - place)
    }
    let count = end - place
    if (5...6).contains(count), let at = Self.assimilations[word] {
      take(at)
      return take(count - at)
    }
    return take(end - place)
  }

  /// Hyphens, dashes, runs of question and exclamation marks.
  private mutating func scanMarks() -> Bool {
    let hyphens = run(of: "-")
    if hyphens >= 2 { return take(hyphens, as: "--") }
    if text[place].isDash { return take(1, as: "--") }
    let marks = run(of: "?!")
    return marks > 0 && take(marks)
  }

  private mutating func scanBracket() -> Bool {
    guard let name = Self.brackets[text[place].value] else { return false }
    return take(1, as: name)
  }

  /// A quote opens when something follows it and nothing but a space, a bracket or a quote is before it.
  private mutating func scanQuote() -> Bool {
    guard text[place] == "\"" || text[place] == "'" else { return false }
    let before: Mark = place == 0 ? " " : text[place - 1]
    let opens =
      (before.isWhitespace || before.isOne(of: "([{<\"'")) && place + 1 < text.count
      && !text[place + 1].isWhitespace
    return take(1, as: text[place] == "'" ? (opens ? "`" : "'") : (opens ? "``" : "''"))
  }

  // MARK: - Pieces

  /// Letters and digits; of a number also what is between digits, and a dot before it.
  private func endOfPiece(from start: Int) -> Int {
    var end = start
    if end + 1 < text.count, text[end] == ".", text[end + 1].isNumber, !isWordCharacter(at: end - 1) {
      end += 1
    }
    while end < text.count {
      if isWordCharacter(at: end) {
        end += 1
      } else if end > start, text[end - 1].isNumber, end + 1 < text.count, text[end].isOne(of: ":,./"),
        text[end + 1].isNumber
      {
        end += 1
      } else {
        break
      }
    }
    return end
  }

  /// How long the clitic is that stands here, with no letter behind it.
  private func clitic(at place: Int) -> Int? {
    guard place < text.count, text[place] == "'" else { return nil }
    return Self.clitics.first {
      begins(with: $0, at: place) && !isWordCharacter(at: place + $0.utf8CodeUnitCount)
    }?.utf8CodeUnitCount
  }

  private func keepsItsDot(_ word: String) -> Bool {
    if word.count == 1 { return word != "a" && word != "i" && word.allSatisfy(\.isLetter) }
    return Self.abbreviations.contains(word)
  }

  private func isWordCharacter(at place: Int) -> Bool {
    text.indices.contains(place) && (text[place].isLetter || text[place].isNumber)
  }

  private func begins(with prefix: StaticString, at place: Int) -> Bool {
    guard text.count - place >= prefix.utf8CodeUnitCount else { return false }
    for at in 0..<prefix.utf8CodeUnitCount where prefix.utf8Start[at] != text[place + at].value {
      return false
    }
    return true
  }

  private func run(of characters: StaticString) -> Int {
    text[place...].prefix { $0.isOne(of: characters) }.count
  }

  @discardableResult
  private mutating func take(_ count: Int, as token: String? = nil) -> Bool {
    found.append(token ?? string(place..<place + count))
    place += count
    return true
  }

  private static let addresses: [StaticString] = ["http://", "https://", "ftp://", "www."]
  private static let clitics: [StaticString] = ["'s", "'m", "'d", "'re", "'ve", "'ll"]

  /// Two words written as one, and where the second begins.
  private static let assimilations = [
    "cannot": 3, "gonna": 3, "gimme": 3, "wanna": 3, "gotta": 3, "lemme": 3,
  ]

  private static let brackets: [UInt8: String] = [
    UInt8(ascii: "("): "-lrb-", UInt8(ascii: ")"): "-rrb-", UInt8(ascii: "["): "-lsb-",
    UInt8(ascii: "]"): "-rsb-", UInt8(ascii: "{"): "-lcb-", UInt8(ascii: "}"): "-rcb-",
  ]

  private static let abbreviations: Set<String> = [
    "mr", "mrs", "ms", "dr", "st", "vs", "jr", "sr", "prof", "gen", "col", "capt", "lt", "sgt", "maj", "rev",
    "gov", "sen", "rep", "pres", "hon", "messrs", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep",
    "sept",
    "oct", "nov", "dec",
  ]
}
