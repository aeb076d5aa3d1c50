import Foundation
import Torch

/// Tables of numbers as text, separated by commas (.csv) or tabs (.tsv), plain or gzipped.
///
/// A first row in which any field is no number names the columns. `FILE:NAME` gives one column,
/// `FILE:NAME,NAME` several, `FILE:2:5` or `FILE:2,4` columns by place. Numbers are float64, `[n, columns]`. Where no
/// columns are named, those that only number or name the rows are left out, and the array's notes say so.
enum DelimitedReader {
  static func open(_ url: URL, columns: String?, limits: Limits) throws -> any ArraySource {
    let table = try DelimitedTable(url, limits: limits)
    var chosen = try columns.map { try table.places(of: $0) } ?? Array(0..<table.width)
    var notes = table.notes
    if columns == nil {
      let names = try table.rowNames()
      chosen.removeAll { names.contains($0) }
      notes += names.map { place in
        let name =
          table.header.map { $0[place].isEmpty ? "without a name" : "'\($0[place].shortened)'" } ?? ""
        return
          "\(table.name): column \(place), \(name), only numbers or names the rows and is left out; "
          + "\(table.name):0:\(table.width) keeps it"
      }
    }
    var numbers: [Double] = []
    numbers.reserveCapacity(table.count * chosen.count)
    for row in 0..<table.count {
      let fields = try table.fields(at: row)
      for column in chosen {
        guard let number = DelimitedTable.number(fields[column]) else {
          let found = fields[column].isEmpty ? "empty" : "'\(fields[column].prefix(40))'"
          throw DataError.malformed(
            file: table.name, place: "row \(row), column \(column)", reason: "is \(found), expected a number")
        }
        numbers.append(number)
      }
    }
    return TensorArray(
      try Tensor(numbers, shape: [table.count, chosen.count]),
      name: table.name + (columns.map { ":" + $0 } ?? ""), notes: notes,
      columnNames: table.header.map { header in chosen.map { header[$0] } })
  }
}

/// The rows of a file of delimited text, which stays mapped. A field that begins with a quote may hold separators,
/// line breaks and doubled quotes; any other quote is a character like all others.
struct DelimitedTable: Sendable {
  let name: String
  /// Names of the columns, when the first row has them.
  let header: [String]?
  /// Number of columns.
  let width: Int
  /// What a person should know of how the table was read.
  private(set) var notes: [String] = []
  private let contents: TextContents
  private let dialect: DelimitedDialect
  /// First byte of every row but the header, and the end.
  private let starts: [Int]

  /// Number of rows without the header.
  var count: Int { starts.count - 1 }

  /// - Parameters:
  ///   - hasHeader: nil to see whether any field of the first row is no number.
  ///   - separator: nil for what the file's name and its first lines say.
  /// - Throws: ``DataError`` when a quote does not end, the file holds no row, or the first is not UTF-8.
  init(
    _ url: URL, hasHeader: Bool? = nil, separator: UInt8? = nil, limits: Limits = .standard
  ) throws(DataError) {
    let contents = try TextContents(url, limits: limits)
    let dialect = DelimitedDialect(contents.bytes, named: url.lastPathComponent, separator: separator)
    let name = contents.name
    (self.contents, self.dialect, self.name) = (contents, dialect, name)
    var starts = try dialect.rowStarts(contents.bytes, name: name)
    guard starts.count > 1 else { throw .malformed(file: name, reason: "holds no rows") }
    func fields(_ row: Int) -> [String]? { dialect.fields(contents.bytes[starts[row]..<starts[row + 1]]) }
    guard var first = fields(0) else {
      throw .malformed(file: name, place: "the first row", reason: "is not valid UTF-8")
    }
    let isHeader = hasHeader ?? first.contains { DelimitedTable.number($0) == nil }
    // R's write.table names no column of row names.
    if isHeader, hasHeader == nil, starts.count > 2, fields(1)?.count == first.count + 1 {
      first.insert("", at: 0)
    }
    width = first.count
    header = isHeader ? first : nil
    if isHeader { starts.removeFirst() }
    self.starts = starts
    guard starts.count > 1 else { throw .malformed(file: name, reason: "holds a header and no rows") }
    if hasHeader == nil, header == nil, looksLikeHeader(first) {
      let shown = first.prefix(4).joined(separator: ", ") + (width > 4 ? ", …" : "")
      notes.append(
        "\(name): the first row (\(shown)) reads like numbers of columns, but is taken as one of \(count) rows; "
          + "delete it from the file if it is none")
    }
  }

  /// The fields of a row, as many as the table is wide.
  ///
  /// - Throws: ``DataError`` when the row has more or fewer, or is not UTF-8.
  func fields(at row: Int) throws(DataError) -> [String] {
    let fields = try anyFields(at: row)
    guard fields.count == width else {
      throw .malformed(
        file: name, place: "row \(row)", reason: "has \(fields.count) columns, but the first row has \(width)"
      )
    }
    return fields
  }

  /// The fields of a row, however many.
  func anyFields(at row: Int) throws(DataError) -> [String] {
    guard let fields = dialect.fields(contents.bytes[starts[row]..<starts[row + 1]]) else {
      throw .malformed(file: name, place: "row \(row)", reason: "is not valid UTF-8")
    }
    return fields
  }

  /// The line of the file on which each row begins, counted from 1.
  func linesOfRows() -> [Int] {
    var (line, at) = (1, 0)
    return starts.dropLast().map { start in
      line += contents.bytes[at..<start].count { $0 == dialect.ending }
      at = start
      return line
    }
  }

  /// Places of the columns that `text` names: one name, names or places separated by commas, or `from:to`.
  func places(of text: String) throws(DataError) -> [Int] {
    if let place = header?.firstIndex(where: { $0.hasSameBytes(as: text) }) { return [place] }
    let ends = text.split(separator: ":", omittingEmptySubsequences: false)
    if ends.count == 2, let from = Int(ends[0]), let to = Int(ends[1]), from >= 0, from < to, to <= width {
      return Array(from..<to)
    }
    var places: [Int] = []
    for part in text.split(separator: ",").map({ $0.trimmingCharacters(in: .whitespaces) }) {
      let named = header?.firstIndex { $0.hasSameBytes(as: part) }
      if let place = named ?? Int(part), (0..<width).contains(place) {
        places.append(place)
      } else {
        throw .unknownVariable(file: name, name: part, known: header ?? (0..<width).map(String.init))
      }
    }
    return places
  }

  /// A decimal number; nil for anything else, also for blanks and for numbers to the base of 16.
  static func number(_ field: String) -> Double? {
    guard !field.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "x") }) else { return nil }
    return Double(field) ?? Double(field.trimmingCharacters(in: .whitespaces))
  }

  /// Columns that only number or name the rows: they have no name, or that of an index, and every row has another
  /// whole number or another text there. Never all columns.
  func rowNames() throws(DataError) -> [Int] {
    guard let header, width > 1 else { return [] }
    let candidates = header.indices.filter { DelimitedTable.isIndex(header[$0]) }
    guard !candidates.isEmpty else { return [] }
    var seen = candidates.map { _ in Set<ExactText>() }
    var hasFraction = candidates.map { _ in false }
    for row in 0..<count {
      let fields = try fields(at: row)
      for (at, column) in candidates.enumerated() {
        seen[at].insert(ExactText(fields[column]))
        if let number = DelimitedTable.number(fields[column]), number != number.rounded() {
          hasFraction[at] = true
        }
      }
    }
    let found = candidates.indices.filter { seen[$0].count == count && !hasFraction[$0] }
    return found.count < width ? found.map { candidates[$0] } : []
  }

  private static func isIndex(_ name: String) -> Bool {
    let name = name.trimmingCharacters(in: .whitespaces).lowercased()
    return name.isEmpty || name.wholeMatch(of: /unnamed: ?[0-9.]+/) != nil
      || [
        "id", "ids", "index", "idx", "row", "row_id", "rowid", "row_number", "rownames", "sample_id",
        "item_id",
      ]
      .contains(name)
  }

  /// Whether a row of numbers may name columns: whole numbers that ascend by one from 0 or 1, or that ascend where
  /// none of the next rows is of whole numbers alone.
  private func looksLikeHeader(_ first: [String]) -> Bool {
    let numbers = first.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    guard numbers.count == width, width > 1, count > 1, zip(numbers, numbers.dropFirst()).allSatisfy(<) else {
      return false
    }
    if numbers[0] == 0 || numbers[0] == 1, numbers[width - 1] == numbers[0] + width - 1 { return true }
    return (1..<min(count, 20)).allSatisfy { row in
      guard let fields = try? fields(at: row) else { return false }
      return fields.contains { Int($0.trimmingCharacters(in: .whitespaces)) == nil }
    }
  }
}
