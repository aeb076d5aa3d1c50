import Foundation
import Torch

/// Tables of numbers as text, separated by commas (.csv) or tabs (.tsv), plain or gzipped.
///
/// A first row in which any field is no number names the columns. `FILE:NAME` gives one column,
/// `FILE:NAME,NAME` several, `FILE:2:5` or `FILE:2,4` columns by place. Numbers are float64, `[n, columns]`.
enum DelimitedReader {
  static func open(_ url: URL, columns: String?, limits: Limits) throws -> any ArraySource {
    let table = try DelimitedTable(url, limits: limits)
    let chosen = try columns.map { try table.places(of: $0) } ?? Array(0..<table.width)
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
      name: table.name + (columns.map { ":" + $0 } ?? ""))
  }
}

/// The rows of a file of delimited text, which stays mapped. Fields may be quoted, and then hold separators,
/// line breaks and doubled quotes.
struct DelimitedTable: Sendable {
  let name: String
  /// Names of the columns, when the first row has them.
  let header: [String]?
  /// Number of columns.
  let width: Int
  private let contents: TextContents
  private let separator: UInt8
  /// First byte of every row but the header, and the end.
  private let starts: [Int]

  /// Number of rows without the header.
  var count: Int { starts.count - 1 }

  /// - Parameters:
  ///   - hasHeader: nil to see whether any field of the first row is no number.
  /// - Throws: ``DataError`` when a quote does not end, the file holds no row, or the first is not UTF-8.
  init(_ url: URL, hasHeader: Bool? = nil, limits: Limits = .standard) throws(DataError) {
    contents = try TextContents(url, limits: limits)
    name = contents.name
    let path = url.lastPathComponent.lowercased()
    separator = path.hasSuffix(".tsv") || path.hasSuffix(".tsv.gz") ? 0x09 : 0x2C
    var starts = try DelimitedTable.rowStarts(contents.bytes, name: name)
    guard starts.count > 1 else { throw .malformed(file: name, reason: "holds no rows") }
    guard let first = DelimitedTable.split(contents.bytes[starts[0]..<starts[1]], separator) else {
      throw .malformed(file: name, place: "the first row", reason: "is not valid UTF-8")
    }
    width = first.count
    let isHeader = hasHeader ?? first.contains { DelimitedTable.number($0) == nil }
    header = isHeader ? first : nil
    if isHeader { starts.removeFirst() }
    self.starts = starts
    guard starts.count > 1 else { throw .malformed(file: name, reason: "holds a header and no rows") }
  }

  /// The fields of a row, as many as the table is wide.
  ///
  /// - Throws: ``DataError`` when the row has more or fewer, or is not UTF-8.
  func fields(at row: Int) throws(DataError) -> [String] {
    guard let fields = DelimitedTable.split(contents.bytes[starts[row]..<starts[row + 1]], separator) else {
      throw .malformed(file: name, place: "row \(row)", reason: "is not valid UTF-8")
    }
    guard fields.count == width else {
      throw .malformed(
        file: name, place: "row \(row)", reason: "has \(fields.count) columns, but the first row has \(width)"
      )
    }
    return fields
  }

  /// Places of the columns that `text` names: one name, names or places separated by commas, or `from:to`.
  func places(of text: String) throws(DataError) -> [Int] {
    if let place = header?.firstIndex(of: text) { return [place] }
    let ends = text.split(separator: ":", omittingEmptySubsequences: false)
    if ends.count == 2, let from = Int(ends[0]), let to = Int(ends[1]), from >= 0, from < to, to <= width {
      return Array(from..<to)
    }
    var places: [Int] = []
    for part in text.split(separator: ",").map({ $0.trimmingCharacters(in: .whitespaces) }) {
      if let place = header?.firstIndex(of: part) ?? Int(part), (0..<width).contains(place) {
        places.append(place)
      } else {
        throw .unknownVariable(file: name, name: part, known: header ?? (0..<width).map(String.init))
      }
    }
    return places
  }

  /// A decimal number; nil for anything else, also for blanks.
  static func number(_ field: String) -> Double? {
    Double(field) ?? Double(field.trimmingCharacters(in: .whitespaces))
  }

  private static func rowStarts(
    _ bytes: UnsafeRawBufferPointer, name: String
  ) throws(DataError) -> [Int] {
    var starts: [Int] = []
    var (start, isQuoted) = (0, false)
    // A byte order mark is no field.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
    var at = start
    while at < bytes.count {
      let byte = bytes[at]
      if byte == 0x22 { isQuoted.toggle() }
      at += 1
      guard byte == 0x0A, !isQuoted else { continue }
      if !isBlank(bytes[start..<at]) { starts.append(start) }
      start = at
    }
    guard !isQuoted else { throw .malformed(file: name, reason: "has a quote that does not end") }
    if !isBlank(bytes[start..<bytes.count]) { starts.append(start) }
    return starts.isEmpty ? [] : starts + [bytes.count]
  }

  private static func isBlank(_ line: Slice<UnsafeRawBufferPointer>) -> Bool {
    line.allSatisfy { $0 == 0x0A || $0 == 0x0D }
  }

  /// The fields of a line; nil when it is not UTF-8.
  private static func split(_ line: Slice<UnsafeRawBufferPointer>, _ separator: UInt8) -> [String]? {
    // Separators and quotes are ASCII, so that fields of a valid line are valid.
    guard line.allSatisfy({ $0 < 0x80 }) || String(bytes: line, encoding: .utf8) != nil else { return nil }
    var fields: [String] = []
    var (field, isQuoted) = ([UInt8](), false)
    var at = line.startIndex
    while at < line.endIndex {
      let byte = line[at]
      let next = at + 1
      if isQuoted, byte == 0x22, next < line.endIndex, line[next] == 0x22 {
        field.append(byte)
        at = next
      } else if byte == 0x22, isQuoted || field.isEmpty {
        isQuoted.toggle()
      } else if byte == separator, !isQuoted {
        fields.append(String(decoding: field, as: UTF8.self))
        field = []
      } else if isQuoted || byte != 0x0D && byte != 0x0A {
        field.append(byte)
      }
      at += 1
    }
    return fields + [String(decoding: field, as: UTF8.self)]
  }
}
