import Foundation
import Torch

/// Paired items of several modalities: in a folder with a `dataset.yaml`, or in memory.
///
/// Opening reads headers, texts, pairs and labels and checks that they fit each other; arrays stay on disk.
/// The numbers of a split are checked when the split is taken.
public struct DataSet: Sendable {
  /// What a method needs to know of the data.
  public let description: DataDescription
  /// Names of the splits in the file's order.
  public let splitNames: [String]
  /// What is unusual but not wrong, such as splits that overlap, or a column that numbers the rows; one sentence each.
  public var warnings: [String] { warnings(besidesFilesOutside: false) }

  /// What is unusual but not wrong; without a word of files outside the folder where they were just named.
  public func warnings(besidesFilesOutside: Bool) -> [String] {
    unusual.filter { !besidesFilesOutside || $0.kind != .outside }.map(\.sentence)
  }
  /// Names of the classes, as the files give them; a label is a place in this list.
  public let classNames: [String]

  /// Where they come from.
  let origin: Origin
  let limits: Limits
  /// What is unusual, with its kind.
  let unusual: [DataWarning]
  /// The fingerprint, once it was asked for.
  let knownFingerprint = Once<String>()
  private let parts: [String: Part]
  private let checksNumbers: Bool

  /// Where data come from.
  enum Origin: Sendable {
    case file(DataSetFile)
    /// Nowhere; messages have the name.
    case memory(name: String)

    /// The file, or the name, for messages.
    var name: String {
      switch self {
      case .file(let file): file.file
      case .memory(let name): name
      }
    }
  }

  /// Where a split's rows are.
  struct Part: Sendable {
    let table: Table
    let rows: Rows
    /// Whether no other split has rows of the table.
    var ownsTable = false
    /// Class of each item of each modality of the whole table, numbered from 0.
    var labels: [[Int]?] = []
  }

  /// Opens a data set.
  ///
  /// - Parameters:
  ///   - path: the folder, or any `NAME.dataset.yaml`; or files with commas between, `x.npy,y.npy`: row i of one
  ///     goes with row i of the other, and every fifth row is held out as the split `test`.
  ///   - strict: what would be a warning is an error.
  ///   - checksNumbers: whether taking a split walks its numbers and refuses NaN, infinity and what is too large.
  ///   - limits: sizes that are refused.
  /// - Throws: ``DataError``, one sentence that names the file and the place.
  public init(
    at path: String, strict: Bool = false, checksNumbers: Bool = true, limits: Limits = .standard
  ) throws {
    let file = try DataSetFile(at: path, limits: limits)
    try self.init(
      name: file.name, origin: .file(file), modalities: file.modalities,
      parts: DataSet.parts(of: file, limits: limits), checksNumbers: checksNumbers, limits: limits)
    if strict, let warning = unusual.first(where: \.isRefused) {
      throw DataError.refused(file: file.file, warning: warning.sentence)
    }
  }

  /// - Parameters:
  ///   - modalities: what is said of each for the whole data set.
  ///   - parts: the splits in order.
  init(
    name: String, origin: Origin, modalities: [ModalityFile], parts: [(name: String, part: Part)],
    checksNumbers: Bool, limits: Limits
  ) throws {
    self.origin = origin
    self.limits = limits
    self.checksNumbers = checksNumbers
    splitNames = parts.map(\.name)
    var all = Dictionary(parts.map { ($0.name, $0.part) }) { first, _ in first }
    classNames = DataSet.numberClasses(&all)
    self.parts = all
    description = try DataSet.describe(
      modalities, name: name, parts: splitNames.compactMap { all[$0] }, classNames, limits: limits)
    unusual = DataSet.warnings(
      splitNames.compactMap { name in all[name].map { (name, $0) } }, modalities, origin)
  }

  /// The path that opens it again, absolute; nil when the data were made in memory.
  public var path: String? { if case .file(let file) = origin { file.path } else { nil } }

  /// The split of this name.
  ///
  /// - Throws: ``DataError`` when there is none, or when one of its numbers is NaN or infinite.
  public func split(_ name: String) throws -> Split {
    guard let part = parts[name] else {
      throw DataError.unknownSplit(name: name, known: splitNames, file: origin.name)
    }
    let split = Split(name: name, of: self, part: part)
    if checksNumbers { try split.checkNumbers() }
    return split
  }

  /// A split of the given rows of the first modality, for folds; rows are those of the split `name`.
  public func split(_ name: String, rows: [Int]) throws -> Split { try split(name).narrowed(to: rows) }

  func part(_ name: String) -> Part? { parts[name] }
}

extension DataSet {
  private static func parts(
    of file: DataSetFile, limits: Limits
  ) throws -> [(name: String, part: Part)] {
    var main: Table?
    return try file.splits.map { name, part in
      switch part {
      case .table(let files):
        let table = try Table(
          files, captionsPerItem: file.captionsPerItem, keepsDistractors: file.keepsDistractors,
          in: file.file, limits: limits)
        return (name, Part(table: table, rows: .range(0..<table.columns[0].count), ownsTable: true))
      case .rows(let selections):
        let table =
          try main
          ?? Table(
            file.main, captionsPerItem: file.captionsPerItem, keepsDistractors: file.keepsDistractors,
            in: file.file, limits: limits)
        main = table
        let rows = try selectRows(selections, of: table.columns[0].count, split: name, file, limits)
        return (name, Part(table: table, rows: rows))
      }
    }
  }

  private static func selectRows(
    _ selections: [SplitFile.RowsFile], of count: Int, split: String, _ file: DataSetFile, _ limits: Limits
  ) throws -> Rows {
    var places: [Int] = []
    for selection in selections {
      switch selection {
      case .range(let range, let text):
        guard range.upperBound <= count else {
          throw DataError.rowOutOfRange(
            file: file.file, place: "'splits.\(split)' (\"\(text)\")", row: range.upperBound - 1, count: count
          )
        }
        if selections.count == 1 {
          try checkNotEmpty(range.isEmpty, split, in: file.file)
          return .range(range)
        }
        places += range
      case .file(let reference):
        let rows = try readRows(reference, limits: limits)
        if let at = rows.firstIndex(where: { $0 < 0 || $0 >= count }) {
          throw DataError.rowOutOfRange(
            file: reference.name, place: "element \(at)", row: rows[at], count: count)
        }
        places += rows
      }
    }
    try checkDistinct(places, of: count, split: split, in: file.file)
    return Rows(places)
  }

  /// Refuses a split without rows, or with a row twice; all rows are below `count`.
  static func checkDistinct(
    _ places: [Int], of count: Int, split: String, in file: String
  ) throws(DataError) {
    try checkNotEmpty(places.isEmpty, split, in: file)
    var seen = [Bool](repeating: false, count: count)
    for place in places {
      if seen[place] {
        throw .badKey(file: file, key: "splits.\(split)", reason: "names row \(place) twice")
      }
      seen[place] = true
    }
  }

  private static func checkNotEmpty(
    _ isEmpty: Bool, _ split: String, in file: String
  ) throws(DataError) {
    if isEmpty { throw .badKey(file: file, key: "splits.\(split)", reason: "names no rows") }
  }

  /// Row numbers from an array, or from a text file with one a line.
  private static func readRows(_ reference: FileReference, limits: Limits) throws -> [Int] {
    guard reference.isText else { return try [reference].integers(limits: limits).values }
    let lines = try reference.lines(limits: limits)
    return try (0..<lines.count).map { line in
      guard let row = Int(lines.text(at: line)) else {
        throw DataError.malformed(
          file: lines.name, place: DataError.line(line),
          reason: "is '\(lines.text(at: line).prefix(40))', expected a row number")
      }
      return row
    }
  }

  /// Numbers the classes of all parts from 0, in ascending order of what the files give.
  private static func numberClasses(_ parts: inout [String: Part]) -> [String] {
    var numbers: Set<Int> = []
    var names: Set<ExactText> = []
    var hasSeenRows = false
    for part in parts.values where part.ownsTable || !hasSeenRows {
      if !part.ownsTable { hasSeenRows = true }
      for case .some(let values) in part.table.labels {
        switch values {
        case .numbers(let given): numbers.formUnion(given)
        case .names(let given): names.formUnion(given.map { ExactText($0) })
        }
      }
    }
    let order = numbers.sorted().map(String.init) + names.sorted().map(\.text)
    let place = Dictionary(order.enumerated().map { (ExactText($1), $0) }) { first, _ in first }
    func numbered(_ table: Table) -> [[Int]?] {
      table.labels.map { values in
        values.map { values in (0..<values.count).map { place[ExactText(values.name(at: $0))] ?? 0 } }
      }
    }
    // Splits that are rows have one table, so its classes are numbered once.
    var ofRows: [[Int]?]?
    for (name, part) in parts {
      let labels = part.ownsTable ? numbered(part.table) : ofRows ?? numbered(part.table)
      if !part.ownsTable { ofRows = labels }
      parts[name]?.labels = labels
    }
    return order
  }

  private static func describe(
    _ files: [ModalityFile], name: String, parts: [Part], _ classNames: [String], limits: Limits
  ) throws -> DataDescription {
    var modalities: [DataDescription.Modality] = []
    for (side, modality) in files.enumerated() {
      let first = parts[0].table.columns[side]
      for part in parts.dropFirst() where part.table.columns[side].rowShape != first.rowShape {
        let other = part.table.columns[side]
        throw DataError.wrongShape(
          file: other.name, shape: other.array?.shape ?? [],
          expected: "rows of \(first.rowShape ?? []) as in \(first.name)")
      }
      let size = [.vector, .set, .sequence].contains(modality.kind) ? first.rowShape?.last : nil
      let vocabulary =
        modality.kind == .tokens
        ? try parts.map { try $0.table.columns[side].largestNumber(limits: limits) + 1 }.max() : nil
      modalities.append(
        .init(
          name: modality.name, kind: modality.kind, size: size, shape: first.rowShape,
          vocabulary: vocabulary, scale: modality.scale, rate: modality.rate))
    }
    return DataDescription(
      name: name, modalities: modalities, classes: classNames.isEmpty ? nil : classNames.count)
  }

  static func overlaps(_ parts: [(name: String, part: Part)]) -> [String] {
    // Splits that are rows share one table; those with files of their own cannot overlap by row.
    let byRows = parts.filter { !$0.part.ownsTable }.map { ($0.name, $0.part.rows.ranges) }
    let (pairs, more) = overlapping(byRows.map(\.1))
    return pairs.compactMap { one, other in
      guard let shared = firstShared(byRows[one].1, byRows[other].1) else { return nil }
      return
        "the splits '\(byRows[one].0.shortened)' and '\(byRows[other].0.shortened)' overlap: \(shared.count) rows are in "
        + "both, the first is row \(shared.first)"
    } + (more > 0 ? ["\(more) more splits overlap others"] : [])
  }

  /// Places of splits that may overlap; of very many splits one pair a run of rows, and no more than are read.
  private static func overlapping(_ splits: [[Range<Int>]]) -> (pairs: [(Int, Int)], more: Int) {
    let most = 16
    guard splits.count > most else {
      let places = splits.indices
      return (places.flatMap { one in places.filter { $0 > one }.map { (one, $0) } }, 0)
    }
    let runs = splits.enumerated().flatMap { place, runs in runs.map { (place, $0) } }
      .sorted { ($0.1.lowerBound, $0.0) < ($1.1.lowerBound, $1.0) }
    var pairs: [(Int, Int)] = []
    var counted: Set<Int> = []
    var last: (place: Int, end: Int)?
    for (place, run) in runs {
      if let last, run.lowerBound < last.end, last.place != place, counted.insert(place).inserted {
        pairs.append((min(last.place, place), max(last.place, place)))
      }
      if run.upperBound > last?.end ?? .min { last = (place, run.upperBound) }
    }
    return (Array(pairs.prefix(most)), max(0, pairs.count - most))
  }

  private static func firstShared(_ a: [Range<Int>], _ b: [Range<Int>]) -> (first: Int, count: Int)? {
    var (i, j, count) = (0, 0, 0)
    var first: Int?
    while i < a.count, j < b.count {
      let shared = a[i].clamped(to: b[j])
      if !shared.isEmpty {
        first = first ?? shared.lowerBound
        count += shared.count
      }
      if a[i].upperBound < b[j].upperBound { i += 1 } else { j += 1 }
    }
    return first.map { ($0, count) }
  }
}
