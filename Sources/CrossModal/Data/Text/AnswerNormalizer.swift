import Foundation

/// Brings answers to one form, as the official VQA evaluation does (2021 revision; `san.md` section 6).
public enum AnswerNormalizer {
  /// Punctuation, then case, number words, articles and contractions.
  public static func normalized(_ answer: String) -> String {
    withPlainWords(withoutPunctuation(answer))
  }

  /// Removes or spaces out punctuation, and removes periods that no digit follows.
  static func withoutPunctuation(_ text: String) -> String {
    let found = Set(text.unicodeScalars)
    let own = marks.filter { !found.isDisjoint(with: $0.unicodeScalars) }
    guard !own.isEmpty || found.contains(".") else { return text }
    let joinsDigits = hasCommaBetweenDigits(text)
    var result = text
    for mark in own {
      let touchesSpace = text.contains("\(mark) ") || text.contains(" \(mark)")
      result = result.replacingOccurrences(of: mark, with: touchesSpace || joinsDigits ? "" : " ")
    }
    let characters = Array(result)
    var kept = ""
    // The official program passes a flag of value 32 where the number of replacements stands.
    var removals = 32
    for (place, character) in characters.enumerated() {
      let digitFollows = place + 1 < characters.count && characters[place + 1].isWholeNumber
      if character == ".", !digitFollows, removals > 0 {
        removals -= 1
      } else {
        kept.append(character)
      }
    }
    return kept
  }

  /// An answer with single blanks and, where it is to be normalized, in that form; one of which nothing would be left
  /// stays.
  static func form(of answer: String, normalizes: Bool) -> String {
    let plain = answer.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    guard normalizes else { return plain }
    let normalized = normalized(plain)
    return normalized.isEmpty ? plain.lowercased() : normalized
  }

  /// The words of a question: in the same form, with its articles.
  public static func words(ofQuestion question: String) -> [String] {
    plainWords(withoutPunctuation(question.split(whereSeparator: \.isWhitespace).joined(separator: " ")))
  }

  /// Lower case, digits for number words up to ten, no articles, apostrophes where contractions lack them.
  static func withPlainWords(_ text: String) -> String {
    plainWords(text).filter { !articles.contains($0) }.joined(separator: " ")
  }

  private static func plainWords(_ text: String) -> [String] {
    text.lowercased().split(whereSeparator: \.isWhitespace).map { word in
      let word = numbers[String(word)] ?? String(word)
      return Contractions.corrected[word] ?? word
    }
  }

  private static func hasCommaBetweenDigits(_ text: String) -> Bool {
    let characters = Array(text)
    return characters.indices.dropFirst().dropLast().contains {
      characters[$0] == "," && characters[$0 - 1].isWholeNumber && characters[$0 + 1].isWholeNumber
    }
  }

  private static let marks = [
    ";", "/", "[", "]", "\"", "{", "}", "(", ")", "=", "+", "\\", "_", "-", ">", "<", "@", "`", ",", "?", "!",
  ]
  private static let articles: Set<String> = ["a", "an", "the"]
  private static let numbers = [
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9", "ten": "10",
  ]
}

/// Contractions that people write without one of their apostrophes.
enum Contractions {
  /// The contraction for each form that lacks its apostrophe, or one of its apostrophes.
  static let corrected: [String: String] = {
    var corrected: [String: String] = [:]
    for target in targets {
      let apostrophes = target.indices.filter { target[$0] == "'" }
      for apostrophe in apostrophes {
        var form = target
        form.remove(at: apostrophe)
        corrected[form] = target
      }
    }
    corrected["somebody'd"] = "somebodyd"
    for form in ["ow's'at", "'ows'at", "'ow'sat"] { corrected[form] = "'ow's'at" }
    return corrected
  }()

  private static let targets = """
    ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't \
    haven't he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've \
    mustn't must've needn't not've o'clock oughtn't shan't she'd've should've shouldn't shouldn't've \
    somebody'd've somebody'll somebody's someone'd someone'd've someone'll someone's something'd \
    something'd've something'll that's there'd there'd've there're there's they'd they'd've they'll \
    they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd \
    where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't \
    wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
    """.split(separator: " ").map(String.init)
}
