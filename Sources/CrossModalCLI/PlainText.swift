/// Text as a terminal may show it: what is printed holds words of strangers' files.
enum PlainText {
  /// Runs of characters without a blank that are longer are cut: a name of a hundred thousand characters tells no more
  /// than its beginning.
  private static let longestWord = 400

  /// A text without characters that command a terminal or turn the direction of what follows; a question mark stands
  /// for each. Line feeds and tabs stay.
  static func cleaned(_ text: String) -> String {
    var clean = String.UnicodeScalarView()
    var length = 0
    for scalar in text.unicodeScalars {
      length = scalar.properties.isWhitespace ? 0 : length + 1
      if length == longestWord + 1 { clean.append("…") }
      if length > longestWord { continue }
      clean.append(commands(scalar) && scalar != "\n" && scalar != "\t" ? "?" : scalar)
    }
    return String(clean)
  }

  /// JSON whose texts hold no such characters: they are written as escapes, which mean the same.
  static func escaped(_ json: String) -> String {
    guard json.unicodeScalars.contains(where: { commands($0) && $0 != "\n" }) else { return json }
    var clean = ""
    for scalar in json.unicodeScalars {
      if commands(scalar), scalar != "\n", scalar.value < 0x10000 {
        clean += "\\u" + String(0x10000 + scalar.value, radix: 16).dropFirst()
      } else {
        clean.unicodeScalars.append(scalar)
      }
    }
    return clean
  }

  /// Control characters, and marks that turn the direction of writing.
  private static func commands(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x00...0x1F, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069, 0x2028, 0x2029: true
    default: false
    }
  }
}
