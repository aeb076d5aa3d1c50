/// Characters that a text of HTML writes by name or number: `&eacute;`, `&#233;`.
enum HTMLCharacters {
  /// What names stand for.
  private struct Names {
    /// Those that end with a semicolon, without it.
    var closed: [String: [Unicode.Scalar]] = [:]
    /// Those that the standard also takes without one.
    var open: [String: [Unicode.Scalar]] = [:]
  }

  private static let names: Names = {
    var names = Names()
    for entry in HTMLNames.table.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      guard let sign = entry.firstIndex(where: { $0 == "=" || $0 == "'" }) else { continue }
      let name = String(entry[..<sign])
      let scalars = entry[entry.index(after: sign)...].split(separator: "+").compactMap {
        UInt32($0, radix: 16).flatMap(Unicode.Scalar.init)
      }
      names.closed[name] = scalars
      if entry[sign] == "'" { names.open[name] = scalars }
    }
    return names
  }()

  // MARK: - The rule of HTML 5

  /// A text with every reference replaced, also those without a semicolon where the standard allows it.
  static func unescaped(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard text.contains("&") else { return text }
    var (result, place) = ([Unicode.Scalar](), 0)
    while place < text.count {
      if text[place] == "&", let (found, length) = reference(text[(place + 1)...]) {
        result += found
        place += 1 + length
      } else {
        result.append(text[place])
        place += 1
      }
    }
    return result
  }

  /// What the text behind a `&` stands for, and how much of it was read; nil for what stands for itself.
  private static func reference(_ rest: ArraySlice<Unicode.Scalar>) -> ([Unicode.Scalar], Int)? {
    guard rest.first != "#" else { return number(rest) }
    var length = 0
    for scalar in rest.prefix(longestName) {
      if "\t\n\u{C} <&#;".unicodeScalars.contains(scalar) { break }
      length += 1
    }
    let name = Array(rest.prefix(length))
    if rest.dropFirst(length).first == ";", let found = names.closed[String(name)] {
      return (found, length + 1)
    }
    // The longest name that it begins with.
    for end in stride(from: length, to: 1, by: -1) {
      if let found = names.open[String(name.prefix(end))] { return (found, end) }
    }
    return nil
  }

  private static let longestName = 32

  private static func number(_ rest: ArraySlice<Unicode.Scalar>) -> ([Unicode.Scalar], Int)? {
    let isHex = rest.dropFirst().first.map { $0 == "x" || $0 == "X" } ?? false
    let digits = rest.dropFirst(isHex ? 2 : 1).prefix {
      isHex ? Character($0).isHexDigit && $0.isASCII : ("0"..."9").contains($0)
    }
    guard !digits.isEmpty else { return nil }
    var number: UInt32 = 0
    for digit in digits {
      let value = UInt32(Character(digit).hexDigitValue ?? 0)
      number = min(number * (isHex ? 16 : 10) + value, 0x11_0000)
    }
    var length = (isHex ? 2 : 1) + digits.count
    if rest.dropFirst(length).first == ";" { length += 1 }
    return (scalars(number), length)
  }

  /// What a number stands for by the standard: nothing for most control characters and for what is no character.
  private static func scalars(_ number: UInt32) -> [Unicode.Scalar] {
    switch number {
    case 0x80...0x9F: return [Windows1252.scalar(number)]
    case 0xD: return ["\r"]
    case 0: return ["\u{FFFD}"]
    case 0x1...0x8, 0xB, 0xE...0x1F, 0x7F, 0xFDD0...0xFDEF: return []
    default:
      guard let scalar = Unicode.Scalar(number) else { return ["\u{FFFD}"] }
      return number & 0xFFFE == 0xFFFE ? [] : [scalar]
    }
  }

  // MARK: - The careful rule

  /// A text with references replaced that end with a semicolon, also where a name is written in capitals: what ftfy's
  /// `fix_text` does.
  static func carefullyUnescaped(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    guard text.contains("&") else { return text }
    var (result, place) = ([Unicode.Scalar](), 0)
    while place < text.count {
      if text[place] == "&", let length = closedLength(text[(place + 1)...]) {
        result += carefully(text[place..<place + 1 + length])
        place += 1 + length
      } else {
        result.append(text[place])
        place += 1
      }
    }
    return result
  }

  /// The length of a reference behind its `&`, semicolon included; nil where there is none.
  private static func closedLength(_ rest: ArraySlice<Unicode.Scalar>) -> Int? {
    let mark = rest.first == "#" ? 1 : 0
    let body = rest.dropFirst(mark).prefix(25).prefix { $0.isASCII && ($0.isWordCharacter && $0 != "_") }
    guard (1...24).contains(body.count), rest.dropFirst(mark + body.count).first == ";" else { return nil }
    return mark + body.count + 1
  }

  private static func carefully(_ whole: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
    let own = Array(whole)
    if own[1] == "#" {
      // A number that was read in part, or that gives a semicolon, stays.
      let found = unescaped(own)
      return found.contains(";") ? own : found
    }
    let name = String(own[1..<own.count - 1])
    if let found = names.closed[name] { return found }
    let small = name.lowercased()
    guard small.uppercased() == name, let found = names.closed[small], unescaped(own) == own else {
      return own
    }
    return Array(String(found).uppercased().unicodeScalars)
  }
}

/// The characters that Windows has where Latin-1 has control characters.
enum Windows1252 {
  /// What stands for 0x80 to 0x9F; the number itself where nothing does.
  static func scalar(_ number: UInt32) -> Unicode.Scalar {
    let own = number >= 0x80 && number <= 0x9F ? table[Int(number - 0x80)] : number
    return Unicode.Scalar(own) ?? "\u{FFFD}"
  }

  private static let table: [UInt32] = [
    0x20AC, 0x81, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0x8D,
    0x17D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A,
    0x153, 0x9D, 0x17E, 0x178,
  ]
}

extension String {
  init(_ scalars: some Sequence<Unicode.Scalar>) {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    self.init(view)
  }
}
