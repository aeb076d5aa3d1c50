/// Words of an English sentence by the rules of NLTK's word tokenizer, which are those of the Penn Treebank with
/// quotes and dashes of Unicode: `don't` is `do`, `n't`; quotes are ` `` ` and `''`; hyphens stay inside words.
///
/// One substitution after the other over the whole sentence, in NLTK's order (`scan.md`, section 12).
enum TreebankRules {
  typealias Scalar = Unicode.Scalar

  /// The words of a sentence in lower case.
  static func words(of sentence: String) -> [String] {
    var scalars = Array(sentence.unicodeScalars)
    while scalars.last?.endsWord == true { scalars.removeLast() }
    scalars.removeFirst(scalars.prefix { $0.endsWord }.count)
    let rules = Substitutions(scalars)
    rules.openQuotes()
    rules.punctuation()
    rules.brackets()
    rules.closeQuotes()
    rules.endings()
    rules.contractions()
    return rules.text.split { $0.endsWord }.map { scalars in
      var word = String.UnicodeScalarView()
      word.append(contentsOf: scalars)
      return String(word)
    }
  }
}

/// A sentence, and substitutions in it.
private final class Substitutions {
  typealias Scalar = Unicode.Scalar

  private(set) var text: [Scalar] {
    didSet { present = CharacterSet(text) }
  }
  /// What occurs in the text, so that a rule about other characters costs nothing.
  private var present: CharacterSet

  init(_ text: [Scalar]) {
    self.text = text
    present = CharacterSet(text)
  }

  // MARK: - Rules

  func openQuotes() {
    replace(anyOf: "«“‘„`") { at in
      guard text[at] == "`" else { return spaced(at, 1) }
      return spaced(at, run(of: "`", at: at))
    }
    if text.first == "\"" { text.replaceSubrange(0..<1, with: ["`", "`"]) }
    replace(anyOf: "`") { at in run(of: "`", at: at) >= 2 ? spaced(at, 2) : nil }
    guard present.meets(Self.quotes) else { return }
    replace(anyOf: " ([{<") { at in
      let quote = character(at + 1) == "\"" ? 1 : min(2, run(of: "'", at: at + 1))
      guard quote == 2 || character(at + 1) == "\"" else { return nil }
      return (1 + quote, [text[at], " ", "`", "`", " "])
    }
    replace(anyOf: "'") { at in
      guard character(at - 1)?.isWordCharacter != true, character(at + 1)?.isWordCharacter == true else {
        return nil
      }
      let word = text[(at + 1)...].prefix { $0.isWordCharacter }
      return Self.clitics.contains { word.elementsEqual($0) } ? nil : (1, ["'", " "])
    }
  }

  func punctuation() {
    finalPeriod(closers: "])}>\"'»”’ ")
    // The character behind is taken along and so is not looked at itself, as in NLTK.
    replace(anyOf: ":,") { at in
      guard let next = character(at + 1), !next.isDecimalDigit else { return nil }
      return (2, [" ", text[at], " ", next])
    }
    if let last = text.last, last == ":" || last == "," {
      text.replaceSubrange(text.count - 1..<text.count, with: [" ", last, " "])
    }
    replace(anyOf: ".") { at in
      let dots = run(of: ".", at: at)
      return dots >= 2 ? spaced(at, dots) : nil
    }
    replace(anyOf: ";@#$%&") { spaced($0, 1) }
    replace(anyOf: "\u{2012}\u{2013}\u{2014}\u{2015}") { spaced($0, 1) }
    finalPeriod(closers: "])}>\"'")
    replace(anyOf: "?!") { spaced($0, 1) }
    replace(anyOf: "'") { at in
      guard let before = character(at - 1), before != "'", character(at + 1) == " " else { return nil }
      return (2, [" ", "'", " "])
    }
    replace(anyOf: "*") { spaced($0, 1) }
  }

  /// A period whose left neighbor is none, and behind which only closers and blanks come.
  private func finalPeriod(closers: String) {
    let closers = Array(closers.unicodeScalars)
    var end = text.count
    while end > 0, text[end - 1].isBlank { end -= 1 }
    while end > 0, closers.contains(text[end - 1]) { end -= 1 }
    guard end > 1, text[end - 1] == ".", text[end - 2] != "." else { return }
    let rest = text[end...]
    text.replaceSubrange((end - 1)..., with: [" ", ".", " "] + rest + [" "])
  }

  func brackets() {
    replace(anyOf: "][(){}<>") { spaced($0, 1) }
    replace(anyOf: "-") { at in run(of: "-", at: at) >= 2 ? spaced(at, 2) : nil }
  }

  func closeQuotes() {
    text = [" "] + text + [" "]
    replace(anyOf: "»”’") { spaced($0, 1) }
    replace(anyOf: "'") { at in run(of: "'", at: at) >= 2 ? spaced(at, 2) : nil }
    replace(anyOf: "\"") { _ in (1, [" ", "'", "'", " "]) }
    var squeezed: [Scalar] = []
    for scalar in text where !(scalar.isBlank && squeezed.last == " ") {
      squeezed.append(scalar.isBlank ? " " : scalar)
    }
    text = squeezed
  }

  func endings() {
    for group in Self.endings {
      // Every ending begins with one of these.
      replace(anyOf: "'n") { at in
        guard let before = character(at - 1), before != "'", before != " " else { return nil }
        for ending in group where begins(with: ending, at: at) && character(at + ending.count) == " " {
          return (ending.count + 1, [" "] + ending + [" "])
        }
        return nil
      }
    }
  }

  func contractions() {
    for (first, second) in Self.contractions {
      guard let initial = first.first else { continue }
      replace(anyOf: String(Character(initial))) { at in
        let end = at + first.count + second.count
        guard begins(with: first + second, at: at), character(at - 1)?.isAlphanumeric != true,
          character(end)?.isAlphanumeric != true
        else { return nil }
        if second.elementsEqual("na".unicodeScalars), first.elementsEqual("wan".unicodeScalars),
          character(end)?.endsWord != true
        {
          return nil
        }
        return (first.count + second.count, [" "] + first + [" "] + second + [" "])
      }
    }
    guard present.meets(Self.quotes) else { return }
    for second in ["is", "was"].map({ Array($0.unicodeScalars) }) {
      replace(anyOf: " ") { at in
        let end = at + 3 + second.count
        guard begins(with: ["'", "t"] + second, at: at + 1), character(end)?.isAlphanumeric != true else {
          return nil
        }
        return (3 + second.count, [" ", "'", "t", " "] + second + [" "])
      }
    }
  }

  private static let quotes = CharacterSet("'\"".unicodeScalars)
  private static let clitics = ["re", "ve", "ll", "m", "t", "s", "d", "n"].map { Array($0.unicodeScalars) }
  private static let endings = [["'s", "'m", "'d", "'"], ["'ll", "'re", "'ve", "n't"]].map {
    $0.map { Array($0.unicodeScalars) }
  }
  private static let contractions: [([Scalar], [Scalar])] = [
    ("can", "not"), ("d", "'ye"), ("gim", "me"), ("gon", "na"), ("got", "ta"), ("lem", "me"), ("more", "'n"),
    ("wan", "na"),
  ].map { (Array($0.0.unicodeScalars), Array($0.1.unicodeScalars)) }

  // MARK: - Substitution

  /// Replaces from left to right what `match` finds at a character of the set: so many characters by others.
  private func replace(
    anyOf set: String, _ match: (Int) -> (length: Int, by: [Scalar])?
  ) {
    let set = CharacterSet(set.unicodeScalars)
    guard present.meets(set) else { return }
    var replaced: [Scalar] = []
    replaced.reserveCapacity(text.count + 8)
    var at = 0
    while at < text.count {
      if set.contains(text[at]), let (length, by) = match(at) {
        replaced += by
        at += length
      } else {
        replaced.append(text[at])
        at += 1
      }
    }
    text = replaced
  }

  /// The characters themselves with a blank on both sides.
  private func spaced(_ at: Int, _ length: Int) -> (length: Int, by: [Scalar]) {
    (length, [" "] + text[at..<at + length] + [" "])
  }

  private func character(_ at: Int) -> Scalar? { text.indices.contains(at) ? text[at] : nil }

  private func run(of scalar: Scalar, at: Int) -> Int {
    guard text.indices.contains(at) else { return 0 }
    return text[at...].prefix { $0 == scalar }.count
  }

  private func begins(with word: [Scalar], at: Int) -> Bool {
    at >= 0 && at + word.count <= text.count && text[at..<at + word.count].elementsEqual(word)
  }
}

/// Characters that occur.
private struct CharacterSet {
  private var ascii: (UInt64, UInt64) = (0, 0)
  private var others: [Unicode.Scalar] = []
  /// A bit for every 64th of the others.
  private var mask: UInt64 = 0

  init(_ scalars: some Sequence<Unicode.Scalar>) {
    for scalar in scalars {
      switch scalar.value {
      case ..<64: ascii.0 |= 1 << UInt64(scalar.value)
      case ..<128: ascii.1 |= 1 << UInt64(scalar.value - 64)
      default:
        others.append(scalar)
        mask |= 1 << UInt64(scalar.value % 64)
      }
    }
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case ..<64: ascii.0 & 1 << UInt64(scalar.value) != 0
    case ..<128: ascii.1 & 1 << UInt64(scalar.value - 64) != 0
    default: others.contains(scalar)
    }
  }

  /// Whether the two may have a character in common.
  func meets(_ other: CharacterSet) -> Bool {
    ascii.0 & other.ascii.0 | ascii.1 & other.ascii.1 | mask & other.mask != 0
  }
}
