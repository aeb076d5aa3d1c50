import Foundation
import Torch

/// What is unusual about a data set.
struct DataWarning: Sendable {
  let kind: DataInspection.Finding.Kind
  let sentence: String
  /// Whether strict opening refuses it.
  var isRefused = true
}

extension DataSet {
  /// Everything that is unusual but not wrong, in order.
  static func warnings(
    _ parts: [(name: String, part: Part)], _ modalities: [ModalityFile], _ origin: Origin
  ) -> [DataWarning] {
    var found = overlaps(parts).map { DataWarning(kind: .overlap, sentence: $0) }
    // Splits that are rows share the first of these tables.
    let shared = parts.first { !$0.part.ownsTable }?.part.table
    let tables = (shared.map { [$0] } ?? []) + parts.filter(\.part.ownsTable).map(\.part.table)
    for table in tables { found += columnWarnings(table, modalities.map(\.name)) }
    if case .file(let file) = origin, let outside = file.outsideWarning(tables) { found.append(outside) }
    var seen: Set<ExactText> = []
    return found.filter { seen.insert(ExactText($0.sentence)).inserted }
  }

  // MARK: - Columns

  /// Rows that are looked at: enough to tell a count from chance, few enough to be read whenever data are opened.
  private static let looked = 256
  /// Below this number of rows any column may count them by chance.
  private static let fewest = 8

  /// Columns that number the rows, and columns that two modalities have in common.
  ///
  /// What cannot be read is told when the rows are taken.
  private static func columnWarnings(_ table: Table, _ names: [String]) -> [DataWarning] {
    var found: [DataWarning] = []
    let sources = table.columns.map { column -> (any ArraySource)? in
      guard case .array(let source) = column.storage, column.kind == .vector else { return nil }
      return source
    }
    for case (let source?, let name) in zip(sources, names) {
      found += source.notes.map {
        DataWarning(kind: .tableReading, sentence: $0, isRefused: false)
      }
      guard let counting = try? source.countingColumn() else { continue }
      found.append(
        DataWarning(
          kind: .rowNumbers,
          sentence:
            "\(name): column \(counting.column) of \(source.name) counts the rows from \(counting.first), which says "
            + "where an item stands and nothing of it; leave it out"))
    }
    return found + sharedColumns(table, sources, names)
  }

  /// Columns of paired rows that are equal and not equal by chance: one sentence for each two modalities, of many
  /// modalities for the first few.
  private static func sharedColumns(
    _ table: Table, _ sources: [(any ArraySource)?], _ names: [String]
  ) -> [DataWarning] {
    guard sources.count(where: { $0 != nil }) > 1, table.pairCount >= fewest else { return [] }
    struct Place {
      let side: Int
      let column: Int
    }
    var places: [[Double]: Place] = [:]
    var found: [DataWarning] = []
    for (side, source) in sources.enumerated() {
      guard let source, source.rowBytes <= 1 << 18, found.count < 8,
        let columns = try? source.columns(ofRows: table.pairRows(side, most: looked))
      else { continue }
      var shared: [(first: Place, column: Int)] = []
      for (column, numbers) in columns.enumerated() {
        if let first = places[numbers] {
          if first.side != side { shared.append((first, column)) }
        } else if tells(numbers) {
          places[numbers] = Place(side: side, column: column)
        }
      }
      for other in Set(shared.map(\.first.side)).sorted() {
        let same = shared.filter { $0.first.side == other }
        let count = same.count == 1 ? "a column" : "\(same.count) columns"
        found.append(
          DataWarning(
            kind: .sharedColumns,
            sentence:
              "\(names[other]) and \(names[side]) have \(count) in common (column \(same[0].first.column) of "
              + "\(sources[other]?.name ?? "") and column \(same[0].column) of \(source.name)), so that one predicts the "
              + "other"))
      }
    }
    return Array(found.prefix(8))
  }

  /// Whether a column has so many different numbers, or so many that are not its most frequent one, that another does
  /// not equal it by chance.
  private static func tells(_ column: [Double]) -> Bool {
    let counts = column.reduce(into: [Double: Int]()) { $0[$1, default: 0] += 1 }
    return counts.count >= 8 || counts.count > 1 && column.count - (counts.values.max() ?? 0) >= 16
  }
}

extension ArraySource {
  /// The columns of some rows, rounded to float32, as which one of two equal columns may be stored.
  fileprivate func columns(ofRows rows: [Int]) throws -> [[Double]] {
    let numbers = try self.rows(at: rows).to(.float32).to(.float64).transposed().contiguous().values(
      as: Double.self)
    return stride(from: 0, to: numbers.count, by: rows.count).map { Array(numbers[$0..<$0 + rows.count]) }
  }

  /// The first column whose whole numbers go up by one, row by row.
  fileprivate func countingColumn() throws -> (column: Int, first: Int)? {
    let rows = min(count, 64)
    guard rows >= 8, shape.count == 2, rowBytes <= 1 << 20 else { return nil }
    let head = try self.rows(in: 0..<rows).to(.float64)
    let steps = try head.narrowed(to: 1..<rows, along: 0) - head.narrowed(to: 0..<rows - 1, along: 0)
    for column in try (steps .!= 1).any(along: 0).not().nonZero().values(as: Int.self) {
      let first = try head[0][column].item(as: Double.self)
      if let first = Int(exactly: first) { return (column, first) }
    }
    return nil
  }
}

extension Table {
  /// Row of a modality in each of the first pairs.
  fileprivate func pairRows(_ side: Int, most: Int) -> [Int] {
    pairs.map { Array($0[side].prefix(most)) } ?? Array(0..<min(pairCount, most))
  }
}

// MARK: - Files outside the folder

extension DataSetFile {
  /// Files that the data set names and that lie outside its folder, as a path, a link or a list of pictures leads there.
  fileprivate func outsideWarning(_ tables: [Table]) -> DataWarning? {
    // What was named file by file has no folder.
    guard list == nil else { return nil }
    let folder = url.deletingLastPathComponent().resolvingSymlinksInPath().path
    let home = folder.hasSuffix("/") ? folder : folder + "/"
    func isOutside(_ url: URL) -> Bool {
      let path = url.standardizedFileURL.resolvingSymlinksInPath().path
      return path != folder && !path.hasPrefix(home)
    }
    var seen: Set<ExactText> = []
    var outside: [String] = []
    func look(_ url: URL) {
      guard seen.insert(ExactText(url.path)).inserted, isOutside(url) else { return }
      outside.append(url.relativeName)
    }
    references.forEach(look)
    for list in tables.flatMap(\.columns).flatMap(\.pictureLists) {
      list.filesOutside(isOutside).forEach(look)
    }
    guard let first = outside.first else { return nil }
    let more = outside.count > 1 ? " and \(outside.count - 1) more" : ""
    return DataWarning(
      kind: .outside, sentence: "names files outside its folder: \(first.shortened)\(more)")
  }

  /// Every file and folder that the YAML file names.
  private var references: [URL] {
    let tables = [main] + splits.compactMap { if case .table(let table) = $0.part { table } else { nil } }
    let rows = splits.flatMap { split -> [FileReference] in
      guard case .rows(let rows) = split.part else { return [] }
      return rows.compactMap { if case .file(let file) = $0 { file } else { nil } }
    }
    return tables.flatMap(\.references) + rows.map(\.url)
  }
}

extension TableFile {
  fileprivate var references: [URL] {
    let ofLabels: [FileReference] =
      switch labels {
      case .none: []
      case .first(let files): files
      case .byModality(let files): files.sorted { $0.key < $1.key }.flatMap(\.value)
      }
    return modalities.flatMap(\.references) + (ofLabels + pairs + answers + moments).map(\.url)
  }
}

extension ModalityFile {
  fileprivate var references: [URL] {
    let folders = [pictures, masks].compactMap { $0 }
    let own = files + [list, columns].compactMap { $0 } + lengths + offsets + items + boxes + group
    return own.map(\.url) + folders.flatMap { [$0.folder, $0.list.url] }
  }
}

extension Column {
  fileprivate var pictureLists: [PictureList] {
    let own: PictureList? = if case .pictures(let list) = storage { list } else { nil }
    return [own, pictures, masks].compactMap { $0 }
  }
}

extension PictureList {
  /// Files that are links or lie in another folder than the list's, where that leads outside.
  ///
  /// A folder that lies outside itself is told by its own name.
  fileprivate func filesOutside(_ isOutside: (URL) -> Bool) -> [URL] {
    guard let files, let folder, !isOutside(folder) else { return [] }
    var known: [ExactText: Bool] = [:]
    return files.filter { file in
      let parent = file.deletingLastPathComponent()
      let key = ExactText(parent.path)
      let isAway = known[key] ?? isOutside(parent)
      known[key] = isAway
      if isAway { return true }
      var status = stat()
      return lstat(file.path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK && isOutside(file)
    }
  }
}
