/// Texts as the text form of pickles (protocol 0) writes them.
enum PickleText {
  /// Latin-1 with `\uXXXX` and `\UXXXXXXXX` for what it lacks (Python's raw-unicode-escape).
  static func unicode(_ bytes: some Sequence<UInt8>) -> String {
    let bytes = Array(bytes)
    var text = String.UnicodeScalarView()
    var at = 0
    while at < bytes.count {
      let width = at + 1 < bytes.count ? [UInt8(ascii: "u"): 4, UInt8(ascii: "U"): 8][bytes[at + 1]] : nil
      if bytes[at] == UInt8(ascii: "\\"), let width, let code = hexadecimal(bytes, at + 2, width),
        let scalar = Unicode.Scalar(code)
      {
        text.append(scalar)
        at += 2 + width
      } else {
        text.append(Unicode.Scalar(bytes[at]))
        at += 1
      }
    }
    return String(text)
  }

  /// The bytes of a string literal of Python 2, quotes around it.
  static func literal(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let inner = Array(Array(bytes).dropFirst().dropLast())
    let escapes: [UInt8: UInt8] = [
      UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9, UInt8(ascii: "\\"): 92,
      UInt8(ascii: "'"): 39, UInt8(ascii: "\""): 34,
    ]
    var plain: [UInt8] = []
    var at = 0
    while at < inner.count {
      guard inner[at] == UInt8(ascii: "\\"), at + 1 < inner.count else {
        plain.append(inner[at])
        at += 1
        continue
      }
      if inner[at + 1] == UInt8(ascii: "x"), let code = hexadecimal(inner, at + 2, 2) {
        plain.append(UInt8(truncatingIfNeeded: code))
        at += 4
      } else if let escaped = escapes[inner[at + 1]] {
        plain.append(escaped)
        at += 2
      } else {
        plain.append(inner[at])
        at += 1
      }
    }
    return plain
  }

  private static func hexadecimal(_ bytes: [UInt8], _ at: Int, _ count: Int) -> UInt32? {
    guard at + count <= bytes.count else { return nil }
    return UInt32(String(decoding: bytes[at..<at + count], as: UTF8.self), radix: 16)
  }
}
