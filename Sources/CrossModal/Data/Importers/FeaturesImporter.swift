import Foundation
import Torch

/// Two files of features, row i with row i.
enum FeaturesImporter: Importer {
  static let name = "features"
  static let options = ["variable", "with", "names", "labels", "splits"]
  static let about =
    "one file of vectors, sets or text lines; with=FILE is the other, row i with row i (FILE:VARIABLE in a container; names=x,y, labels=FILE, splits=train=0:800;test=800:1000)"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    let other = try request.needed("with", "the file of the other modality")
    let names = try request.names(["x", "y"])
    let first = request.source.path + (request.options["variable"].map { ":" + $0 } ?? "")
    let count = try modality(names[0], first, writer)
    let others = try modality(names[1], other, writer)
    guard others == count else {
      throw DataError.unequalCounts(file: other, count: others, other: "\(first) has", expected: count)
    }
    if let labels = request.options["labels"] {
      if reference(labels).isText {
        try writer.lines(reference(labels).lines(limits: .standard).all(), to: "labels.txt")
        writer.set("labels", "labels.txt")
      } else {
        try writer.copy(reference(labels).array(limits: .standard), to: "labels.npy")
        writer.set("labels", "labels.npy")
      }
    }
    guard let splits = request.options["splits"] else { return writer.splits(ofRows: count) }
    for part in splits.split(separator: ";") {
      let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
      guard sides.count == 2 else {
        throw ImportError.option("splits", expected: "like train=0:800;test=800:1000")
      }
      writer.split(sides[0], .string(sides[1]))
    }
  }

  private static func reference(_ path: String) -> FileReference {
    FileReference(
      path, in: URL(fileURLWithPath: FileManager.default.currentDirectoryPath, isDirectory: true))
  }

  /// Copies one file; gives its rows.
  private static func modality(_ name: String, _ path: String, _ writer: DataSetWriter) throws -> Int {
    let file = reference(path)
    if file.isText {
      let lines = try file.lines(limits: .standard).all()
      try writer.lines(lines, to: "\(name).txt")
      writer.modality(name, ["file": .string("\(name).txt"), "kind": "text"])
      return lines.count
    }
    let array = try file.array(limits: .standard)
    guard let kind = [2: "vector", 3: "set"][array.shape.count] else {
      throw DataError.wrongShape(file: array.name, shape: array.shape, expected: "[n, d] or [n, l, d]")
    }
    array.notes.forEach(writer.note)
    try writer.copy(array, to: "\(name).npy")
    writer.modality(name, ["file": .string("\(name).npy"), "kind": .string(kind)])
    return array.count
  }
}

/// A table whose columns are the two modalities.
enum CSVImporter: Importer {
  static let name = "csv"
  static let options = ["first", "second", "names", "labels", "split", "header"]
  static let about =
    "a table, .csv or .tsv: first=COLUMNS and second=COLUMNS are the modalities (names or places with commas, or from:to; names=x,y, labels=COLUMN, split=COLUMN, header=yes or no)"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    let hasHeader: Bool? =
      switch request.options["header"] {
      case nil: nil
      case "yes": true
      case "no": false
      default: throw ImportError.option("header", expected: "yes or no")
      }
    let table = try DelimitedTable(request.source, hasHeader: hasHeader)
    table.notes.map { $0 + ", or import it with --set header=yes" }.forEach(writer.note)
    let names = try request.names(["x", "y"])
    let groups = try ["first", "second"].map { option in
      try table.places(of: request.needed(option, "columns, such as a,b or 0:5"))
    }
    let rows = try (0..<table.count).map { try table.fields(at: $0) }
    for (name, columns) in zip(names, groups) { try modality(name, columns, of: rows, table, writer) }
    if let column = request.options["labels"] {
      let place = try table.places(of: column)[0]
      try writer.lines(rows.map { $0[place] }, to: "labels.txt")
      writer.set("labels", "labels.txt")
    }
    guard let column = request.options["split"] else { return writer.splits(ofRows: rows.count) }
    let place = try table.places(of: column)[0]
    try writer.splits(of: rows.map { $0[place] })
  }

  /// Columns of numbers as vectors; one column that is not numbers as text.
  private static func modality(
    _ name: String, _ columns: [Int], of rows: [[String]], _ table: DelimitedTable, _ writer: DataSetWriter
  ) throws {
    if columns.count == 1, rows.contains(where: { DelimitedTable.number($0[columns[0]]) == nil }) {
      try writer.lines(rows.map { $0[columns[0]] }, to: "\(name).txt")
      return writer.modality(name, ["file": .string("\(name).txt"), "kind": "text"])
    }
    var numbers: [Double] = []
    for (row, fields) in rows.enumerated() {
      for column in columns {
        guard let number = DelimitedTable.number(fields[column]) else {
          throw DataError.malformed(
            file: table.name, place: "row \(row), column \(column)",
            reason: "is '\(fields[column].prefix(40))', expected a number")
        }
        numbers.append(number)
      }
    }
    try writer.array(Tensor(numbers, shape: [rows.count, columns.count]), to: "\(name).npy")
    var keys: JSON = ["file": .string("\(name).npy"), "kind": "vector"]
    if let header = table.header {
      try writer.lines(columns.map { header[$0] }, to: "\(name)-columns.txt")
      keys["columns"] = .string("\(name)-columns.txt")
    }
    writer.modality(name, keys)
  }
}
