import Foundation
import Torch

/// Vectors of words in a text file, one a line: the word, then its numbers, between blanks or tabs (GloVe, fastText,
/// the released vectors of the two-branch network). A word may itself hold blanks: the numbers are the last fields. A
/// first line of two whole numbers, as word2vec writes it, is no word.
public struct WordVectors: Sendable {
  /// float32 `[words, size]`: a row for each word that was asked for, zero for those that the file lacks.
  public let table: Tensor
  /// How many of the words the file has.
  public let found: Int

  /// Reads the vectors of some words; of a word that stands there twice the first counts.
  ///
  /// - Parameters:
  ///   - file: text, also gzipped.
  ///   - words: the words that are wanted, in the order of rows.
  /// - Throws: ``DataError`` naming the line that is no word with as many numbers as the first.
  public init(_ file: String, of words: [String]) throws {
    let lines = try TextLines(URL(fileURLWithPath: file), limits: Limits())
    let places = Dictionary(words.enumerated().map { (ExactText($1), $0) }) { first, _ in first }
    var rows: [Int: [Float]] = [:]
    var size: Int?
    for line in 0..<lines.count {
      // A word may hold any other blank.
      let parts = lines.text(at: line).split { $0 == " " || $0 == "\t" }
      if parts.isEmpty { continue }
      if line == 0, parts.count == 2, let width = Int(parts[1]), Int(parts[0]) != nil {
        size = width
        continue
      }
      let width = size ?? Self.numbersAtEnd(of: parts)
      guard width > 0, parts.count > width else {
        throw DataError.malformed(
          file: file, place: DataError.line(line),
          reason:
            "has \(parts.count - 1) numbers behind the word, expected \(size.map(String.init) ?? "some")")
      }
      size = width
      let word = parts.dropLast(width).joined(separator: " ")
      guard let place = places[ExactText(word)], rows[place] == nil else { continue }
      let numbers = parts.suffix(width).compactMap(Self.number)
      guard numbers.count == width, numbers.allSatisfy(\.isFinite) else {
        throw DataError.malformed(
          file: file, place: DataError.line(line), reason: "holds something else than numbers behind the word"
        )
      }
      rows[place] = numbers
    }
    guard let size, size > 0 else {
      throw DataError.malformed(file: file, reason: "there are no word vectors in the file")
    }
    let zeros = [Float](repeating: 0, count: size)
    table = try Tensor(words.indices.flatMap { rows[$0] ?? zeros }).reshaped(words.count, size)
    found = rows.count
  }

  /// A decimal number; nil for anything else, also for numbers to the base of 16.
  private static func number(_ field: Substring) -> Float? {
    field.utf8.contains { $0 | 0x20 == UInt8(ascii: "x") } ? nil : Float(field)
  }

  /// How many fields behind the word are numbers; 0 where the last is none.
  private static func numbersAtEnd(of parts: [Substring]) -> Int {
    min(parts.count - 1, parts.reversed().prefix { number($0) != nil }.count)
  }
}
