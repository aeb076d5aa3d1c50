import Foundation

/// Classes by their names, and sentences about them for an encoder of texts.
public struct ClassSentences: Sendable, Equatable {
  public let names: [String]
  /// Sentences with a place for the name.
  public let templates: [String]

  /// What stands for the name.
  public static let place = "{}"
  /// What is said of pictures where nobody says it: the first sentence of Radford et al. (ICML 2021).
  public static let ofPictures = ["a photo of a \(place)."]

  /// - Parameter templates: `{}` stands for the name.
  public init(_ names: [String], templates: [String] = [place]) {
    self.names = names
    self.templates = templates
  }

  /// - Parameters:
  ///   - file: a text with a name a line.
  ///   - templates: a text with a sentence a line, in which `{}` stands for the name; nil for `fallback`.
  ///   - fallback: sentences where no file is given.
  /// - Throws: ``DataError`` for a file without lines, with a name twice, or with a sentence that has no place.
  public init(file: String, templates: String?, fallback: [String] = [place]) throws {
    let names = try Self.lines(of: file)
    var known: Set<String> = []
    for (row, name) in names.enumerated() where !known.insert(name.lowercased()).inserted {
      throw DataError.malformed(
        file: file, place: DataError.line(row), reason: "names '\(name.shortened)' once more")
    }
    guard let templates else {
      self.init(names, templates: fallback)
      return
    }
    let sentences = try Self.lines(of: templates)
    if let row = sentences.firstIndex(where: { !$0.contains(Self.place) }) {
      throw DataError.malformed(
        file: templates, place: DataError.line(row),
        reason: "is '\(sentences[row].shortened)', expected \(Self.place) where the name is to stand")
    }
    self.init(names, templates: sentences)
  }

  private static func lines(of file: String) throws -> [String] {
    var lines = try TextLines(URL(fileURLWithPath: file), limits: .standard).all()
      .map { $0.trimmingCharacters(in: .whitespaces) }
    while lines.last?.isEmpty == true { lines.removeLast() }
    guard !lines.isEmpty else { throw DataError.malformed(file: file, reason: "has no lines") }
    if let row = lines.firstIndex(where: \.isEmpty) {
      throw DataError.malformed(file: file, place: DataError.line(row), reason: "is empty")
    }
    return lines
  }

  /// Every sentence about every class, class by class.
  public var sentences: [String] {
    names.flatMap { name in templates.map { $0.replacingOccurrences(of: Self.place, with: name) } }
  }

  /// Which of the names each class of a data set is.
  ///
  /// By name, whatever the case; classes that are numbers count lines from 0, or from 1 where the last line is named so.
  /// - Parameters:
  ///   - classes: as the data set calls them.
  ///   - source: the file of the names, for messages.
  /// - Throws: ``DataError`` for a class that has no name.
  public func places(of classes: [String], from source: String) throws(DataError) -> [Int] {
    let known = Dictionary(names.enumerated().map { ($1.lowercased(), $0) }) { first, _ in first }
    let named = classes.map { known[$0.lowercased()] }
    if !named.contains(nil) { return named.compactMap { $0 } }
    let numbers = classes.compactMap { Int($0) }
    if numbers.count == classes.count {
      for first in [0, 1] where numbers.allSatisfy({ names.indices.contains($0 - first) }) {
        return numbers.map { $0 - first }
      }
      throw .malformed(
        file: source,
        reason:
          "has \(names.count) lines, but classes of the data are numbered \(numbers.min() ?? 0) to \(numbers.max() ?? 0)"
      )
    }
    let missing = zip(classes, named).first { $1 == nil }?.0 ?? ""
    throw .malformed(file: source, reason: "has no line '\(missing.shortened)', which is a class of the data")
  }
}
