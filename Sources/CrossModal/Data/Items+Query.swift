import Foundation
import Torch

extension Items {
  /// One text as a query of a modality.
  ///
  /// - Throws: ``QueryError`` when the modality's rows are no texts.
  public init(text: String, as modality: DataDescription.Modality) throws {
    guard modality.kind == .text else {
      throw QueryError.notText(modality: modality.name, kind: modality.kind)
    }
    self = .texts([text])
  }

  /// The items of a file as rows of a modality: a picture, a text of one line an item, or a .npy of vectors
  /// (`[n, d]`, or `[d]` for one).
  ///
  /// - Throws: ``QueryError`` when the file does not fit the modality; ``DataError`` when it cannot be read.
  public init(file: String, as modality: DataDescription.Modality) throws {
    guard FileManager.default.fileExists(atPath: file) else { throw QueryError.noFile(file) }
    switch modality.kind {
    case .images:
      self = .pictures([Picture(.file(URL(fileURLWithPath: file)))])
    case .text:
      let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
      let lines = text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline).map(String.init)
      guard !lines.isEmpty else {
        throw QueryError.unfit(file: file, found: "no text", expected: "one line an item")
      }
      self = .texts(lines)
    case .vector:
      guard let reader = ArrayReaders.reader(of: file), !reader.isContainer else {
        throw QueryError.unfit(file: file, found: "no array that can be read", expected: "a .npy of vectors")
      }
      var rows = try reader.open(URL(fileURLWithPath: file), nil, .standard).all()
      if rows.rank == 1 { rows = try rows.unsqueezed(at: 0) }
      guard rows.rank == 2, modality.size.map({ $0 == rows.size(along: 1) }) ?? true else {
        throw QueryError.unfit(
          file: file, found: "shape \(rows.shape)",
          expected: "vectors of \(modality.size.map(String.init) ?? "some") numbers")
      }
      self = .vectors(rows)
    case .set, .sequence, .tokens:
      throw QueryError.unfit(
        file: file, found: "a file",
        expected: "rows of kind \(modality.kind.rawValue) from a data set (--data)")
    }
  }
}

/// A query that does not fit the modality it is for.
public enum QueryError: LocalizedError, Equatable {
  case notText(modality: String, kind: ModalityKind)
  case noFile(String)
  case unfit(file: String, found: String, expected: String)

  public var errorDescription: String? {
    switch self {
    case .notText(let modality, let kind):
      "\(modality) is of kind \(kind.rawValue) and takes no text; give a file or a row"
    case .noFile(let file): "\(file): no such file"
    case .unfit(let file, let found, let expected): "\(file): \(found), expected \(expected)"
    }
  }
}
