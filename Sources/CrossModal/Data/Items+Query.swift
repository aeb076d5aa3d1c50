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
  /// (`[n, d]`, or `[d]` for one), of sets or sequences (`[n, l, d]`, or `[l, d]` for one).
  ///
  /// They become what the rows of the data set are: a picture has the size and the channels of those in an array, and
  /// numbers are multiplied by the modality's scale.
  /// - Throws: ``QueryError`` when the file does not fit the modality; ``DataError`` when it cannot be read, or
  ///   holds what is not UTF-8 or not finite.
  public init(file: String, as modality: DataDescription.Modality) throws {
    guard FileManager.default.fileExists(atPath: file) else { throw QueryError.noFile(file) }
    switch modality.kind {
    case .images:
      self = try Items.picture(URL(fileURLWithPath: file), as: modality)
    case .text:
      // An empty line is an item too, so that rows stay where they were.
      let lines = try TextLines(URL(fileURLWithPath: file), limits: .standard).all()
      guard lines.contains(where: { !$0.isEmpty }) else {
        throw QueryError.unfit(file: file, found: "no text", expected: "one line an item")
      }
      self = .texts(lines)
    case .vector:
      self = .vectors(try Items.array(file, rank: 2, what: "vectors", as: modality))
    case .set:
      let rows = try Items.array(file, rank: 3, what: "sets [n, l, d] or one set [l, d]", as: modality)
      self = .sets(rows, lengths: Array(repeating: rows.size(along: 1), count: rows.size(along: 0)))
    case .sequence:
      let rows = try Items.array(
        file, rank: 3, what: "sequences [n, l, d] or one sequence [l, d]", as: modality)
      self = .sequences(rows, lengths: Array(repeating: rows.size(along: 1), count: rows.size(along: 0)))
    case .tokens:
      throw QueryError.unfit(
        file: file, found: "a file",
        expected: "rows of kind \(modality.kind.rawValue) from a data set (--data)")
    }
  }

  /// The numbers of an array file, `[n, …, d]`; one item may stand alone.
  private static func array(
    _ file: String, rank: Int, what: String, as modality: DataDescription.Modality
  ) throws -> Tensor {
    guard let reader = ArrayReaders.reader(of: file), !reader.isContainer else {
      throw QueryError.unfit(file: file, found: "no array that can be read", expected: "a .npy of \(what)")
    }
    var rows = try reader.open(URL(fileURLWithPath: file), nil, .standard).all()
    if rows.rank == rank - 1 { rows = try rows.unsqueezed(at: 0) }
    guard rows.rank == rank, rows.size(along: 1) > 0,
      modality.size.map({ $0 == rows.size(along: -1) }) ?? true
    else {
      throw QueryError.unfit(
        file: file, found: "shape \(rows.shape)",
        expected: "\(what) of \(modality.size.map(String.init) ?? "some") numbers")
    }
    // Vectors may be brought to size by what a run was fitted to, which knows their bound.
    let largest = modality.kind == .vector ? .greatestFiniteMagnitude : Limits.largestNumber
    try TensorArray(rows, name: file).checkNumbers(
      0..<rows.size(along: 0), largest: min(largest / (modality.scale ?? 1), .greatestFiniteMagnitude))
    return try rows.numbers(times: modality.scale)
  }

  private static func picture(_ file: URL, as modality: DataDescription.Modality) throws -> Items {
    var picture = Picture(.file(file))
    guard let shape = modality.shape, shape.count == 3 else {
      picture.scale = modality.scale
      return .pictures([picture])
    }
    let pixels = try picture.resized(height: shape[0], width: shape[1])
    let row: Tensor
    switch shape[2] {
    case 1: row = try pixels.luma()
    case 3: row = pixels
    case let channels:
      throw QueryError.unfit(
        file: file.relativeName, found: "a picture, of which red, green and blue are read",
        expected: "rows of \(channels) channels from a data set (--data)")
    }
    let rows = try row.unsqueezed(at: 0)
    return .images(modality.scale == nil ? rows : try rows.numbers(times: modality.scale))
  }
}

extension Tensor {
  /// Grey levels of colors, uint8 `[h, w, 3]`, as Pillow's `convert("L")` (ITU-R 601): uint8 `[h, w, 1]`.
  func luma() throws(TorchError) -> Tensor {
    let weighted = try to(.int64) * Tensor([19595, 38470, 7471])
    let sum = try weighted.sum(along: 2, keepingDimension: true) + 32768.0
    return try (sum.to(.float64) / 65536).floor().to(.uint8)
  }
}

extension ModalityKind {
  /// Whether a file can hold an item of the kind, by its first bytes and its name.
  public func takes(file: String) -> Bool {
    let url = URL(fileURLWithPath: file)
    guard let bytes = try? InputFile(url) else { return false }
    let isPicture = withExtendedLifetime(bytes) { PictureFormat(bytes.bytes) != nil }
    let isArray = ArrayReaders.reader(of: file) != nil
    return switch self {
    case .images: isPicture
    case .text: !isPicture && !isArray
    case .vector, .set, .sequence: !isPicture && isArray
    case .tokens: false
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
