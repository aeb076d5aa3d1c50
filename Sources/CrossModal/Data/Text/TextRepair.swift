import Foundation

/// What the program ftfy does to a text before CLIP's tokenizer sees it: references of HTML, characters of Windows,
/// ligatures, wide forms, quotes, line ends and control characters as plain text has them, in normal form C.
///
/// Text that was decoded wrongly before (`cafÃ©`) stays as it is, where ftfy would decode it anew.
enum TextRepair {
  static func repaired(_ text: String) -> String {
    // Nothing of the below is in a plain text.
    if text.utf8.allSatisfy({ ($0 >= 0x20 && $0 < 0x7F && $0 != 0x26) || $0 == 0xA || $0 == 0x9 }) {
      return text
    }
    var result: [Unicode.Scalar] = []
    var isMarkup = false
    var line: [Unicode.Scalar] = []
    func end() {
      if line.contains("<") { isMarkup = true }
      result += repaired(line: line, unescapes: !isMarkup)
      line = []
    }
    for scalar in text.unicodeScalars {
      line.append(scalar)
      if scalar == "\n" { end() }
    }
    if !line.isEmpty { end() }
    return String(result)
  }

  /// - Parameter unescapes: whether references of HTML are replaced: not behind what looks like HTML itself.
  private static func repaired(line: [Unicode.Scalar], unescapes: Bool) -> [Unicode.Scalar] {
    var line = line
    while true {
      var new = unescapes ? HTMLCharacters.carefullyUnescaped(line) : line
      new = new.flatMap(plain)
      new = withoutEscapes(lineEnds(new)).filter { !isDropped($0) }
      if new.contains(where: { !$0.isASCII }) {
        new = Array(String(new).precomposedStringWithCanonicalMapping.unicodeScalars)
      }
      if new == line { return line }
      line = new
    }
  }

  /// Characters of Windows, ligatures, wide forms and quotes.
  private static func plain(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    guard !scalar.isASCII else { return [scalar] }
    // One step after the other, as what one gives another may take up.
    var scalar = scalar
    if (0x80...0x9F).contains(scalar.value) { scalar = Windows1252.scalar(scalar.value) }
    if let letters = ligatures[scalar] { return letters.map(unquoted) }
    if scalar == "\u{3000}" { return [" "] }
    if (0xFF01...0xFFEF).contains(scalar.value) {
      return String(scalar).precomposedStringWithCompatibilityMapping.unicodeScalars.map(unquoted)
    }
    return [unquoted(scalar)]
  }

  private static func unquoted(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.value {
    case 0x201C...0x201F: "\""
    case 0x2BC, 0x2018...0x201B: "'"
    default: scalar
    }
  }

  private static let ligatures: [Unicode.Scalar: [Unicode.Scalar]] = [
    "\u{132}": ["I", "J"], "\u{133}": ["i", "j"], "\u{149}": ["\u{2BC}", "n"],
    "\u{1C4}": ["D", "\u{17D}"], "\u{1C5}": ["D", "\u{17E}"], "\u{1C6}": ["d", "\u{17E}"],
    "\u{1C7}": ["L", "J"], "\u{1C8}": ["L", "j"], "\u{1C9}": ["l", "j"],
    "\u{1CA}": ["N", "J"], "\u{1CB}": ["N", "j"], "\u{1CC}": ["n", "j"],
    "\u{1F1}": ["D", "Z"], "\u{1F2}": ["D", "z"], "\u{1F3}": ["d", "z"],
    "\u{FB00}": ["f", "f"], "\u{FB01}": ["f", "i"], "\u{FB02}": ["f", "l"], "\u{FB03}": ["f", "f", "i"],
    "\u{FB04}": ["f", "f", "l"], "\u{FB05}": ["\u{17F}", "t"], "\u{FB06}": ["s", "t"],
  ]

  /// Every kind of line end as `\n`.
  private static func lineEnds(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var new: [Unicode.Scalar] = []
    for (place, scalar) in scalars.enumerated() {
      switch scalar {
      case "\r": if place + 1 == scalars.count || scalars[place + 1] != "\n" { new.append("\n") }
      case "\u{2028}", "\u{2029}", "\u{85}": new.append("\n")
      default: new.append(scalar)
      }
    }
    return new
  }

  /// Without what colors a terminal: escape, bracket, digits and semicolons, a letter.
  private static func withoutEscapes(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard scalars.contains("\u{1B}") else { return scalars }
    var (new, place) = ([Unicode.Scalar](), 0)
    while place < scalars.count {
      if scalars[place] == "\u{1B}", scalars[(place + 1)...].first == "[" {
        let rest = scalars[(place + 2)...]
        let digits = rest.prefix { $0.isDecimalDigit || $0 == ";" }.count
        if let letter = rest.dropFirst(digits).first, letter.isASCII, letter.properties.isAlphabetic {
          place += digits + 3
          continue
        }
      }
      new.append(scalars[place])
      place += 1
    }
    return new
  }

  private static func isDropped(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...8, 0xB, 0xE...0x1F, 0x7F, 0x206A...0x206F, 0xFEFF, 0xFFF9...0xFFFC: true
    default: false
    }
  }
}
