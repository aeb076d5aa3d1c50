/// Cuts texts into sentences, nearly as NLTK's trained Punkt model does for captions (Kiss & Strunk, 2006).
///
/// A sentence ends with a period, question or exclamation mark, and the closing quotes and brackets behind it, where
/// white space and more text follow. A period of a known abbreviation or of a single letter ends none.
enum SentenceSplitter {
  private static let abbreviations: Set<String> = [
    "mr", "mrs", "ms", "dr", "st", "jr", "sr", "vs", "etc", "no",
  ]

  /// The sentences in order, without white space at their ends.
  static func sentences(of text: String) -> [String] {
    // Most captions are one sentence.
    guard text.utf8.contains(where: { isEnd(Unicode.Scalar($0)) }) else { return [text] }
    let scalars = Array(text.unicodeScalars)
    var sentences: [String] = []
    var start = 0
    var place = 0
    while place < scalars.count {
      defer { place += 1 }
      guard isEnd(scalars[place]) else { continue }
      var end = place + 1
      while end < scalars.count, isEnd(scalars[end]) || isCloser(scalars[end]) { end += 1 }
      let next = scalars[end...].firstIndex { !$0.isBlank }
      guard let next, next > end, !isAbbreviated(scalars[start..<place], by: scalars[place..<end]) else {
        place = end - 1
        continue
      }
      append(scalars[start..<end], to: &sentences)
      start = next
      place = next - 1
    }
    append(scalars[start...], to: &sentences)
    return sentences.isEmpty ? [text] : sentences
  }

  private static func isEnd(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "." || scalar == "?" || scalar == "!"
  }

  private static func isCloser(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "\"", "'", ")", "]", "}", "”", "’", "»": true
    default: false
    }
  }

  /// Whether a mark after `sentence` is one period that belongs to its last word.
  private static func isAbbreviated(
    _ sentence: ArraySlice<Unicode.Scalar>, by mark: ArraySlice<Unicode.Scalar>
  ) -> Bool {
    guard mark.elementsEqual(["."]) else { return false }
    var word = String.UnicodeScalarView()
    word.append(contentsOf: sentence.reversed().prefix { !$0.isBlank && $0 != "(" }.reversed())
    return word.count == 1 && word.first?.properties.isAlphabetic == true
      || abbreviations.contains(String(word).lowercased())
  }

  private static func append(_ scalars: ArraySlice<Unicode.Scalar>, to sentences: inout [String]) {
    var sentence = scalars
    while sentence.last?.isBlank == true { sentence.removeLast() }
    while sentence.first?.isBlank == true { sentence.removeFirst() }
    guard !sentence.isEmpty else { return }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: sentence)
    sentences.append(String(text))
  }
}
