import Foundation

/// What is done to a text before CLIP's byte pairs are looked for.
public enum TextCleaning: String, Sendable, Codable, CaseIterable {
  /// Repaired, HTML characters written out, white space to single blanks, lower case: OpenAI's and open_clip's.
  case openai
  /// Normal form C, white space to single blanks, lower case: Hugging Face's.
  case huggingface
  /// As ``openai`` without lower case.
  case whitespace
  /// As ``openai``, and without punctuation.
  case canonicalize

  /// A text after cleaning.
  public func cleaned(_ text: String) -> String {
    switch self {
    case .openai: return Self.repaired(text).blanksJoined().lowercasedByContext
    case .whitespace: return Self.repaired(text).blanksJoined()
    case .canonicalize:
      let plain = Self.repaired(text).unicodeScalars.compactMap {
        $0 == "_" ? " " : $0.isASCIIPunctuation ? nil : $0
      }
      return String(plain).lowercasedByContext.blanksJoined()
    case .huggingface:
      var (view, isBlank) = (String.UnicodeScalarView(), false)
      for scalar in text.precomposedStringWithCanonicalMapping.unicodeScalars {
        if scalar.isBlank {
          if !isBlank { view.append(" ") }
        } else {
          view.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
        }
        isBlank = scalar.isBlank
      }
      return String(view)
    }
  }

  private static func repaired(_ text: String) -> String {
    let repaired = TextRepair.repaired(text)
    guard repaired.unicodeScalars.contains("&") else { return repaired }
    return String(HTMLCharacters.unescaped(HTMLCharacters.unescaped(Array(repaired.unicodeScalars))))
  }
}

extension String {
  /// Runs of white space as one blank, none at the ends.
  func blanksJoined() -> String {
    var view = String.UnicodeScalarView()
    var isPending = false
    for scalar in unicodeScalars {
      if scalar.endsWord {
        isPending = !view.isEmpty
      } else {
        if isPending { view.append(" ") }
        isPending = false
        view.append(scalar)
      }
    }
    return String(view)
  }
}

extension Unicode.Scalar {
  /// One of the 32 signs of punctuation of ASCII.
  var isASCIIPunctuation: Bool {
    switch value {
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
    default: false
    }
  }
}
