/// Stems of English words by Porter's second algorithm, as Snowball defines it (version 2; "English").
public enum EnglishStemmer {
  /// The stem of a word in lower case: `running` and `runs` have `run`.
  public static func stem(_ word: String) -> String {
    guard word.unicodeScalars.count > 2 else { return word }
    if let known = exceptions[word] { return known }
    var stemmer = Stemmer(word)
    return stemmer.run()
  }

  private static let exceptions = [
    "skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl",
    "gently": "gentl", "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl", "sky": "sky",
    "news": "news", "howe": "howe", "atlas": "atlas", "cosmos": "cosmos", "bias": "bias", "andes": "andes",
  ]
}

/// One word on its way to its stem. A consonant y is written Y meanwhile.
private struct Stemmer {
  private var word: [Unicode.Scalar]
  /// Where R1 and R2 begin: after the first non-vowel that follows a vowel, and the same within R1.
  private var r1 = 0
  private var r2 = 0

  init(_ text: String) {
    word = Array(text.unicodeScalars)
    if word.first == "'" { word.removeFirst() }
    for place in word.indices where word[place] == "y" && (place == 0 || isVowel(word[place - 1])) {
      word[place] = "Y"
    }
    let prefix = ["gener", "commun", "arsen"].first { word.starts(with: Array($0.unicodeScalars)) }
    r1 = prefix?.unicodeScalars.count ?? region(from: 0)
    r2 = region(from: r1)
  }

  mutating func run() -> String {
    removePossessive()
    removePlural()
    if !["inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed"].contains(text) {
      removePastAndProgressive()
      replaceFinalY()
      replaceLongSuffix()
      replaceSuffix()
      removeSuffix()
      removeFinalLetter()
    }
    return text.replacing("Y", with: "y")
  }

  private var text: String {
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: word)
    return String(scalars)
  }

  // MARK: - Steps

  /// Step 0.
  private mutating func removePossessive() {
    if let suffix = longest(["'s'", "'s", "'"]) { remove(suffix) }
  }

  /// Step 1a.
  private mutating func removePlural() {
    switch longest(["sses", "ied", "ies", "us", "ss", "s"]) {
    case "sses": replace("sses", "ss")
    case "ied", "ies": replace("ies", word.count > 4 ? "i" : "ie")
    case "s" where word.count > 1 && word[..<(word.count - 2)].contains(where: isVowel): remove("s")
    default: break
    }
  }

  /// Step 1b.
  private mutating func removePastAndProgressive() {
    guard let suffix = longest(["eedly", "ingly", "edly", "eed", "ing", "ed"]) else { return }
    if suffix.hasPrefix("eed") {
      if begins(suffix, from: r1) { replace(suffix, "ee") }
      return
    }
    guard word.dropLast(suffix.unicodeScalars.count).contains(where: isVowel) else { return }
    remove(suffix)
    if longest(["at", "bl", "iz"]) != nil {
      word.append("e")
    } else if longest(["bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt"]) != nil {
      word.removeLast()
    } else if word.count == r1, endsInShortSyllable(word[...]) {
      word.append("e")
    }
  }

  /// Step 1c.
  private mutating func replaceFinalY() {
    guard let last = word.last, last == "y" || last == "Y", word.count > 2, !isVowel(word[word.count - 2])
    else { return }
    word[word.count - 1] = "i"
  }

  /// Step 2.
  private mutating func replaceLongSuffix() {
    let endings = [
      "ational": "ate", "fulness": "ful", "iveness": "ive", "ization": "ize", "ousness": "ous",
      "biliti": "ble", "lessli": "less", "tional": "tion", "alism": "al", "aliti": "al", "ation": "ate",
      "entli": "ent", "fulli": "ful", "iviti": "ive", "ousli": "ous", "abli": "able", "alli": "al",
      "anci": "ance", "ator": "ate", "enci": "ence", "izer": "ize", "bli": "ble", "ogi": "og", "li": "",
    ]
    guard let suffix = longest(Array(endings.keys)), begins(suffix, from: r1) else { return }
    let before = word.dropLast(suffix.unicodeScalars.count).last
    switch suffix {
    case "ogi": if before == "l" { replace(suffix, "og") }
    case "li": if let before, "cdeghkmnrt".unicodeScalars.contains(before) { remove(suffix) }
    default: replace(suffix, endings[suffix] ?? "")
    }
  }

  /// Step 3.
  private mutating func replaceSuffix() {
    let endings = [
      "ational": "ate", "tional": "tion", "alize": "al", "icate": "ic", "iciti": "ic", "ative": "",
      "ical": "ic", "ness": "", "ful": "",
    ]
    guard let suffix = longest(Array(endings.keys)), begins(suffix, from: suffix == "ative" ? r2 : r1) else {
      return
    }
    replace(suffix, endings[suffix] ?? "")
  }

  /// Step 4.
  private mutating func removeSuffix() {
    let endings = [
      "ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize",
      "ion", "al", "er", "ic",
    ]
    guard let suffix = longest(endings), begins(suffix, from: r2) else { return }
    let before = word.dropLast(suffix.unicodeScalars.count).last
    if suffix != "ion" || before == "s" || before == "t" { remove(suffix) }
  }

  /// Step 5.
  private mutating func removeFinalLetter() {
    let rest = word.dropLast()
    if word.last == "e" {
      if rest.count >= r2 || (rest.count >= r1 && !endsInShortSyllable(rest)) { word.removeLast() }
    } else if word.last == "l", rest.count >= r2, rest.last == "l" {
      word.removeLast()
    }
  }

  // MARK: - Letters

  private func isVowel(_ letter: Unicode.Scalar) -> Bool { "aeiouy".unicodeScalars.contains(letter) }

  private func region(from start: Int) -> Int {
    guard let vowel = word[min(start, word.count)...].firstIndex(where: isVowel),
      let consonant = word[vowel...].firstIndex(where: { !isVowel($0) })
    else { return word.count }
    return consonant + 1
  }

  /// A vowel between non-vowels of which the last is not w, x or Y; or a vowel and a non-vowel and nothing
  /// else.
  private func endsInShortSyllable(_ letters: ArraySlice<Unicode.Scalar>) -> Bool {
    let last = Array(letters.suffix(3))
    switch last.count {
    case 3:
      return !isVowel(last[0]) && isVowel(last[1]) && !isVowel(last[2])
        && !"wxY".unicodeScalars.contains(last[2])
    case 2: return isVowel(last[0]) && !isVowel(last[1])
    default: return false
    }
  }

  private func longest(_ suffixes: [String]) -> String? {
    suffixes.filter { word.reversed().starts(with: $0.unicodeScalars.reversed()) }
      .max { $0.unicodeScalars.count < $1.unicodeScalars.count }
  }

  private func begins(_ suffix: String, from start: Int) -> Bool {
    word.count - suffix.unicodeScalars.count >= start
  }

  private mutating func remove(_ suffix: String) { word.removeLast(suffix.unicodeScalars.count) }

  private mutating func replace(_ suffix: String, _ ending: String) {
    remove(suffix)
    word.append(contentsOf: ending.unicodeScalars)
  }
}
