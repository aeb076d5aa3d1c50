import Foundation
import Torch

/// Bottom-up attention features: .tsv files of picture, size, number of boxes, boxes and features in base 64.
enum BottomUpImporter: Importer {
  static let name = "bottom-up-tsv"
  static let options = ["captions"]
  static let about =
    "one .tsv or a folder of them (image_id, image_w, image_h, num_boxes, boxes, features in base 64); captions=FILE of `image_id TAB caption`"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    let files = try tables(request)
    var shapes: [(boxes: Int, width: Int)] = []
    try forEachRow(files) { shapes.append((try $0.count, try $0.width)) }
    guard let width = shapes.first?.width else { throw ImportError.empty(request.source.path) }
    let widest = shapes.map(\.boxes).max() ?? 0
    let features = try NPYWriter(writer.place("features.npy").path, shape: [shapes.count, widest, width])
    let boxes = try NPYWriter(writer.place("boxes.npy").path, shape: [shapes.count, widest, 4])
    var ids: [String] = []
    try forEachRow(files) { row in
      guard try row.width == width else {
        throw row.malformed("has features of width \(try row.width), expected \(width)")
      }
      ids.append(row.id)
      let padding = widest - (try row.count)
      try features.append(row.array("features", columns: width).padded([0, 0, 0, padding]).unsqueezed(at: 0))
      try boxes.append(row.array("boxes", columns: 4).padded([0, 0, 0, padding]).unsqueezed(at: 0))
    }
    try features.finish()
    try boxes.finish()
    try writer.lines(ids.map { ["id": .string($0)] as JSON }, to: "items.jsonl")
    var image: JSON = ["file": "features.npy", "kind": "set", "items": "items.jsonl", "boxes": "boxes.npy"]
    if shapes.contains(where: { $0.boxes != widest }) {
      try writer.array(Tensor(shapes.map(\.boxes)), to: "lengths.npy")
      image["lengths"] = "lengths.npy"
    }
    writer.modality("image", image)
    try captions(request, ids, writer)
    writer.split("train", .rows(0..<ids.count))
  }

  private static func tables(_ request: ImportRequest) throws -> [URL] {
    if request.source.pathExtension.hasPrefix("tsv") { return [request.source] }
    let names = try FileManager.default.contentsOfDirectory(atPath: request.source.path)
    // The official files are called .tsv, .tsv.0, .tsv.1, …
    let found = names.filter { $0.contains(".tsv") }.sorted().map(request.file)
    guard !found.isEmpty else { throw ImportError.missing(request.source.path, ["*.tsv"]) }
    return found
  }

  private static func captions(_ request: ImportRequest, _ ids: [String], _ writer: DataSetWriter) throws {
    guard let file = request.options["captions"] else { return }
    var captions: [ExactText: [String]] = [:]
    for (number, line) in try request.lines(URL(fileURLWithPath: file)).enumerated() where !line.isEmpty {
      let parts = line.split(separator: "\t", maxSplits: 1)
      guard parts.count == 2 else {
        throw ImportError.malformed(
          file: file, place: DataError.line(number), reason: "is not `image_id TAB caption`")
      }
      captions[ExactText(parts[0]), default: []].append(String(parts[1]))
    }
    let ordered = ids.map { captions[ExactText($0)] ?? [] }
    try writer.lines(ordered.flatMap { $0 }, to: "captions.txt")
    writer.modality("text", ["file": "captions.txt", "kind": "text"])
    try writer.pairs(counts: ordered.map(\.count))
  }

  /// One line of a table.
  private struct Row {
    let file: String
    let number: Int
    let fields: [Substring]

    var id: String { String(fields[0]) }

    var count: Int {
      get throws {
        guard let count = Int(fields[3]), (1...1_000_000).contains(count) else {
          throw malformed("has no number of boxes")
        }
        return count
      }
    }

    var width: Int {
      get throws {
        let numbers = try bytes(5, "features").count / 4
        guard numbers > 0, numbers.isMultiple(of: try count) else {
          throw malformed("has features that do not fit its boxes")
        }
        return numbers / (try count)
      }
    }

    func array(_ name: String, columns: Int) throws -> Tensor {
      let data = try bytes(name == "boxes" ? 4 : 5, name)
      guard data.count == (try count) * columns * 4 else {
        throw malformed("has \(data.count) bytes of \(name), expected \((try count) * columns * 4)")
      }
      return try data.withUnsafeBytes { try Tensor(bytes: $0, shape: [try count, columns], dtype: .float32) }
    }

    private func bytes(_ field: Int, _ name: String) throws -> Data {
      guard let data = Data(base64Encoded: String(fields[field])) else {
        throw malformed("has \(name) that are no base 64")
      }
      return data
    }

    func malformed(_ reason: String) -> ImportError {
      .malformed(file: file, place: DataError.line(number), reason: reason)
    }
  }

  /// Reads a line at a time: the tables have tens of gigabytes.
  private static func forEachRow(_ files: [URL], _ body: (Row) throws -> Void) throws {
    for file in files {
      let mapped = try InputFile(file)
      try withExtendedLifetime(mapped) {
        for (number, line) in mapped.bytes.split(separator: 10, omittingEmptySubsequences: false).enumerated()
        where !line.isEmpty {
          guard let text = String(bytes: line, encoding: .utf8) else {
            throw ImportError.malformed(
              file: file.lastPathComponent, place: DataError.line(number), reason: "is not valid UTF-8")
          }
          let fields = text.split(separator: "\t", omittingEmptySubsequences: false)
          guard fields.count == 6 else {
            throw ImportError.malformed(
              file: file.lastPathComponent, place: DataError.line(number),
              reason: "has \(fields.count) fields, expected 6")
          }
          try body(Row(file: file.lastPathComponent, number: number, fields: fields))
        }
      }
    }
  }
}
