import Foundation

/// What HTML and SVG have in common: escaped text and numbers written the same way everywhere.
enum Markup {
  /// Text that is safe inside an element and inside a quoted attribute.
  ///
  /// Characters that XML forbids become the replacement character, so that no input can break a document.
  static func escape(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
      case _
      where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value & 0xFFFE == 0xFFFE:
        result.unicodeScalars.append("\u{FFFD}")
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Running text: escaped, then `` `code` `` and `**strong**` given their elements.
  static func prose(_ text: String) -> String {
    var result = ""
    for (index, part) in text.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
      result += index % 2 == 1 ? "<code>\(escape(String(part)))</code>" : strong(String(part))
    }
    // An odd number of marks leaves the last one unpaired: then the text is shown as it was given.
    return text.count(where: { $0 == "`" }) % 2 == 1 ? escape(text) : result
  }

  private static func strong(_ text: String) -> String {
    let parts = text.components(separatedBy: "**")
    guard parts.count % 2 == 1 else { return escape(text) }
    return parts.enumerated()
      .map { $0.offset % 2 == 1 ? "<strong>\(escape($0.element))</strong>" : escape($0.element) }
      .joined()
  }

  /// A coordinate with at most two decimals and no trailing zeros; the same on every machine.
  static func coordinate(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    var text = String(format: "%.2f", value)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text == "-0" ? "0" : text
  }
}

/// Numbers as a reader expects them: a true minus sign, thousands apart, a fixed number of decimals.
public enum NumberText {
  /// A number with a fixed number of decimals, such as `0.250`, `−3.1` or `12,500`.
  public static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "–" : value < 0 ? "−∞" : "∞" }
    var text = String(format: "%.\(max(0, decimals))f", abs(value))
    let isZero = !text.contains { ("1"..."9").contains($0) }
    let point = text.firstIndex(of: ".") ?? text.endIndex
    var index = point
    while let comma = text.index(index, offsetBy: -3, limitedBy: text.startIndex), comma > text.startIndex {
      text.insert(",", at: comma)
      index = comma
    }
    return value < 0 && !isZero ? "−" + text : text
  }

  /// A number with the decimals it needs and no more, at most `decimals`.
  public static func shortest(_ value: Double, decimals: Int = 4) -> String {
    var text = fixed(value, decimals: decimals)
    guard text.contains(".") else { return text }
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}

extension String {
  /// Whether the text is written from right to left: whether its first letter is of such a script.
  var isRightToLeft: Bool {
    guard let first = unicodeScalars.first(where: \.properties.isAlphabetic) else { return false }
    return [0x0590...0x08FF, 0xFB1D...0xFDFF, 0xFE70...0xFEFC, 0x10800...0x10FFF, 0x1E800...0x1EFFF]
      .contains { $0.contains(first.value) }
  }
}
