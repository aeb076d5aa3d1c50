import Foundation

/// A folder of pictures with a captions file.
enum CaptionedFolderImporter: Importer {
  static let name = "images-and-captions"
  static let options = ["captions", "split", "image", "caption", "missing"]
  static let about =
    "a folder of pictures; captions=FILE, a path or a name in the folder, has lines of name TAB caption (name#k is fine), or is a table with a header (columns such as image and caption; image=COLUMN and caption=COLUMN name others), or .jsonl with image and caption; split=FILE has lines of name TAB split; missing=skip leaves out what is not in the folder"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    let file = request.named(try request.needed("captions", "the captions file"))
    let skips = try request.skipsMissing
    var captions: [ExactText: [String]] = [:]
    var order: [ExactText] = []
    var found: [ExactText: String?] = [:]
    var missing: Set<ExactText> = []
    var renamed: Set<ExactText> = []
    for entry in try CaptionsFile(file, texts: .captions, request).entries {
      let name = ExactText(entry.name)
      let own = try found[name] ?? place(of: entry, of: file, in: request)
      found[name] = .some(own)
      guard let own else {
        guard skips else {
          throw DataError.malformed(
            file: file.relativeName, place: "line \(entry.line)",
            reason: "names '\(entry.name.shortened)', which is not in \(request.source.relativeName); "
              + "--set missing=skip leaves out what is not there")
        }
        missing.insert(name)
        continue
      }
      let picture = ExactText(own)
      if picture != name, !entry.name.hasPrefix("/") { renamed.insert(name) }
      if captions[picture] == nil { order.append(picture) }
      captions[picture, default: []].append(entry.text)
    }
    if let first = missing.min() {
      writer.note(
        "\(missing.count) pictures of \(file.relativeName) are not in \(request.source.relativeName) and are left out, "
          + "such as '\(first.text.shortened)'")
    }
    if let first = renamed.min() {
      writer.note("'\(first.text.shortened)' is taken as the picture without the number behind its name")
    }
    guard !order.isEmpty else { throw ImportError.empty(file.relativeName) }
    try writer.pictures(order.map(\.text), to: "pictures.txt")
    writer.modality(
      "image", ["file": writer.path(request.source), "list": "pictures.txt", "kind": "images"])
    try writer.lines(order.flatMap { captions[$0] ?? [] }, to: "captions.txt")
    writer.modality("text", ["file": "captions.txt", "kind": "text"])
    try writer.pairs(counts: order.map { captions[$0]?.count ?? 0 })
    guard let splits = request.options["split"] else { return writer.splits(ofRows: order.count) }
    let named = try CaptionsFile(request.named(splits), texts: .splits, request).entries
    let split = Dictionary(named.map { (ExactText($0.name), $0.text) }) { first, _ in first }
    if let missing = order.first(where: { split[$0] == nil }) {
      throw ImportError.malformed(
        file: splits, place: "the list", reason: "does not name \(missing.text.shortened)")
    }
    try writer.splits(of: order.map { split[$0] ?? "train" })
  }

  /// The path of a picture below the folder; nil when it is not there.
  private static func place(
    of entry: CaptionsFile.Entry, of file: URL, in request: ImportRequest
  ) throws -> String? {
    let home = request.source.standardizedFileURL.path + "/"
    let name = entry.name.hasPrefix(home) ? String(entry.name.dropFirst(home.count)) : entry.name
    guard !DataSetWriter.leadsOut(name) else {
      throw DataError.malformed(
        file: file.relativeName, place: "line \(entry.line)",
        reason: "names '\(name.shortened)', which leads out of \(request.source.relativeName)")
    }
    func isThere(_ name: String) -> Bool {
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: request.file(name).path, isDirectory: &isFolder)
        && !isFolder.boolValue
    }
    if isThere(name) { return name }
    // Flickr8k.token.txt has one name with a number behind it.
    if let dot = name.lastIndex(of: "."), name[dot...].dropFirst().allSatisfy(\.isNumber),
      case let plain = String(name[..<dot]), isThere(plain)
    {
      return plain
    }
    return nil
  }
}

/// Texts by the names of pictures: lines of name TAB text, a table with a header, or .jsonl.
struct CaptionsFile {
  /// A name with its text, and where they stand.
  struct Entry {
    let name: String
    let text: String
    /// Counted from 1.
    let line: Int
  }

  /// What the texts are.
  enum Texts {
    case captions
    case splits
  }

  let entries: [Entry]

  private static let imageNames = [
    "image", "image_name", "filename", "file_name", "file", "image_path", "filepath", "path", "image_file",
    "img",
    "picture", "image_id", "name",
  ]
  private static let captionNames = [
    "caption", "comment", "text", "sentence", "description", "captions", "title", "raw",
  ]
  private static let splitNames = ["split", "set", "subset", "part"]

  /// - Throws: ``DataError`` naming the line that is none of these.
  init(_ file: URL, texts: Texts, _ request: ImportRequest) throws {
    let lines = try TextLines(file, limits: .standard)
    let path = file.lastPathComponent.lowercased()
    func bad(_ row: Int, _ expected: String) -> DataError {
      .malformed(file: lines.name, place: DataError.line(row), reason: "is not \(expected)")
    }
    if path.hasSuffix(".jsonl") || path.hasSuffix(".jsonl.gz") {
      let wanted = (texts == .captions ? request.options["caption"] : nil).map { [$0] }
      let keys = (
        image: request.options["image"].map { [$0] } ?? ["image", "file_name", "file", "filename"],
        text: wanted ?? (texts == .captions ? ["caption", "text"] : ["split"] + ["caption", "text"])
      )
      entries = try (0..<lines.count).filter { !lines.text(at: $0).isEmpty }.map { row in
        let value = try lines.json(at: row)
        func first(_ keys: [String]) -> String? { keys.lazy.compactMap { value[$0]?.string }.first }
        guard let name = first(keys.image), let text = first(keys.text) else {
          throw bad(row, "an object with '\(keys.image[0])' and '\(keys.text[0])'")
        }
        return Entry(name: name, text: text, line: row + 1)
      }
      return
    }
    let known = texts == .captions ? Self.captionNames : Self.splitNames + Self.captionNames
    let wanted = (
      image: request.options["image"].map { [$0] } ?? Self.imageNames,
      text: (texts == .captions ? request.options["caption"] : nil).map { [$0] } ?? known
    )
    if let header = lines.count > 1 ? Self.header(lines.text(at: 0), wanted) : nil {
      entries = try Self.rows(of: file, header)
      return
    }
    guard !path.hasSuffix(".csv"), !path.hasSuffix(".csv.gz"), request.options["image"] == nil,
      texts == .splits || request.options["caption"] == nil
    else {
      throw DataError.malformed(
        file: lines.name, place: "line 1",
        reason:
          "names no columns '\(wanted.image[0])' and '\(wanted.text[0])': it is '\(lines.text(at: 0).shortened)'; "
          + "name them with --set image=COLUMN --set caption=COLUMN")
    }
    entries = try (0..<lines.count).compactMap { row in
      let line = lines.text(at: row)
      if line.isEmpty { return nil }
      let fields = line.split(separator: "\t", maxSplits: 1).map(String.init)
      guard fields.count == 2, let name = fields[0].split(separator: "#").first else {
        throw bad(row, "a name, a tab and a text, and the first line names no columns of a table")
      }
      return Entry(name: String(name), text: fields[1], line: row + 1)
    }
  }

  /// Which columns of a table count, and what is between them.
  private struct Header {
    let separator: UInt8
    let image: Int
    let text: Int
  }

  /// The header of a table; nil when the line is none.
  private static func header(_ line: String, _ wanted: (image: [String], text: [String])) -> Header? {
    for separator in ["\t", ",", ";", "|"] as [Character] {
      let names = line.split(separator: separator, omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: CharacterSet(charactersIn: " \"")).lowercased()
      }
      func place(_ wanted: [String]) -> Int? {
        wanted.lazy.compactMap { names.firstIndex(of: $0.lowercased()) }.first
      }
      if names.count > 1, let image = place(wanted.image), let text = place(wanted.text), image != text,
        let byte = separator.asciiValue
      {
        return Header(separator: byte, image: image, text: text)
      }
    }
    return nil
  }

  private static func rows(of file: URL, _ header: Header) throws -> [Entry] {
    let table = try DelimitedTable(file, hasHeader: true, separator: header.separator)
    let lines = table.linesOfRows()
    return try (0..<table.count).map { row in
      var fields = try table.anyFields(at: row)
      // One row of Flickr30k's table lacks the bar between number and text.
      if fields.count == table.width - 1, header.text == table.width - 1,
        let parts = fields.last?.wholeMatch(of: /\s*([0-9]+)\s+(.+)/)
      {
        fields = fields.dropLast() + [String(parts.1), String(parts.2)]
      }
      guard fields.count == table.width else {
        throw DataError.malformed(
          file: table.name, place: "line \(lines[row])",
          reason: "has \(fields.count) columns, but the first line has \(table.width)")
      }
      return Entry(
        name: fields[header.image].trimmingCharacters(in: .whitespaces),
        text: fields[header.text].trimmingCharacters(in: .whitespaces), line: lines[row])
    }
  }
}
