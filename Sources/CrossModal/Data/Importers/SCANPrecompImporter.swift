import Foundation
import Torch

/// What SCAN, VSE++ and their followers read. The features stay where they are.
enum SCANPrecompImporter: Importer {
  static let name = "scan-precomp"
  static let about =
    "{split}_ims.npy (or {split}_feat.npy) and {split}_caps.txt for train, dev, test, testall; {split}_boxes.npy and NAME_vocab.json where there are any"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    var perItem: Int?
    for split in ["train", "dev", "val", "test", "testall"] {
      let names = ["\(split)_ims.npy", "\(split)_feat.npy"]
      guard names.contains(where: request.has) else { continue }
      let features = try request.first(of: names)
      let captions = try request.first(of: ["\(split)_caps.txt"])
      let array = try NPYReader.open(features, limits: .standard)
      let lines = try TextLines(captions, limits: .standard).count
      guard array.shape.count == 3 || array.shape.count == 2, array.count > 0, lines > 0,
        lines % array.count == 0
      else {
        throw DataError.unequalCounts(
          file: captions.relativeName, count: lines,
          other: "\(array.name) has shape \(array.shape), so it needs a multiple of", expected: array.count)
      }
      let isRepeated = try lines == array.count && repeats(array, every: 5)
      let own = isRepeated ? 5 : lines / array.count
      guard perItem == nil || perItem == own else {
        throw DataError.unequalCounts(
          file: captions.relativeName, count: lines,
          other: "with \(perItem ?? 1) captions a picture, as in the splits before, it needs",
          expected: array.count * (perItem ?? 1))
      }
      if perItem == nil { modalities(of: array, writer) }
      perItem = own
      var image: JSON = ["file": writer.path(features)]
      if isRepeated {
        // The picture stands once for every caption: every fifth is kept.
        try writer.copy(EveryRow(array, step: 5), to: "\(split)_ims.npy")
        image["file"] = .string("\(split)_ims.npy")
      }
      if request.has("\(split)_boxes.npy") {
        let boxes = try NPYReader.open(request.file("\(split)_boxes.npy"), limits: .standard)
        image["boxes"] = writer.path(request.file("\(split)_boxes.npy"))
        if isRepeated, boxes.count == array.count {
          try writer.copy(EveryRow(boxes, step: 5), to: "\(split)_boxes.npy")
          image["boxes"] = .string("\(split)_boxes.npy")
        }
      }
      writer.split(split == "dev" ? "val" : split, ["image": image, "text": writer.path(captions)])
    }
    guard let perItem else {
      throw ImportError.missing(request.source.path, ["train_ims.npy", "train_feat.npy"])
    }
    if perItem > 1 { writer.set("captions_per_item", .int(perItem)) }
    try vocabulary(request, writer)
  }

  /// Copies the vocabulary that a published checkpoint needs; it lies beside the features or in `vocab`.
  private static func vocabulary(_ request: ImportRequest, _ writer: DataSetWriter) throws {
    let folders = [
      request.source, request.file("vocab"),
      request.source.deletingLastPathComponent().appendingPathComponent("vocab"),
    ]
    let own = request.source.lastPathComponent + "_vocab.json"
    for folder in folders {
      let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix("_vocab.json") }
      guard let name = names.first(where: { $0 == own }) ?? (names.count == 1 ? names[0] : nil) else {
        continue
      }
      let file = folder.appendingPathComponent(name)
      guard try request.json(file)["word2idx"]?.members != nil else {
        throw ImportError.malformed(file: name, place: "the object", reason: "has no mapping 'word2idx'")
      }
      return try writer.write(InputFile(file).data, to: "vocabulary.json")
    }
  }

  private static func modalities(of array: any ArraySource, _ writer: DataSetWriter) {
    writer.modality("image", ["kind": array.shape.count == 3 ? "set" : "vector"])
    writer.modality("text", ["kind": "text"])
  }

  /// Whether rows come in runs of equal ones: looked at in the first hundred.
  private static func repeats(_ array: any ArraySource, every count: Int) throws -> Bool {
    guard array.count % count == 0 else { return false }
    for start in stride(from: 0, to: min(array.count, 20 * count), by: count) {
      let rows = try array.rows(in: start..<start + count).to(.float64)
      if try (rows .!= rows[0]).any() { return false }
    }
    return true
  }
}

/// Every so many rows of an array.
private struct EveryRow: ArraySource {
  private let base: any ArraySource
  private let step: Int

  init(_ base: any ArraySource, step: Int) { (self.base, self.step) = (base, step) }

  var name: String { base.name }
  var dtype: DataType { base.dtype }
  var shape: [Int] { [base.count / step] + base.shape.dropFirst() }
  func rows(in range: Range<Int>) throws -> Tensor { try rows(at: Array(range)) }
  func rows(at places: [Int]) throws -> Tensor { try base.rows(at: places.map { $0 * step }) }
}
