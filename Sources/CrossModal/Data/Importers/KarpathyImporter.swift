import Foundation
import Torch

/// Karpathy's splits of Flickr8k, Flickr30k and COCO: `dataset_NAME.json` and the pictures.
enum KarpathyImporter: Importer {
  static let name = "karpathy"
  static let options = ["images", "features"]
  static let about =
    "dataset_flickr8k.json, dataset_flickr30k.json or dataset_coco.json, and the pictures (images=FOLDER) or an array of a row a picture (features=FILE.npy, FILE.h5:NAME): vectors, cells, grids of cells, or pixels in bytes"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    let isFile = request.source.pathExtension == "json"
    let file =
      isFile
      ? request.source
      : try request.first(of: [
        "dataset.json", "dataset_flickr8k.json", "dataset_flickr30k.json", "dataset_coco.json",
      ])
    guard let images = try request.json(file)["images"]?.array else {
      throw ImportError.malformed(
        file: file.lastPathComponent, place: "the object", reason: "has no list 'images'")
    }
    let all = try images.enumerated().map { row, image in
      guard let name = image["filename"]?.string, let split = image["split"]?.string,
        let sentences = image["sentences"]?.array
      else {
        throw ImportError.malformed(
          file: file.lastPathComponent, place: "image \(row)", reason: "lacks filename, split or sentences")
      }
      let path = image["filepath"]?.string.map { "\($0)/\(name)" } ?? name
      let captions = try sentences.enumerated().map { number, sentence in
        guard let raw = sentence["raw"]?.string else {
          throw ImportError.malformed(
            file: file.lastPathComponent, place: "image \(row), sentence \(number)",
            reason: "has no text 'raw'")
        }
        return raw
      }
      // COCO's "restval" pictures are trained on, as everybody does.
      return (row: row, split: split == "restval" ? "train" : split, path: path, captions: captions)
    }
    var pictures = CaptionedPictures()
    var order: [Int] = []
    for split in ["train", "val", "test"] {
      let part = all.filter { $0.split == split }
      order += part.map(\.row)
      pictures.add(split: split, part.map { ($0.path, $0.captions) })
    }
    let folder =
      isFile && request.options["images"] == nil
      ? file.deletingLastPathComponent()
      : try request.folder("images", usual: ["images", "Images", "flickr30k-images"])
    try pictures.write(
      to: writer, source: file, image: try features(request, order: order, of: all.count, writer),
      folder: folder)
  }

  /// An array of features, its rows put into the order of the splits.
  private static func features(
    _ request: ImportRequest, order: [Int], of count: Int, _ writer: DataSetWriter
  ) throws -> JSON? {
    guard let given = request.options["features"] else { return nil }
    let source = try ArrayReaders.open(given)
    guard source.count == count else {
      throw ImportError.malformed(
        file: given, place: "the array", reason: "has \(source.count) rows, the splits name \(count) pictures"
      )
    }
    guard let layout = Layout(of: source) else {
      throw ImportError.malformed(
        file: given, place: "the array",
        reason: "has the shape \(source.shape), expected [pictures, numbers], [pictures, cells, numbers], "
          + "[pictures, rows, columns, numbers], or pixels in bytes")
    }
    let output = try NPYWriter(
      writer.place("features.npy").path, shape: [order.count] + layout.shape, dtype: source.dtype)
    for start in stride(from: 0, to: order.count, by: 256) {
      let rows = try source.rows(at: Array(order[start..<min(start + 256, order.count)]))
      try output.append(layout.arranged(rows))
    }
    try output.finish()
    return ["file": "features.npy", "kind": .string(layout.kind)]
  }

  /// How the rows of an array become items.
  private struct Layout {
    let kind: String
    /// Of an item.
    let shape: [Int]
    /// Whether numbers of a place come before the places, as frameworks of networks have them.
    private let hasPlacesLast: Bool

    /// Vectors, sets of cells, grids of cells, or, in bytes, pictures; nil for other shapes.
    init?(of source: any ArraySource) {
      let own = Array(source.shape.dropFirst())
      switch own.count {
      case 1: (kind, shape, hasPlacesLast) = ("vector", own, false)
      case 2: (kind, shape, hasPlacesLast) = ("set", own, false)
      case 3 where source.dtype == .uint8 && [1, 3].contains(own[0]):
        (kind, shape, hasPlacesLast) = ("images", [own[1], own[2], own[0]], true)
      case 3 where source.dtype == .uint8 && [1, 3, 4].contains(own[2]):
        (kind, shape, hasPlacesLast) = ("images", own, false)
      // Grids are square: [512, 14, 14] is 512 numbers a cell, and so is [14, 14, 512].
      case 3 where own[1] == own[2] && own[0] != own[1]:
        (kind, shape, hasPlacesLast) = ("set", [own[1] * own[2], own[0]], true)
      case 3: (kind, shape, hasPlacesLast) = ("set", [own[0] * own[1], own[2]], false)
      default: return nil
      }
    }

    func arranged(_ rows: Tensor) throws(TorchError) -> Tensor {
      let turned = hasPlacesLast ? try rows.permuted(to: [0, 2, 3, 1]).contiguous() : rows
      return try turned.reshaped(to: [rows.size(along: 0)] + shape)
    }
  }
}

extension ArrayReaders {
  /// The array of a file, by its name; `FILE:VARIABLE` in a container.
  static func open(_ path: String) throws -> any ArraySource {
    var (file, variable) = (path, String?.none)
    if !FileManager.default.fileExists(atPath: path), let colon = path.lastIndex(of: ":") {
      (file, variable) = (String(path[..<colon]), String(path[path.index(after: colon)...]))
    }
    guard FileManager.default.fileExists(atPath: file) else { throw ImportError.missing(file, []) }
    guard let reader = reader(of: file) else {
      throw ImportError.malformed(file: file, place: "the file", reason: "is of no format that is read")
    }
    return try reader.open(URL(fileURLWithPath: file), variable, .standard)
  }
}
