import Foundation
import Yams

/// What `dataset.yaml` says, checked for form only: no other file has been opened.
struct DataSetFile: Sendable {
  /// The file, and the folder where relative paths start.
  let url: URL
  let name: String
  let modalities: [ModalityFile]
  let captionsPerItem: Int?
  /// Whether rows of the second modality and later ones that are in no pair are searched too.
  let keepsDistractors: Bool
  /// Files for the splits that are given as rows.
  let main: TableFile
  let splits: [(name: String, part: SplitFile)]
  /// The text of the file.
  let text: String
  /// The files that make the data set, where there is no YAML file.
  var list: [String]?

  /// As messages name it.
  var file: String { list?.joined(separator: ",") ?? url.relativeName }
  /// What opens it again, from anywhere.
  var path: String {
    list.map { $0.map { URL(fileURLWithPath: $0).path }.joined(separator: ",") } ?? url.path
  }
}

/// Where the rows of a modality are and how they are read.
struct ModalityFile: Sendable {
  let name: String
  var kind: ModalityKind
  var files: [FileReference] = []
  var field: String?
  var list: FileReference?
  var lengths: [FileReference] = []
  var offsets: [FileReference] = []
  var scale: Double?
  var rate: Double?
  var items: [FileReference] = []
  var pictures: PictureFolder?
  var boxes: [FileReference] = []
  var group: [FileReference] = []
  var columns: FileReference?
  var masks: PictureFolder?

  /// A folder and a list of files in it, one a row.
  struct PictureFolder: Sendable {
    let folder: URL
    let list: FileReference
    /// Number of the pixels that do not count.
    var ignore: Int?
  }
}

/// Files whose rows belong together.
struct TableFile: Sendable {
  var modalities: [ModalityFile] = []
  var labels: LabelFiles = .none
  var pairs: [FileReference] = []
  var answers: [FileReference] = []
  var moments: [FileReference] = []

  /// Classes: of the items of the first modality, or of several by name.
  enum LabelFiles: Sendable {
    case none
    case first([FileReference])
    case byModality([String: [FileReference]])
  }
}

/// A split: rows of the main table, or a table of its own.
enum SplitFile: Sendable {
  case rows([RowsFile])
  case table(TableFile)

  /// Some rows: a range, or a file of row numbers.
  enum RowsFile: Sendable {
    case range(Range<Int>, text: String)
    case file(FileReference)
  }
}

extension DataSetFile {
  /// Reads the file at `path`; for a folder, the `dataset.yaml` in it.
  ///
  /// - Throws: ``DataError`` for what is not YAML, unknown or missing keys, and values of the wrong kind.
  init(at path: String, limits: Limits) throws {
    if let files = DataSetFile.files(in: path) {
      try self.init(files: files, limits: limits)
      return
    }
    var url = URL(fileURLWithPath: (path as NSString).expandingTildeInPath)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw DataError.missing(file: url.relativeName)
    }
    if isFolder.boolValue {
      let folder = url
      url = folder.appendingPathComponent("dataset.yaml")
      guard FileManager.default.fileExists(atPath: url.path) else {
        throw DataError.unreadable(
          file: folder.relativeName, reason: "the folder holds no dataset.yaml, so it is no data set")
      }
    }
    let bytes = try InputFile(url)
    let file = bytes.name
    guard bytes.bytes.count <= limits.configurationBytes else {
      throw DataError.tooLarge(
        file: file, what: "its size", size: bytes.bytes.count, limit: limits.configurationBytes)
    }
    guard let text = String(bytes: bytes.bytes, encoding: .utf8) else {
      throw DataError.malformed(file: file, reason: "is not valid UTF-8, so it is no YAML")
    }
    let tree: JSON
    do { tree = try JSON(yaml: text) } catch {
      let said = (error as? JSONError)?.errorDescription ?? "\(error)"
      let reason = said.split(separator: "\n").joined(separator: " ")
      throw DataError.malformed(file: file, reason: "is no YAML: \(reason)")
    }
    try self.init(tree, text: text, url: url)
  }

  init(_ tree: JSON, text: String, url: URL) throws(DataError) {
    self.url = url
    self.text = text
    let file = url.relativeName
    let folder = url.deletingLastPathComponent()
    let root = try Section(tree, at: "", file: file, folder: folder)
    try root.allow(
      [
        "name", "modalities", "captions_per_item", "distractors", "labels", "pairs", "answers", "moments",
        "splits",
      ])
    name = try root.text("name") ?? folder.lastPathComponent
    captionsPerItem = try root.positive("captions_per_item")
    let distractors = try root.text("distractors") ?? "drop"
    guard ["keep", "drop"].contains(distractors) else {
      throw .badKey(
        file: file, key: "distractors",
        reason:
          "is '\(distractors.shortened)', expected keep (rows that are in no pair are searched too) or drop")
    }
    keepsDistractors = distractors == "keep"

    guard let entries = try root.section("modalities"), !entries.members.isEmpty else {
      throw .badKey(file: file, key: "modalities", reason: "is missing: it names the kinds of items")
    }
    var modalities: [ModalityFile] = []
    for entry in entries.members {
      guard !TableFile.reserved.contains(entry.key) else {
        throw .badKey(
          file: file, key: "modalities.\(entry.key)", reason: "is a name with a meaning of its own")
      }
      guard let section = try entries.section(entry.key) else { continue }
      modalities.append(try ModalityFile(section, name: entry.key))
    }
    self.modalities = modalities
    main = try TableFile(root, modalities: modalities)

    guard let parts = try root.section("splits"), !parts.members.isEmpty else {
      throw .badKey(
        file: file, key: "splits", reason: "is missing: give at least one, such as train: \"0:100\"")
    }
    var splits: [(name: String, part: SplitFile)] = []
    for part in parts.members {
      if case .object = part.value, let section = try parts.section(part.key) {
        splits.append((part.key, .table(try TableFile(section, base: modalities))))
      } else {
        splits.append((part.key, .rows(try SplitFile.rows(part.value, at: "splits.\(part.key)", parts))))
      }
    }
    self.splits = splits
    let tables = [main] + splits.compactMap { if case .table(let own) = $0.part { own } else { nil } }
    if keepsDistractors, tables.allSatisfy(\.pairs.isEmpty) {
      throw .badKey(file: file, key: "distractors", reason: "needs 'pairs': without, every row is in a pair")
    }
    if captionsPerItem != nil {
      if modalities.count < 2 {
        throw .badKey(file: file, key: "captions_per_item", reason: "needs a second modality")
      }
      if !main.pairs.isEmpty {
        throw .badKey(file: file, key: "captions_per_item", reason: "and 'pairs' say the same: give one")
      }
    }
  }
}

extension SplitFile {
  /// `"from:to"`, a file, or a list of these and of row numbers.
  fileprivate static func rows(
    _ value: JSON, at key: String, _ section: Section
  ) throws(DataError) -> [RowsFile] {
    if let list = value.array {
      var rows: [RowsFile] = []
      for element in list { rows += try SplitFile.rows(element, at: key, section) }
      return rows
    }
    if let row = value.int, row >= 0 {
      guard row < Int.max else {
        throw .badKey(file: section.file, key: key, reason: "is \(row), which is no row")
      }
      return [.range(row..<row + 1, text: "\(row)")]
    }
    guard let text = value.string, !text.isEmpty else {
      throw .badKey(
        file: section.file, key: key, reason: "must be \"from:to\", a file of row numbers, or a list of these"
      )
    }
    let ends = text.split(separator: ":", omittingEmptySubsequences: false)
    if ends.count == 2, ends.allSatisfy({ $0.trimmed.wholeMatch(of: /[+-]?[0-9]+/) != nil }) {
      guard let from = Int(ends[0].trimmed), let to = Int(ends[1].trimmed), from >= 0, from <= to else {
        throw .badKey(file: section.file, key: key, reason: "is \"\(text)\", which is no range of rows")
      }
      return [.range(from..<to, text: text)]
    }
    return [.file(FileReference(text, in: section.folder))]
  }
}

extension Substring {
  fileprivate var trimmed: String { trimmingCharacters(in: .whitespaces) }
}

extension TableFile {
  /// Keys that stand beside the names of modalities.
  static let reserved = ["labels", "pairs", "answers", "moments"]

  /// The files of the whole data set.
  fileprivate init(_ section: Section, modalities: [ModalityFile]) throws(DataError) {
    self.modalities = modalities
    if let value = section["labels"], case .object = value, let names = try section.section("labels") {
      try names.allow(modalities.map(\.name))
      var files: [String: [FileReference]] = [:]
      for name in names.members.map(\.key) { files[name] = try names.files(name) }
      labels = .byModality(files)
    } else {
      let files = try section.files("labels")
      labels = files.isEmpty ? .none : .first(files)
    }
    pairs = try section.files("pairs")
    answers = try section.files("answers")
    moments = try section.files("moments")
  }

  /// The files that a split names for itself; what it does not say is as in `base`.
  fileprivate init(_ section: Section, base: [ModalityFile]) throws(DataError) {
    try section.allow(base.map(\.name) + TableFile.reserved)
    var own: [ModalityFile] = []
    for modality in base {
      guard let value = section[modality.name] else {
        throw .badKey(
          file: section.file, key: section.path(modality.name),
          reason: "is missing: a split with files of its own names one for every modality")
      }
      if case .object = value, let keys = try section.section(modality.name) {
        own.append(try ModalityFile(keys, name: modality.name, base: modality))
      } else {
        // Companions of the main table's rows do not fit the rows of other files.
        var bare = ModalityFile(name: modality.name, kind: modality.kind)
        bare.files = try section.files(modality.name)
        (bare.field, bare.scale, bare.rate) = (modality.field, modality.scale, modality.rate)
        own.append(bare)
      }
    }
    try self.init(section, modalities: own)
  }
}

extension ModalityFile {
  fileprivate init(_ section: Section, name: String, base: ModalityFile? = nil) throws(DataError) {
    try section.allow([
      "file", "kind", "field", "list", "lengths", "offsets", "scale", "items", "pictures", "boxes", "rate",
      "group", "columns", "masks",
    ])
    self.name = name
    if let text = try section.text("kind") {
      guard let known = ModalityKind(rawValue: text) else {
        let kinds = ModalityKind.allCases.map(\.rawValue)
        let meant = nearest(to: text, in: kinds).map { "; did you mean '\($0)'?" } ?? ""
        throw .badKey(
          file: section.file, key: section.path("kind"),
          reason: "is '\(text)', expected one of \(kinds.joined(separator: ", "))\(meant)")
      }
      kind = known
    } else if let base {
      kind = base.kind
    } else {
      throw .badKey(file: section.file, key: section.path("kind"), reason: "is missing")
    }
    files = try section.files("file")
    field = try section.text("field") ?? base?.field
    list = try section.files("list").first
    lengths = try section.files("lengths")
    offsets = try section.files("offsets")
    scale = try section.number("scale") ?? base?.scale
    rate = try section.number("rate") ?? base?.rate
    items = try section.files("items")
    pictures = try section.pictures("pictures")
    boxes = try section.files("boxes")
    group = try section.files("group")
    columns = try section.files("columns").first
    masks = try section.pictures("masks")
    try checkPositive(at: section.key, in: section.file)
  }

  /// Refuses a scale or rate that is no number above 0.
  func checkPositive(at place: String, in file: String) throws(DataError) {
    for (key, number) in [("scale", scale), ("rate", rate)] {
      if let number, !(number.isFinite && number > 0) {
        throw .badKey(file: file, key: "\(place).\(key)", reason: "must be a number above 0")
      }
    }
  }
}

/// A mapping of the YAML file and where it stands, for messages.
struct Section {
  let members: [JSON.Member]
  let key: String
  let file: String
  let folder: URL

  init(_ value: JSON, at key: String, file: String, folder: URL) throws(DataError) {
    guard let members = value.members else {
      throw key.isEmpty
        ? .malformed(file: file, reason: "is no mapping of keys to values")
        : .badKey(file: file, key: key, reason: "must be a mapping of keys to values")
    }
    (self.members, self.key, self.file, self.folder) = (members, key, file, folder)
  }

  subscript(_ name: String) -> JSON? {
    members.first { $0.key == name }.flatMap { $0.value.isNull ? nil : $0.value }
  }

  func path(_ name: String) -> String { key.isEmpty ? name : key + "." + name }

  /// Refuses keys that are not in `known`, naming the nearest.
  func allow(_ known: [String]) throws(DataError) {
    for member in members where !known.contains(member.key) {
      throw .unknownKey(
        file: file, key: path(member.key), nearest: nearestNames(to: member.key, in: known), known: known)
    }
  }

  func section(_ name: String) throws(DataError) -> Section? {
    guard let value = self[name] else { return nil }
    return try Section(value, at: path(name), file: file, folder: folder)
  }

  func text(_ name: String) throws(DataError) -> String? {
    guard let value = self[name] else { return nil }
    guard let text = value.plainText, !text.isEmpty else {
      throw .badKey(file: file, key: path(name), reason: "must be a text")
    }
    return text
  }

  func number(_ name: String) throws(DataError) -> Double? {
    guard let value = self[name] else { return nil }
    guard let number = value.double else {
      throw .badKey(file: file, key: path(name), reason: "must be a number")
    }
    return number
  }

  func positive(_ name: String) throws(DataError) -> Int? {
    guard let value = self[name] else { return nil }
    guard let number = value.int, number > 0 else {
      throw .badKey(file: file, key: path(name), reason: "must be a whole number above 0")
    }
    return number
  }

  /// A file or a list of files; empty when the key is absent.
  func files(_ name: String) throws(DataError) -> [FileReference] {
    guard let value = self[name] else { return [] }
    let texts = value.array.map { $0.map(\.string) } ?? [value.string]
    var files: [FileReference] = []
    for text in texts {
      guard let text, !text.isEmpty else {
        throw .badKey(file: file, key: path(name), reason: "must be a file or a list of files")
      }
      files.append(FileReference(text, in: folder))
    }
    guard !files.isEmpty else {
      throw .badKey(file: file, key: path(name), reason: "is an empty list of files")
    }
    return files
  }

  func pictures(_ name: String) throws(DataError) -> ModalityFile.PictureFolder? {
    guard let keys = try section(name) else { return nil }
    try keys.allow(["folder", "list", "ignore"])
    guard let list = try keys.files("list").first else {
      throw .badKey(file: file, key: keys.path("list"), reason: "is missing: a file of relative paths")
    }
    let path = try keys.text("folder") ?? "."
    if let ignore = keys["ignore"], ignore.int == nil {
      throw .badKey(file: file, key: keys.path("ignore"), reason: "must be a whole number")
    }
    return ModalityFile.PictureFolder(
      folder: URL(fileURLWithPath: path, relativeTo: folder).absoluteURL, list: list,
      ignore: keys["ignore"]?.int)
  }
}
