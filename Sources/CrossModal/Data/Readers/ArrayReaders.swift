import Foundation
import Torch

/// Opens the arrays of one file format.
public struct ArrayReader: Sendable {
  /// Endings of the names of its files, without the dot, lower case.
  public let extensions: [String]
  /// Whether a file holds several arrays by name.
  public let isContainer: Bool
  /// Opens an array; `variable` names it in a container.
  public let open: @Sendable (_ url: URL, _ variable: String?, _ limits: Limits) throws -> any ArraySource

  public init(
    extensions: [String], isContainer: Bool,
    open: @escaping @Sendable (URL, String?, Limits) throws -> any ArraySource
  ) {
    self.extensions = extensions
    self.isContainer = isContainer
    self.open = open
  }
}

/// The formats that arrays are read from, by the ending of the file's name.
///
/// The core knows those that need no other library; `CrossModalFormats` adds .mat and HDF5 at the start of
/// the program.
public enum ArrayReaders {
  private static let registered = Registered()

  /// Adds a reader; it takes the place of one for the same names.
  public static func register(_ reader: ArrayReader) { registered.add(reader) }

  /// Endings of all names that a reader takes.
  public static var extensions: [String] { registered.all.flatMap(\.extensions) }

  /// The reader of a file, by its name; `.gz` is looked through.
  static func reader(of path: String) -> ArrayReader? {
    let name = path.lowercased()
    return registered.all.first { reader in reader.extensions.contains { name.hasSuffix("." + $0) } }
      ?? (name.hasSuffix("-ubyte") || name.hasSuffix("-ubyte.gz") ? idx : nil)
  }

  private static let idx = ArrayReader(extensions: ["idx", "idx.gz"], isContainer: false) { url, _, limits in
    try IDXReader.open(url, limits: limits)
  }

  private static let builtIn = [
    ArrayReader(extensions: ["npy"], isContainer: false) { url, _, limits in
      try NPYReader.open(url, limits: limits)
    },
    idx,
    ArrayReader(extensions: ["npz"], isContainer: true) { url, variable, limits in
      try NPZReader.open(url, variable, limits: limits)
    },
    ArrayReader(extensions: ["safetensors"], isContainer: true) { url, variable, _ in
      try SafeTensorsReader.open(url, variable)
    },
    ArrayReader(extensions: ["csv", "tsv", "csv.gz", "tsv.gz"], isContainer: true) { url, columns, limits in
      try DelimitedReader.open(url, columns: columns, limits: limits)
    },
  ]

  /// Readers that were added; a lock guards the list.
  private final class Registered: @unchecked Sendable {
    private let lock = NSLock()
    private var added: [ArrayReader] = []
    var all: [ArrayReader] { lock.withLock { added } + builtIn }
    func add(_ reader: ArrayReader) {
      lock.withLock { added = [reader] + added.filter { $0.extensions != reader.extensions } }
    }
  }
}

/// A file as `dataset.yaml` names it: `PATH`, or `PATH:VARIABLE` for a container.
struct FileReference: Sendable, Hashable {
  let url: URL
  let variable: String?

  /// - Parameter folder: where relative paths start.
  init(_ text: String, in folder: URL) {
    func place(_ path: Substring) -> URL {
      URL(fileURLWithPath: String(path), relativeTo: folder).absoluteURL
    }
    func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }
    let whole = place(text[...])
    if var colon = text.lastIndex(of: ":"), !exists(whole) {
      // Columns of a table may be a range, FILE:2:5.
      if let earlier = text[..<colon].lastIndex(of: ":"), !exists(place(text[..<colon])),
        exists(place(text[..<earlier]))
      {
        colon = earlier
      }
      url = place(text[..<colon])
      variable = String(text[text.index(after: colon)...])
    } else {
      url = whole
      variable = nil
    }
  }

  /// As messages name it.
  var name: String { url.relativeName + (variable.map { ":" + $0 } ?? "") }

  /// Whether it holds lines of text.
  var isText: Bool {
    let name = url.lastPathComponent.lowercased()
    let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
    return ArrayReaders.reader(of: name) == nil || plain.hasSuffix(".txt") || plain.hasSuffix(".jsonl")
  }

  /// Opens the array it names.
  func array(limits: Limits) throws -> any ArraySource {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw DataError.missing(file: url.relativeName)
    }
    guard let reader = ArrayReaders.reader(of: url.lastPathComponent) else {
      let known = ArrayReaders.extensions.map { "." + $0 }.joined(separator: ", ")
      throw DataError.unsupported(file: name, reason: "is of no known array format; known are \(known)")
    }
    if variable != nil, !reader.isContainer {
      throw DataError.unsupported(
        file: url.relativeName, reason: "holds one array, so ':\(variable ?? "")' means nothing")
    }
    return try reader.open(url, variable, limits)
  }

  /// Whether it is a table of delimited text.
  private var isTable: Bool {
    let name = url.lastPathComponent.lowercased()
    return [".csv", ".tsv", ".csv.gz", ".tsv.gz"].contains(where: name.hasSuffix)
  }

  /// The lines of a text, which has no parts with names.
  func lines(limits: Limits) throws(DataError) -> TextLines {
    if let variable {
      guard FileManager.default.fileExists(atPath: url.path) else { throw .missing(file: name) }
      throw .unsupported(
        file: url.relativeName, reason: "holds lines of text, so ':\(variable.shortened)' means nothing")
    }
    return try TextLines(url, limits: limits)
  }

  /// Opens the lines of text it names, or the texts of the column of a table.
  func texts(field: String?, limits: Limits) throws(DataError) -> any TextSource {
    if let variable, isTable {
      let table = try DelimitedTable(url, limits: limits)
      let places = try table.places(of: variable)
      guard places.count == 1 else {
        throw .unsupported(file: name, reason: "names \(places.count) columns, expected one of texts")
      }
      return try TableTexts(table, column: places[0], name: name)
    }
    let lines = try lines(limits: limits)
    let path = url.path.lowercased()
    let isJSON = path.hasSuffix(".jsonl") || path.hasSuffix(".jsonl.gz")
    return isJSON ? try JSONLinesField(lines, field: field) : lines
  }
}

extension [FileReference] {
  /// As messages name them.
  var name: String { map(\.name).joined(separator: " + ") }

  /// Opens arrays whose rows follow one another.
  func array(limits: Limits) throws -> any ArraySource {
    let parts = try map { try $0.array(limits: limits) }
    return parts.count == 1 ? parts[0] : try ConcatenatedArray(parts)
  }

  /// Opens texts that follow one another.
  func texts(field: String?, limits: Limits) throws(DataError) -> any TextSource {
    var parts: [any TextSource] = []
    for file in self { parts.append(try file.texts(field: field, limits: limits)) }
    return parts.count == 1 ? parts[0] : ConcatenatedText(parts: parts)
  }

  /// Whole numbers of any shape, in row-major order; numbers with a fraction are refused.
  func integers(limits: Limits) throws -> (values: [Int], shape: [Int]) {
    let source = try array(limits: limits)
    let tensor = try source.all()
    if tensor.dtype.isFloatingPoint {
      let values = try tensor.values(as: Double.self)
      if let at = values.firstIndex(where: { Int(exactly: $0) == nil }) {
        throw DataError.malformed(
          file: name, place: "element \(at)", reason: "is \(values[at]), expected a whole number")
      }
    }
    return (try tensor.values(as: Int.self), tensor.shape)
  }
}
