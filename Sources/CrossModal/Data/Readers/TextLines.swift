import Foundation

/// Texts in a file, one a row.
protocol TextSource: Sendable {
  /// The file as messages name it.
  var name: String { get }
  var count: Int { get }
  func text(at row: Int) -> String
}

/// The bytes of a text file: mapped, or inflated into memory where it is gzipped.
struct TextContents: @unchecked Sendable {
  let name: String
  /// Nobody writes to them, and ``owner`` keeps them alive.
  let bytes: UnsafeRawBufferPointer
  private let owner: AnyObject

  init(_ url: URL, limits: Limits) throws(DataError) {
    let file = try InputFile(url)
    name = file.name
    if Gzip.isGzip(file.bytes) {
      let inflated = try Gzip.inflated(file.bytes, name: file.name, limits: limits)
      (owner, bytes) = (inflated, inflated.bytes)
    } else {
      (owner, bytes) = (file.mapping, file.bytes)
    }
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw .malformed(file: name, reason: "is UTF-16; save it as UTF-8")
    }
  }
}

/// The lines of a UTF-8 file, which stays mapped; gzipped files are inflated into memory. Lines end with
/// `\n` or `\r\n`, in files without any line feed with `\r`; blanks at both ends of a line are dropped.
struct TextLines: TextSource {
  let name: String
  private let contents: TextContents
  /// First byte of each line.
  private let starts: [Int]

  /// - Throws: ``DataError`` when the file cannot be read, or a line (named) is not UTF-8.
  init(_ url: URL, limits: Limits) throws(DataError) {
    contents = try TextContents(url, limits: limits)
    name = contents.name
    starts = TextLines.starts(in: contents.bytes)
    if let line = firstLineThatIsNotUTF8() {
      throw .malformed(file: name, place: DataError.line(line), reason: "is not valid UTF-8")
    }
  }

  var count: Int { starts.count }

  func text(at row: Int) -> String {
    String(decoding: trimmed(row), as: UTF8.self)
  }

  /// The bytes of a line without blanks at its ends.
  private func trimmed(_ row: Int) -> Slice<UnsafeRawBufferPointer> {
    var line = contents.bytes[starts[row]..<(row + 1 < starts.count ? starts[row + 1] : contents.bytes.count)]
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    while let last = line.last, isBlank(last) { line.removeLast() }
    while let first = line.first, isBlank(first) { line.removeFirst() }
    // A byte order mark is no text.
    if starts[row] == 0, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
    return line
  }

  private static func starts(in bytes: UnsafeRawBufferPointer) -> [Int] {
    guard let base = bytes.baseAddress else { return [] }
    var starts = [0]
    var at = 0
    let ending: Int32 = memchr(base, 0x0A, bytes.count) == nil ? 0x0D : 0x0A
    while at < bytes.count, let found = memchr(base + at, ending, bytes.count - at) {
      at = base.distance(to: UnsafeRawPointer(found)) + 1
      if at < bytes.count { starts.append(at) }
    }
    return starts
  }

  private func firstLineThatIsNotUTF8() -> Int? {
    // Many lines at once, and one by one only where something is wrong.
    let step = 4096
    for first in stride(from: 0, to: count, by: step) {
      let end = first + step < count ? starts[first + step] : contents.bytes.count
      if String(bytes: contents.bytes[starts[first]..<end], encoding: .utf8) != nil { continue }
      return (first..<count).first { String(bytes: trimmed($0), encoding: .utf8) == nil }
    }
    return nil
  }
}

/// One field of the objects of a .jsonl file, or its lines where they are plain JSON strings.
struct JSONLinesField: TextSource {
  let name: String
  private let texts: [String]

  /// - Throws: ``DataError`` naming the line that is no JSON object or lacks the field.
  init(_ lines: TextLines, field: String?) throws(DataError) {
    name = lines.name
    var texts: [String] = []
    texts.reserveCapacity(lines.count)
    for row in 0..<lines.count {
      let value = try lines.json(at: row)
      guard let text = field.map({ value[$0] }) ?? value, let string = text.string ?? text.plainText else {
        let wanted = field.map { "an object with a text under '\($0)'" } ?? "a text; 'field' names which one"
        throw .malformed(file: lines.name, place: DataError.line(row), reason: "is not \(wanted)")
      }
      texts.append(string)
    }
    self.texts = texts
  }

  var count: Int { texts.count }
  func text(at row: Int) -> String { texts[row] }
}

/// The texts of one column of a table.
struct TableTexts: TextSource {
  let name: String
  private let texts: [String]

  init(_ table: DelimitedTable, column: Int, name: String) throws(DataError) {
    self.name = name
    var texts: [String] = []
    texts.reserveCapacity(table.count)
    for row in 0..<table.count {
      texts.append(try table.fields(at: row)[column].trimmingCharacters(in: .whitespacesAndNewlines))
    }
    self.texts = texts
  }

  var count: Int { texts.count }
  func text(at row: Int) -> String { texts[row] }
}

/// Texts of several files that follow one another.
struct ConcatenatedText: TextSource {
  let parts: [any TextSource]
  var name: String { parts.map(\.name).joined(separator: " + ") }
  var count: Int { parts.reduce(0) { $0 + $1.count } }

  func text(at row: Int) -> String {
    var row = row
    for part in parts {
      if row < part.count { return part.text(at: row) }
      row -= part.count
    }
    return ""
  }
}

extension TextSource {
  /// The JSON value on a line.
  func json(at row: Int) throws(DataError) -> JSON {
    do {
      return try JSON(json: Data(text(at: row).utf8))
    } catch {
      throw .malformed(file: name, place: DataError.line(row), reason: "is no JSON")
    }
  }

  /// Every text in order.
  func all() -> [String] { (0..<count).map { text(at: $0) } }
}

extension JSON {
  /// A number or flag as text; nil for lists, objects and nothing.
  var plainText: String? {
    switch self {
    case .int(let number): String(number)
    case .double(let number): String(number)
    case .bool(let flag): String(flag)
    case .string(let text): text
    default: nil
    }
  }
}
