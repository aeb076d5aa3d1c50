import Foundation
import Torch

extension ImportRequest {
  /// The JSON of a file.
  func json(_ file: URL) throws -> JSON {
    do {
      return try JSON(json: InputFile(file).data)
    } catch let error as DataError {
      throw error
    } catch {
      throw ImportError.malformed(
        file: file.lastPathComponent, place: "the file", reason: "is no JSON document")
    }
  }

  /// The lines of a text file.
  ///
  /// - Throws: ``DataError`` when it cannot be read, or a line (named) is not UTF-8.
  func lines(_ file: URL) throws -> [String] { try TextLines(file, limits: .standard).all() }

  /// The folder of an option, else `usual` below the source where it exists, else the source.
  func folder(_ option: String, usual: [String]) throws -> URL {
    if let given = options[option] {
      let url = URL(fileURLWithPath: given)
      guard FileManager.default.fileExists(atPath: url.path) else { throw ImportError.missing(given, []) }
      return url
    }
    return usual.first(where: has).map(file) ?? source
  }
}

/// Pictures and the texts that belong to them, gathered picture by picture, then written.
struct CaptionedPictures {
  private var paths: [String] = []
  private var captions: [[String]] = []
  private var splits: [(name: String, rows: Range<Int>)] = []

  mutating func add(split: String, _ pictures: [(path: String, captions: [String])]) {
    guard !pictures.isEmpty else { return }
    splits.append((split, paths.count..<paths.count + pictures.count))
    paths += pictures.map(\.path)
    captions += pictures.map(\.captions)
  }

  /// Writes the texts and the modalities `image` and `text`; `image` describes the first without its kind.
  func write(to writer: DataSetWriter, source: URL, image: JSON?, folder: URL) throws {
    guard !paths.isEmpty else { throw ImportError.empty(source.path) }
    if let image {
      writer.modality("image", image)
    } else {
      try writer.pictures(paths, to: "pictures.txt")
      writer.modality(
        "image", ["file": writer.path(folder), "list": "pictures.txt", "kind": "images"])
    }
    try writer.lines(captions.flatMap { $0 }, to: "captions.txt")
    writer.modality("text", ["file": "captions.txt", "kind": "text"])
    try writer.pairs(counts: captions.map(\.count))
    for split in splits { writer.split(split.name, .rows(split.rows)) }
  }
}

extension JSON {
  /// Rows of a split: `"0:10"`.
  static func rows(_ range: Range<Int>) -> JSON { .string("\(range.lowerBound):\(range.upperBound)") }
}

extension DataSetWriter {
  /// Row i of the first modality goes with the next `counts[i]` rows of the second.
  func pairs(counts: [Int]) throws {
    if let count = counts.first, count > 0, counts.allSatisfy({ $0 == count }) {
      if count > 1 { set("captions_per_item", .int(count)) }
      return
    }
    var pairs: [Int] = []
    var next = 0
    for (row, count) in counts.enumerated() {
      for _ in 0..<count {
        pairs += [row, next]
        next += 1
      }
    }
    try array(Tensor(pairs, shape: [pairs.count / 2, 2]), to: "pairs.npy")
    set("pairs", "pairs.npy")
  }
}
