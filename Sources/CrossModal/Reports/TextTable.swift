import Foundation

/// A ``ReportTable`` for the terminal: columns aligned, numbers at the right, the best marked with a star.
public struct TextTable: CustomStringConvertible {
  private let table: ReportTable
  private let indent: Int

  /// A table to print, set in by some columns.
  public init(_ table: ReportTable, indent: Int = 0) {
    self.table = table
    self.indent = max(0, indent)
  }

  /// The lines of the table, without a line break at the end.
  public var description: String {
    let columns = table.known
    // A star stands behind its number, then the interval; where a column has either, every row leaves room for it.
    let stars = columns.map { column in table.rows.indices.contains { table.isBest($0, column) } }
    let intervals = columns.map { table.widestInterval($0).count }
    let isNumeric = columns.map(table.isNumeric)
    var lines = [columns.map { table.columns[$0].title }]
    for row in table.rows.indices {
      lines.append(
        columns.enumerated().map { place, column in
          let star = table.isBest(row, column) ? "*" : stars[place] ? " " : ""
          let interval = table.interval(row, column)
          let room = intervals[place] == 0 ? 0 : intervals[place] + 1 - interval.count
          return table.number(row, column) + star + String(repeating: " ", count: room) + interval
        })
    }
    for place in columns.indices where stars[place] && intervals[place] == 0 && isNumeric[place] {
      lines[0][place] += " "
    }
    let widths = columns.indices.map { place in lines.map { Self.width(of: $0[place]) }.max() ?? 0 }
    let margin = String(repeating: " ", count: indent)
    func written(_ cells: [String]) -> String {
      let padded = columns.indices.map { place in
        let space = String(repeating: " ", count: widths[place] - Self.width(of: cells[place]))
        return isNumeric[place] ? space + cells[place] : cells[place] + space
      }
      var line = margin + padded.joined(separator: "  ")
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
    let rule = margin + widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
    return ([written(lines[0]), rule] + lines.dropFirst().map(written)).joined(separator: "\n")
  }

  /// How many places of a terminal text takes: Chinese, Japanese, Korean and emoji take two.
  static func width(of text: String) -> Int {
    text.reduce(0) { sum, character in
      guard let first = character.unicodeScalars.first else { return sum }
      if first.properties.generalCategory == .nonspacingMark || first.value < 0x20 { return sum }
      let isWide =
        first.properties.isEmojiPresentation || character.unicodeScalars.contains("\u{FE0F}")
        || wide.contains { $0.contains(first.value) }
      return sum + (isWide ? 2 : 1)
    }
  }

  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE4F,
    0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD,
  ]
}
