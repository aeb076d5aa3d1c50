import Torch

/// Rows of every modality that belong together, with what is known of them.
struct Table: Sendable {
  let columns: [Column]
  /// Classes of the items of each modality as the files give them.
  let labels: [LabelValues?]
  /// Row of each modality in each pair; nil when row i goes with row i everywhere.
  let pairs: [[Int]]?
  /// Number of pairs.
  let pairCount: Int
  /// Accepted answers of each pair.
  let answers: [[String]]?
  /// Seconds of each pair.
  let moments: [ClosedRange<Double>]?
  let captionsPerItem: Int?

  /// Classes as a file gives them.
  enum LabelValues: Sendable {
    case numbers([Int])
    case names([String])

    var count: Int {
      switch self {
      case .numbers(let values): values.count
      case .names(let values): values.count
      }
    }

    /// The class as text.
    func name(at row: Int) -> String {
      switch self {
      case .numbers(let values): String(values[row])
      case .names(let values): values[row]
      }
    }
  }
}

extension Table {
  /// Opens all files and checks that their counts fit each other.
  init(_ file: TableFile, captionsPerItem: Int?, in yaml: String, limits: Limits) throws {
    let columns = try file.modalities.map { try Column($0, in: yaml, limits: limits) }
    self.columns = columns
    self.captionsPerItem = captionsPerItem
    (pairs, pairCount) = try Table.pairs(file, columns, captionsPerItem, in: yaml, limits: limits)
    labels = try Table.labels(file.labels, columns, limits: limits)
    answers = try Table.answers(file.answers, count: pairCount, limits: limits)
    moments = try Table.moments(file.moments, count: pairCount, limits: limits)
  }

  private static func pairs(
    _ file: TableFile, _ columns: [Column], _ captionsPerItem: Int?, in yaml: String, limits: Limits
  ) throws -> ([[Int]]?, Int) {
    let first = columns[0]
    if !file.pairs.isEmpty {
      return try readPairs(file.pairs, columns, limits: limits)
    }
    let perItem = captionsPerItem ?? 1
    for (side, column) in columns.enumerated().dropFirst() {
      let (captions, overflows) = first.count.multipliedReportingOverflow(by: perItem)
      let wanted = side > 1 ? first.count : overflows ? .max : captions
      guard column.count == wanted else {
        let rule =
          side == 1 && captionsPerItem != nil
          ? "\(first.name) has \(first.count) and captions_per_item is \(perItem), so it needs"
          : "\(first.name) has"
        throw DataError.unequalCounts(file: column.name, count: column.count, other: rule, expected: wanted)
      }
    }
    guard perItem > 1 else { return (nil, first.count) }
    let places = Array(0..<first.count * perItem)
    let owners = places.map { $0 / perItem }
    return (columns.indices.map { $0 == 1 ? places : owners }, places.count)
  }

  private static func readPairs(
    _ files: [FileReference], _ columns: [Column], limits: Limits
  ) throws -> ([[Int]], Int) {
    let (values, shape) = try files.integers(limits: limits)
    guard shape.count == 2, shape[1] == 2 || shape[1] == columns.count, shape[0] > 0, columns.count > 1 else {
      throw DataError.wrongShape(
        file: files.name, shape: shape, expected: "[p, 2]: row of the first and row of the second modality")
    }
    var sides = (0..<shape[1]).map { side in (0..<shape[0]).map { values[$0 * shape[1] + side] } }
    for (side, rows) in sides.enumerated() {
      let count = columns[side].count
      if let at = rows.firstIndex(where: { $0 < 0 || $0 >= count }) {
        throw DataError.rowOutOfRange(
          file: files.name, place: "row \(at), column \(side)", row: rows[at], count: count)
      }
    }
    for column in columns.dropFirst(sides.count) {
      if column.count == columns[0].count {
        sides.append(sides[0])
      } else if column.count == shape[0] {
        sides.append(Array(0..<shape[0]))
      } else {
        throw DataError.unequalCounts(
          file: column.name, count: column.count, other: "\(files.name) has", expected: shape[0])
      }
    }
    return (sides, shape[0])
  }

  private static func labels(
    _ files: TableFile.LabelFiles, _ columns: [Column], limits: Limits
  ) throws -> [LabelValues?] {
    func read(_ files: [FileReference], for column: Column) throws -> LabelValues {
      let values: LabelValues =
        try files[0].isText
        ? .names(files.texts(field: nil, limits: limits).all()) : numbers(files, limits: limits)
      guard values.count == column.count else {
        throw DataError.unequalCounts(
          file: files.name, count: values.count, other: "\(column.name) has", expected: column.count)
      }
      return values
    }
    switch files {
    case .none: return columns.map { _ in nil }
    case .first(let own):
      return try columns.indices.map { $0 == 0 ? try read(own, for: columns[0]) : nil }
    case .byModality(let byName):
      return try columns.map { column in try byName[column.file.name].map { try read($0, for: column) } }
    }
  }

  /// Numbers of classes; MATLAB stores a vector as a matrix of one column or row.
  private static func numbers(_ files: [FileReference], limits: Limits) throws -> LabelValues {
    let (values, shape) = try files.integers(limits: limits)
    guard shape.filter({ $0 != 1 }).count <= 1 else {
      throw DataError.wrongShape(file: files.name, shape: shape, expected: "[n]: one class an item")
    }
    return .numbers(values)
  }

  private static func answers(
    _ files: [FileReference], count: Int, limits: Limits
  ) throws -> [[String]]? {
    guard !files.isEmpty else { return nil }
    var answers: [[String]] = []
    for file in files {
      let lines = try TextLines(file.url, limits: limits)
      for row in 0..<lines.count {
        let value = try lines.json(at: row)
        let texts = value.array?.compactMap(\.plainText) ?? value.plainText.map { [$0] } ?? []
        guard !texts.isEmpty, texts.count == value.array?.count ?? 1 else {
          throw DataError.malformed(file: lines.name, place: "line \(row)", reason: "is no list of texts")
        }
        answers.append(texts)
      }
    }
    guard answers.count == count else {
      throw DataError.unequalCounts(
        file: files.name, count: answers.count, other: "the number of pairs is", expected: count)
    }
    return answers
  }

  private static func moments(
    _ files: [FileReference], count: Int, limits: Limits
  ) throws -> [ClosedRange<Double>]? {
    guard !files.isEmpty else { return nil }
    let source = try files.array(limits: limits)
    guard source.shape.count == 2, source.shape[1] == 2 else {
      throw DataError.wrongShape(
        file: source.name, shape: source.shape, expected: "[p, 2]: seconds from and to")
    }
    guard source.count == count else {
      throw DataError.unequalCounts(
        file: source.name, count: source.count, other: "the number of pairs is", expected: count)
    }
    let seconds = try source.all().values(as: Double.self)
    return try (0..<count).map { row in
      let (from, to) = (seconds[2 * row], seconds[2 * row + 1])
      guard from.isFinite, to.isFinite, from >= 0, from <= to else {
        throw DataError.malformed(
          file: source.name, place: "row \(row)", reason: "goes from \(from) to \(to) seconds")
      }
      return from...to
    }
  }
}
