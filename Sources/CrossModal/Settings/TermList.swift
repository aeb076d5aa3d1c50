import Foundation

/// Losses that are added up, of a closed choice: in settings a list, or names with commas between them; `none` for none.
public struct TermList<Element>: Sendable, Equatable
where Element: RawRepresentable<String> & CaseIterable & Sendable & Equatable {
  /// In the order of the choice, each once.
  public let all: [Element]

  public init(_ terms: [Element]) { all = Element.allCases.filter(terms.contains) }

  public func contains(_ term: Element) -> Bool { all.contains(term) }
  public var isEmpty: Bool { all.isEmpty }

  /// As settings write it.
  public var text: String { isEmpty ? Self.nothing : all.map(\.rawValue).joined(separator: ",") }

  /// What settings write for no term.
  fileprivate static var nothing: String { "none" }
}

extension TermList: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let given =
      try (try? container.decode([String].self))
      ?? container.decode(String.self).split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    let names = given == [Self.nothing] ? [] : given
    let terms = names.compactMap(Element.init)
    guard terms.count == names.count, !given.isEmpty else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription:
          "\(Self.nothing), or some of \(Element.allCases.map(\.rawValue).joined(separator: ", "))"
      )
    }
    self.init(terms)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}
