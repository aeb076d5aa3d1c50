import Torch

/// Rows of every modality that belong together, with what is known of them.
struct Table: Sendable {
  let columns: [Column]
  /// Classes of the items of each modality as the files give them.
  let labels: [DataSet.Labels?]
  /// Row of each modality in each pair; nil when row i goes with row i everywhere.
  let pairs: [[Int]]?
  /// Number of pairs.
  let pairCount: Int
  /// Accepted answers of each pair.
  let answers: [[String]]?
  /// Seconds of each pair.
  let moments: [ClosedRange<Double>]?
  let captionsPerItem: Int?
  /// Rows of each modality that are in no pair and are searched all the same.
  let distractors: [[Int]]

  /// What is known of rows that belong together, each with the name that messages have for it.
  struct Facts {
    /// Row of the first and of the second modality, or of every modality, in each pair: `[modality][pair]`.
    var pairs: Named<[[Int]]>?
    /// Classes of the items of each modality.
    var labels: [Named<DataSet.Labels>?]
    /// Accepted answers of each pair.
    var answers: Named<[[String]]>?
    /// Seconds of each pair.
    var moments: Named<[ClosedRange<Double>]>?
  }

  /// A value and its name for messages.
  struct Named<Value> {
    let value: Value
    let name: String

    init(_ value: Value, name: String) {
      self.value = value
      self.name = name
    }
  }
}

extension Table {
  /// Opens all files and checks that their counts fit each other.
  init(
    _ file: TableFile, captionsPerItem: Int?, keepsDistractors: Bool, in yaml: String, limits: Limits
  ) throws {
    let columns = try file.modalities.map { try Column($0, in: yaml, limits: limits) }
    try self.init(
      columns,
      Facts(
        pairs: Table.pairs(file.pairs, columns: columns.count, limits: limits),
        labels: Table.labels(file.labels, columns, limits: limits),
        answers: Table.answers(file.answers, limits: limits),
        moments: Table.moments(file.moments, limits: limits)), captionsPerItem: captionsPerItem,
      keepsDistractors: keepsDistractors)
  }

  /// Puts rows and what is known of them together and checks that counts and rows fit each other.
  init(
    _ columns: [Column], _ facts: Facts, captionsPerItem: Int?, keepsDistractors: Bool = false
  ) throws(DataError) {
    self.columns = columns
    self.captionsPerItem = captionsPerItem
    if let given = facts.pairs {
      let sides = try Table.sides(of: given, columns)
      (pairs, pairCount) = (sides, sides[0].count)
    } else {
      (pairs, pairCount) = try Table.standingPairs(columns, captionsPerItem)
    }
    distractors = columns.enumerated().map { [pairs] side, column in
      guard keepsDistractors, side > 0, let named = pairs?[side] else { return [] }
      var isNamed = [Bool](repeating: false, count: column.count)
      for row in named { isNamed[row] = true }
      return isNamed.indices.filter { !isNamed[$0] }
    }
    for case (let given?, let column) in zip(facts.labels, columns) {
      try Table.check(given.value.count, of: given.name, "\(column.name) has", column.count)
    }
    labels = facts.labels.map { $0?.value }
    if let given = facts.answers {
      if let row = given.value.firstIndex(where: \.isEmpty) {
        throw .malformed(file: given.name, place: "row \(row)", reason: "is an empty list of texts")
      }
      try Table.check(given.value.count, of: given.name, "the number of pairs is", pairCount)
    }
    answers = facts.answers?.value
    if let given = facts.moments {
      try Table.check(given.value.count, of: given.name, "the number of pairs is", pairCount)
      for (row, moment) in given.value.enumerated()
      where !(moment.lowerBound >= 0 && moment.upperBound.isFinite) {
        throw .malformed(
          file: given.name, place: "row \(row)",
          reason: "goes from \(moment.lowerBound) to \(moment.upperBound) seconds")
      }
    }
    moments = facts.moments?.value
  }

  private static func check(
    _ count: Int, of name: String, _ other: String, _ expected: Int
  ) throws(DataError) {
    if count != expected {
      throw .unequalCounts(file: name, count: count, other: other, expected: expected)
    }
  }

  /// Row i with row i, or each item with its captions.
  private static func standingPairs(
    _ columns: [Column], _ captionsPerItem: Int?
  ) throws(DataError) -> ([[Int]]?, Int) {
    let first = columns[0]
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

  /// The rows of pairs of every modality: those after the second follow the first, or the pairs.
  private static func sides(
    of pairs: Named<[[Int]]>, _ columns: [Column]
  ) throws(DataError) -> [[Int]] {
    var sides = pairs.value
    let count = sides[0].count
    for (side, rows) in sides.enumerated() {
      let count = columns[side].count
      if let at = rows.firstIndex(where: { $0 < 0 || $0 >= count }) {
        throw .rowOutOfRange(
          file: pairs.name, place: "row \(at), column \(side)", row: rows[at], count: count)
      }
    }
    for column in columns.dropFirst(sides.count) {
      if column.count == columns[0].count {
        sides.append(sides[0])
      } else if column.count == count {
        sides.append(Array(0..<count))
      } else {
        throw .unequalCounts(
          file: column.name, count: column.count, other: "\(pairs.name) has", expected: count)
      }
    }
    return sides
  }
}

// MARK: - Files

extension Table {
  private static func pairs(
    _ files: [FileReference], columns: Int, limits: Limits
  ) throws -> Named<[[Int]]>? {
    guard !files.isEmpty else { return nil }
    let (values, shape) = try files.integers(limits: limits)
    guard shape.count == 2, shape[1] == 2 || shape[1] == columns, shape[0] > 0, columns > 1 else {
      throw DataError.wrongShape(
        file: files.name, shape: shape, expected: "[p, 2]: row of the first and row of the second modality")
    }
    let sides = (0..<shape[1]).map { side in (0..<shape[0]).map { values[$0 * shape[1] + side] } }
    return Named(sides, name: files.name)
  }

  private static func labels(
    _ files: TableFile.LabelFiles, _ columns: [Column], limits: Limits
  ) throws -> [Named<DataSet.Labels>?] {
    func read(_ files: [FileReference]) throws -> Named<DataSet.Labels> {
      let values: DataSet.Labels =
        try files[0].isText
        ? .names(files.texts(field: nil, limits: limits).all()) : numbers(files, limits: limits)
      return Named(values, name: files.name)
    }
    switch files {
    case .none: return columns.map { _ in nil }
    case .first(let own): return try columns.indices.map { $0 == 0 ? try read(own) : nil }
    case .byModality(let byName): return try columns.map { try byName[$0.file.name].map(read) }
    }
  }

  /// Numbers of classes; MATLAB stores a vector as a matrix of one column or row.
  private static func numbers(_ files: [FileReference], limits: Limits) throws -> DataSet.Labels {
    let (values, shape) = try files.integers(limits: limits)
    guard shape.filter({ $0 != 1 }).count <= 1 else {
      throw DataError.wrongShape(file: files.name, shape: shape, expected: "[n]: one class an item")
    }
    return .numbers(values)
  }

  private static func answers(_ files: [FileReference], limits: Limits) throws -> Named<[[String]]>? {
    guard !files.isEmpty else { return nil }
    var answers: [[String]] = []
    for file in files {
      let lines = try file.lines(limits: limits)
      for row in 0..<lines.count {
        let value = try lines.json(at: row)
        let texts = value.array?.compactMap(\.plainText) ?? value.plainText.map { [$0] } ?? []
        guard !texts.isEmpty, texts.count == value.array?.count ?? 1 else {
          throw DataError.malformed(
            file: lines.name, place: DataError.line(row), reason: "is no list of texts")
        }
        answers.append(texts)
      }
    }
    return Named(answers, name: files.name)
  }

  private static func moments(
    _ files: [FileReference], limits: Limits
  ) throws -> Named<[ClosedRange<Double>]>? {
    guard !files.isEmpty else { return nil }
    let source = try files.array(limits: limits)
    guard source.shape.count == 2, source.shape[1] == 2 else {
      throw DataError.wrongShape(
        file: source.name, shape: source.shape, expected: "[p, 2]: seconds from and to")
    }
    let seconds = try source.all().values(as: Double.self)
    let moments = try (0..<source.count).map { row in
      let (from, to) = (seconds[2 * row], seconds[2 * row + 1])
      guard from.isFinite, to.isFinite, from >= 0, from <= to else {
        throw DataError.malformed(
          file: source.name, place: "row \(row)", reason: "goes from \(from) to \(to) seconds")
      }
      return from...to
    }
    return Named(moments, name: source.name)
  }
}
