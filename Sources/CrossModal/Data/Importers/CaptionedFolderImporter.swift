import Foundation

/// A folder of pictures with a captions file.
enum CaptionedFolderImporter: Importer {
  static let name = "images-and-captions"
  static let options = ["captions", "split"]
  static let about =
    "a folder of pictures; captions=FILE has lines of name TAB caption (name#k is fine), or is a table with the columns image and caption, or .jsonl with image and caption; split=FILE has lines of name TAB split"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    let file = URL(fileURLWithPath: try request.needed("captions", "the captions file"))
    var captions: [String: [String]] = [:]
    var order: [String] = []
    for (name, caption) in try read(file) {
      if captions[name] == nil { order.append(name) }
      captions[name, default: []].append(caption)
    }
    guard !order.isEmpty else { throw ImportError.empty(file.relativeName) }
    try writer.lines(order, to: "pictures.txt")
    writer.modality(
      "image", ["file": writer.absolute(request.source), "list": "pictures.txt", "kind": "images"])
    try writer.lines(order.flatMap { captions[$0] ?? [] }, to: "captions.txt")
    writer.modality("text", ["file": "captions.txt", "kind": "text"])
    try writer.pairs(counts: order.map { captions[$0]?.count ?? 0 })
    guard let splits = request.options["split"] else { return writer.splits(ofRows: order.count) }
    let named = try read(URL(fileURLWithPath: splits))
    let split = Dictionary(named) { first, _ in first }
    if let missing = order.first(where: { split[$0] == nil }) {
      throw ImportError.malformed(file: splits, place: "the list", reason: "does not name \(missing)")
    }
    try writer.splits(of: order.map { split[$0] ?? "train" })
  }

  /// Whether a file is a table whatever its name, as Flickr8k's `captions.txt` of today is.
  private static func startsWithHeader(_ file: URL) throws -> Bool {
    let lines = try TextLines(file, limits: .standard)
    return lines.count > 1 && lines.text(at: 0) == "image,caption"
  }

  /// Names with their texts, in the order of the file.
  private static func read(_ file: URL) throws -> [(String, String)] {
    let path = file.lastPathComponent.lowercased()
    if try path.hasSuffix(".csv") || startsWithHeader(file) {
      let table = try DelimitedTable(file, hasHeader: true)
      let (image, caption) = try (table.places(of: "image")[0], table.places(of: "caption")[0])
      return try (0..<table.count).map { row in
        let fields = try table.fields(at: row)
        return (fields[image], fields[caption])
      }
    }
    let lines = try TextLines(file, limits: .standard)
    func bad(_ line: Int, _ expected: String) -> DataError {
      .malformed(file: lines.name, place: "line \(line)", reason: "is not \(expected)")
    }
    if path.hasSuffix(".jsonl") {
      return try (0..<lines.count).map { row in
        let value = try lines.json(at: row)
        guard let name = (value["image"] ?? value["file_name"] ?? value["file"])?.string,
          let caption = (value["caption"] ?? value["text"])?.string
        else { throw bad(row, "an object with 'image' and 'caption'") }
        return (name, caption)
      }
    }
    return try (0..<lines.count).compactMap { row in
      let line = lines.text(at: row)
      if line.isEmpty { return nil }
      let fields = line.split(separator: "\t", maxSplits: 1).map(String.init)
      guard fields.count == 2, let name = fields[0].split(separator: "#").first else {
        throw bad(row, "a name, a tab and a text")
      }
      return (String(name), fields[1])
    }
  }
}
