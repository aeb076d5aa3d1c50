/// A text that equals another only where its bytes do, as in the programs whose files are read.
///
/// Swift's own texts are equal where Unicode says that they look alike: "é" in one scalar or in two. Two files, words
/// or classes that differ in this way are different ones.
public struct ExactText: Hashable, Sendable {
  public let text: String

  public init(_ text: some StringProtocol) { self.text = String(text) }

  public static func == (a: ExactText, b: ExactText) -> Bool { a.text.hasSameBytes(as: b.text) }

  public func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

extension ExactText: Comparable {
  /// As Swift orders texts; by bytes where it has no order.
  public static func < (a: ExactText, b: ExactText) -> Bool {
    a.text != b.text ? a.text < b.text : a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
  }
}

extension ExactText: ExpressibleByStringLiteral {
  public init(stringLiteral value: String) { self.init(value) }
}

extension String {
  /// Whether another text has the same bytes.
  public func hasSameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }

  /// The text as messages show it: no more than its first characters.
  public var shortened: String { count > 80 ? prefix(80) + "…" : self }
}
