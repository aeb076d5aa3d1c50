/// Classes of characters as the tokenizers of the field's programs have them.
extension Unicode.Scalar {
  /// White space of any script.
  var isBlank: Bool {
    value < 0x80 ? value == 0x20 || (0x09...0x0D).contains(value) : properties.isWhitespace
  }

  /// White space, and the separators of information U+001C to U+001F, which end words in Python.
  var endsWord: Bool { isBlank || (0x1C...0x1F).contains(value) }

  /// A letter, mark, decimal digit or connector, as regular expressions have words (Unicode Technical Standard 18).
  var isWordCharacter: Bool {
    switch value {
    case 0x30...0x39, 0x41...0x5A, 0x5F, 0x61...0x7A: true
    case 0x00...0x7F: false
    default:
      switch properties.generalCategory {
      case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark: true
      default: properties.isAlphabetic || properties.isJoinControl
      }
    }
  }

  /// A letter, a number of any kind, or an underscore: what Python's `isalnum` and its own expressions take for words.
  var isAlphanumeric: Bool {
    switch value {
    case 0x00...0x7F: isWordCharacter
    default:
      switch properties.generalCategory {
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
      default: properties.numericType != nil
      }
    }
  }

  /// A decimal digit of any script.
  var isDecimalDigit: Bool {
    value < 0x80 ? (0x30...0x39).contains(value) : properties.generalCategory == .decimalNumber
  }
}

extension String {
  /// Lower case with σ at the end of a word as ς, which `lowercased()` alone writes as σ.
  var lowercasedByContext: String {
    guard unicodeScalars.contains("Σ") else { return lowercased() }
    let scalars = Array(unicodeScalars)
    func isCased(_ places: some Sequence<Int>) -> Bool {
      for place in places where !scalars[place].properties.isCaseIgnorable {
        return scalars[place].properties.isCased
      }
      return false
    }
    var text = String.UnicodeScalarView()
    for (place, scalar) in scalars.enumerated() {
      if scalar == "Σ" {
        let endsWord = isCased((0..<place).reversed()) && !isCased(place + 1..<scalars.count)
        text.append(endsWord ? "ς" : "σ")
      } else {
        text.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      }
    }
    return String(text)
  }
}
