import Foundation

/// How a file of delimited text is written.
struct DelimitedDialect: Sendable {
  let separator: UInt8
  /// The byte behind each row: a line feed; in files without any, a carriage return.
  let ending: UInt8
  /// Whether a blank follows every separator, so that it is part of it.
  let skipsBlanks: Bool
  /// Whether a quote must end on its line, before a separator: tables with tabs are mostly written without quoting.
  let endsQuotesOnLine: Bool

  private static let quote = UInt8(ascii: "\"")
  private static let (lineFeed, carriageReturn, tab) = (UInt8(0x0A), UInt8(0x0D), UInt8(0x09))

  /// - Parameter separator: nil for tabs in a .tsv, else for commas; semicolons, bars or tabs where the first two
  ///   lines have them and no comma.
  init(_ bytes: UnsafeRawBufferPointer, named name: String, separator given: UInt8? = nil) {
    let name = name.lowercased()
    let head = bytes.prefix(1 << 20)
    ending =
      head.contains(Self.lineFeed) || !head.contains(Self.carriageReturn)
      ? Self.lineFeed : Self.carriageReturn
    let ending = ending
    let lines = head.split(separator: ending, maxSplits: 2).prefix(2)
    let counts = lines.map { line in
      var isQuoted = false
      return line.reduce(into: [UInt8: Int]()) { counts, byte in
        if byte == Self.quote { isQuoted.toggle() } else if !isQuoted { counts[byte, default: 0] += 1 }
      }
    }
    let others = [UInt8(ascii: ";"), UInt8(ascii: "|"), Self.tab]
    let isTabbed = name.hasSuffix(".tsv") || name.hasSuffix(".tsv.gz")
    let found =
      counts.first?[UInt8(ascii: ",")] == nil
      ? others.first { other in !counts.isEmpty && counts.allSatisfy { $0[other] ?? 0 > 0 } } : nil
    let separator = given ?? (isTabbed ? Self.tab : found ?? UInt8(ascii: ","))
    self.separator = separator
    endsQuotesOnLine = separator == Self.tab
    let fields = lines.first?.split(separator: separator, omittingEmptySubsequences: false).dropFirst() ?? []
    skipsBlanks = !fields.isEmpty && fields.allSatisfy { $0.first == 0x20 }
  }

  /// Where a walk over the bytes is.
  private struct Place {
    var isFieldStart = true
    var isQuoted = false
  }

  /// What the byte at a place is: part of a field, or a mark; and how many bytes that takes.
  private enum Step {
    case part, mark, separator, end
  }

  private func step(
    _ bytes: UnsafeRawBufferPointer, _ at: Int, until end: Int, _ place: inout Place
  ) -> (step: Step, size: Int) {
    let byte = bytes[at]
    if place.isQuoted {
      guard byte == Self.quote else { return (.part, 1) }
      if at + 1 < end, bytes[at + 1] == Self.quote { return (.part, 2) }
      place.isQuoted = false
      return (.mark, 1)
    }
    if byte == separator {
      place.isFieldStart = true
      return (.separator, 1)
    }
    if byte == ending {
      place.isFieldStart = true
      return (.end, 1)
    }
    if byte == Self.carriageReturn || byte == Self.lineFeed { return (.mark, 1) }
    guard place.isFieldStart else { return (.part, 1) }
    if skipsBlanks, byte == 0x20 { return (.mark, 1) }
    place.isFieldStart = false
    guard byte == Self.quote, !endsQuotesOnLine || closesOnLine(bytes, from: at + 1, until: end) else {
      return (.part, 1)
    }
    place.isQuoted = true
    return (.mark, 1)
  }

  private func closesOnLine(_ bytes: UnsafeRawBufferPointer, from start: Int, until end: Int) -> Bool {
    var at = start
    while at < end, bytes[at] != Self.lineFeed, bytes[at] != Self.carriageReturn {
      if bytes[at] == Self.quote {
        guard at + 1 < end else { return true }
        let next = bytes[at + 1]
        if next == separator || next == Self.lineFeed || next == Self.carriageReturn { return true }
        if next == Self.quote { at += 1 }
      }
      at += 1
    }
    return false
  }

  /// First byte of every row that is not blank, and the end; empty for a file without rows.
  ///
  /// - Throws: ``DataError`` that names the line, counted from 1, on which a quote opens that does not end.
  func rowStarts(_ bytes: UnsafeRawBufferPointer, name: String) throws(DataError) -> [Int] {
    var starts: [Int] = []
    // A byte order mark is no field.
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var (at, place, opened) = (start, Place(), 0)
    func isBlank(_ line: Slice<UnsafeRawBufferPointer>) -> Bool {
      line.allSatisfy { $0 == Self.lineFeed || $0 == Self.carriageReturn }
    }
    while at < bytes.count {
      let wasQuoted = place.isQuoted
      let (step, size) = step(bytes, at, until: bytes.count, &place)
      if place.isQuoted, !wasQuoted { opened = at }
      at += size
      guard case .end = step else { continue }
      if !isBlank(bytes[start..<at]) { starts.append(start) }
      start = at
    }
    guard !place.isQuoted else {
      let line = bytes[..<opened].count { $0 == ending } + 1
      throw .malformed(file: name, place: "line \(line)", reason: "opens a quote that does not end")
    }
    if !isBlank(bytes[start..<bytes.count]) { starts.append(start) }
    return starts.isEmpty ? [] : starts + [bytes.count]
  }

  /// The fields of a line; nil when it is not UTF-8.
  func fields(_ line: Slice<UnsafeRawBufferPointer>) -> [String]? {
    // Separators and quotes are ASCII, so that fields of a valid line are valid.
    guard line.allSatisfy({ $0 < 0x80 }) || String(bytes: line, encoding: .utf8) != nil else { return nil }
    var fields: [String] = []
    var (field, place) = ([UInt8](), Place())
    var at = line.startIndex
    while at < line.endIndex {
      let (step, size) = step(line.base, at, until: line.endIndex, &place)
      switch step {
      case .part: field.append(line.base[at])
      case .mark, .end: break
      case .separator:
        fields.append(String(decoding: field, as: UTF8.self))
        field.removeAll(keepingCapacity: true)
      }
      at += size
    }
    return fields + [String(decoding: field, as: UTF8.self)]
  }
}
