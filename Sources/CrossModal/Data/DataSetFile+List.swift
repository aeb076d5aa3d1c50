import Foundation

// A data set that is named by its files alone: `x.npy,y.npy`, one modality each, row i of one with row i of the other.
extension DataSetFile {
  /// Every row of this many is held out, for the split test.
  private static let heldOut = 5

  /// The files of a list; nil for the path of a file or folder.
  static func files(in path: String) -> [String]? {
    guard path.contains(","), !FileManager.default.fileExists(atPath: path) else { return nil }
    let files = path.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter {
      !$0.isEmpty
    }
    return files.count > 1 ? files : nil
  }

  /// - Throws: ``DataError`` naming a file that is not there or cannot be read.
  init(files: [String], limits: Limits) throws {
    let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true)
    let references = files.map { FileReference(($0 as NSString).expandingTildeInPath, in: here) }
    var names: [String] = []
    var modalities: [JSON.Member] = []
    var rows = 0
    for reference in references {
      guard FileManager.default.fileExists(atPath: reference.url.path) else {
        throw DataError.missing(file: reference.name)
      }
      let name = DataSetFile.name(of: reference, besides: names)
      names.append(name)
      let (kind, count) = try DataSetFile.contents(of: reference, limits: limits)
      rows = count
      let path = reference.url.path + (reference.variable.map { ":" + $0 } ?? "")
      modalities.append(JSON.Member(name, ["file": .string(path), "kind": .string(kind.rawValue)]))
    }
    // Spread through the rows, so that neither part lacks a class of data that are sorted.
    let parts = Dictionary(grouping: 0..<rows) { $0 % Self.heldOut == Self.heldOut - 1 }
    let tree: JSON = [
      "name": .string(names.joined(separator: "-")), "modalities": .object(modalities),
      "splits": [
        "train": .array((parts[false] ?? []).map(JSON.int)),
        "test": .array((parts[true] ?? []).map(JSON.int)),
      ],
    ]
    guard parts.count == 2 else {
      throw DataError.malformed(
        file: files.joined(separator: ","), reason: "\(rows) rows are too few to hold one in five out")
    }
    try self.init(tree, text: names.joined(separator: "\n"), url: references[0].url)
    list = references.map { $0.url.path + ($0.variable.map { ":" + $0 } ?? "") }
  }

  /// The name of the file without its ending; numbered where another has it already.
  private static func name(of reference: FileReference, besides names: [String]) -> String {
    var stem = reference.url.lastPathComponent
    if stem.hasSuffix(".gz") { stem = String(stem.dropLast(3)) }
    stem = (stem as NSString).deletingPathExtension
    let plain = reference.variable ?? stem
    let candidates = [plain] + (2...).prefix(names.count + 2).map { "\(plain)-\($0)" }
    return candidates.first { !names.contains($0) && !TableFile.reserved.contains($0) } ?? plain
  }

  /// What the rows of a file are, and how many there are.
  private static func contents(
    of reference: FileReference, limits: Limits
  ) throws -> (kind: ModalityKind, count: Int) {
    if reference.isText { return (.text, try reference.lines(limits: limits).count) }
    let array = try reference.array(limits: limits)
    return (array.shape.count == 3 ? .sequence : .vector, array.count)
  }
}
