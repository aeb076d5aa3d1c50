import Foundation

/// Splits English captions as the COCO caption evaluation does: Stanford's PTBTokenizer 3.4.1 in lower case,
/// then without punctuation (`show-attend-tell.md` section 6).
public enum PTBTokenizer {
  /// The words of a caption, without punctuation.
  public static func words(of caption: String) -> [String] {
    tokens(of: caption).filter { !punctuation.contains($0) }
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

/// One caption, read from left to right.
private struct CaptionScanner {
  private let text: [Character]
  private var place = 0
  private var found: [String] = []

  init(_ caption: String) {
    text = caption.lowercased().map { character in
      switch character {
      case "\u{2018}", "\u{2019}": "'"
      case "\u{201C}", "\u{201D}": "\""
      default: character
      }
    }
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
    for start in ["http://", "https://", "ftp://", "www."] where begins(with: start, at: place) {
      var end = place
      while end < text.count, !text[end].isWhitespace, !"<>\"".contains(text[end]) { end += 1 }
      while end > place, ".,;:!?)'".contains(text[end - 1]) { end -= 1 }
      if end > place + start.count { return take(end - place) }
    }
    if text[place] == "<" {
      let end = text[place...].firstIndex { $0 == ">" || $0.isWhitespace } ?? text.count
      if end < text.count, text[end] == ">", end > place + 1 { return take(end + 1 - place) }
    }
    guard isWordCharacter(at: place), !isWordCharacter(at: place - 1) else { return false }
    var at = place
    while isWordCharacter(at: at) || (at < text.count && ".-_+".contains(text[at])) { at += 1 }
    guard at < text.count, text[at] == "@", at > place else { return false }
    var end = at + 1
    while isWordCharacter(at: end) || (end < text.count && ".-".contains(text[end])) { end += 1 }
    while end > at + 1, !isWordCharacter(at: end - 1) { end -= 1 }
    guard text[(at + 1)..<end].contains(".") else { return false }
    return take(end - place)
  }

  /// Three dots or more, or an ellipsis.
  private mutating func scanDots() -> Bool {
    let dots = run(of: ".")
    guard dots >= 3 || text[place] == "\u{2026}" else { return false }
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
    clitic(at: place).map { take($0.count) } ?? false
  }

  /// Words and numbers, with what is inside them.
  private mutating func scanWord() -> Bool {
    var end = endOfPiece(from: place)
    guard end > place else { return false }
    while end + 1 < text.count, "-/_&".contains(text[end]) {
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
    let word = String(text[place..<end])
    if end < text.count, text[end] == ".", keepsItsDot(word),
      text[(end + 1)...].contains(where: { !$0.isWhitespace })
    {
      return take(end + 1 - place)
    }
    if let at = Self.assimilations[word] {
      take(at)
      return take(word.count - at)
    }
    return take(end - place)
  }

  /// Hyphens, dashes, runs of question and exclamation marks.
  private mutating func scanMarks() -> Bool {
    let hyphens = run(of: "-")
    if hyphens >= 2 { return take(hyphens, as: "--") }
    if "\u{2012}\u{2013}\u{2014}\u{2015}".contains(text[place]) { return take(1, as: "--") }
    let marks = run(of: "?!")
    return marks > 0 && take(marks)
  }

  private mutating func scanBracket() -> Bool {
    guard let name = Self.brackets[text[place]] else { return false }
    return take(1, as: name)
  }

  /// A quote opens when something follows it and nothing but a space, a bracket or a quote is before it.
  private mutating func scanQuote() -> Bool {
    guard text[place] == "\"" || text[place] == "'" else { return false }
    let before = place == 0 ? " " : text[place - 1]
    let opens =
      (before.isWhitespace || "([{<\"'".contains(before)) && place + 1 < text.count
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
      } else if end > start, text[end - 1].isNumber, end + 1 < text.count, ":,./".contains(text[end]),
        text[end + 1].isNumber
      {
        end += 1
      } else {
        break
      }
    }
    return end
  }

  /// The clitic that stands here, with no letter behind it.
  private func clitic(at place: Int) -> String? {
    ["'s", "'m", "'d", "'re", "'ve", "'ll"].first {
      begins(with: $0, at: place) && !isWordCharacter(at: place + $0.count)
    }
  }

  private func keepsItsDot(_ word: String) -> Bool {
    if word.count == 1 { return word != "a" && word != "i" && word.allSatisfy(\.isLetter) }
    return Self.abbreviations.contains(word)
  }

  private func isWordCharacter(at place: Int) -> Bool {
    text.indices.contains(place) && (text[place].isLetter || text[place].isNumber)
  }

  private func begins(with prefix: String, at place: Int) -> Bool { text[place...].starts(with: prefix) }

  private func run(of characters: String) -> Int {
    text[place...].prefix { characters.contains($0) }.count
  }

  @discardableResult
  private mutating func take(_ count: Int, as token: String? = nil) -> Bool {
    found.append(token ?? String(text[place..<(place + count)]))
    place += count
    return true
  }

  /// Two words written as one, and where the second begins.
  private static let assimilations = [
    "cannot": 3, "gonna": 3, "gimme": 3, "wanna": 3, "gotta": 3, "lemme": 3,
  ]

  private static let brackets: [Character: String] = [
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
  ]

  private static let abbreviations: Set<String> = [
    "mr", "mrs", "ms", "dr", "st", "vs", "jr", "sr", "prof", "gen", "col", "capt", "lt", "sgt", "maj", "rev",
    "gov", "sen", "rep", "pres", "hon", "messrs", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep",
    "sept",
    "oct", "nov", "dec",
  ]
}
