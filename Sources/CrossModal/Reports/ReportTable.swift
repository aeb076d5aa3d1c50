/// A table of names and numbers, for the page (``ReportBlock/table(_:caption:)``) and the terminal (``TextTable``).
public struct ReportTable: Sendable, Hashable {
  /// Which value of a column is marked as the best.
  public enum Best: Sendable, Hashable {
    /// The largest.
    case highest
    /// The smallest.
    case lowest
  }

  /// What a column is called and how its numbers are written.
  public struct Column: Sendable, Hashable {
    /// Its heading.
    public var title: String
    /// Decimals of its numbers.
    public var decimals: Int
    /// Which of its numbers is marked; `nil` marks none.
    public var best: Best?
    /// Whether it holds numbers, which stand at the right; `nil` decides by the cells.
    public var isNumeric: Bool?

    /// A column; text needs no more than its title.
    public init(_ title: String, decimals: Int = 3, best: Best? = nil, isNumeric: Bool? = nil) {
      self.title = title
      self.decimals = decimals
      self.best = best
      self.isNumeric = isNumeric
    }
  }

  /// What stands in one place of the table.
  public enum Cell: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByFloatLiteral,
    ExpressibleByIntegerLiteral
  {
    /// Words.
    case text(String)
    /// A name as a program knows it, in the type of programs.
    case code(String)
    /// A name with what it means, which a page shows under it and a terminal does not.
    case term(String, String)
    /// A number, written with the decimals of its column.
    case number(Double)
    /// A number with its confidence interval.
    case estimate(Double, ClosedRange<Double>)
    /// A number with decimals of its own, in a column of several measures, and its confidence interval.
    case measured(Double, ClosedRange<Double>?, decimals: Int)
    /// A whole number, written without decimals.
    case count(Int)
    /// Nothing known.
    case missing

    /// Words.
    public init(stringLiteral value: String) { self = .text(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .count(value) }

    var value: Double? {
      switch self {
      case .number(let value), .estimate(let value, _), .measured(let value, _, _):
        value.isFinite ? value : nil
      case .count(let count): Double(count)
      case .text, .code, .term, .missing: nil
      }
    }
  }

  /// The columns from the left.
  public var columns: [Column]
  /// The rows from the top; cells that a row lacks are missing, what it has too much is left out.
  public var rows: [[Cell]]
  /// Rows that stand apart, such as published figures: they are never marked as best.
  public var quietRows: Set<Int>

  /// A table.
  public init(columns: [Column], rows: [[Cell]] = [], quietRows: Set<Int> = []) {
    self.columns = columns
    self.rows = rows
    self.quietRows = quietRows
  }

  func cell(_ row: Int, _ column: Int) -> Cell {
    column < rows[row].count ? rows[row][column] : .missing
  }

  /// What is written in a place: of an estimate only the number.
  func number(_ row: Int, _ column: Int) -> String {
    switch cell(row, column) {
    case .text(let text), .code(let text), .term(let text, _): text
    case .number(let value), .estimate(let value, _):
      NumberText.fixed(value, decimals: columns[column].decimals)
    case .measured(let value, _, let decimals): NumberText.fixed(value, decimals: decimals)
    case .count(let count): NumberText.fixed(Double(count), decimals: 0)
    case .missing: "–"
    }
  }

  /// The interval behind the number in a place, empty where there is none.
  func interval(_ row: Int, _ column: Int) -> String {
    switch cell(row, column) {
    case .estimate(_, let interval): written(interval, columns[column].decimals)
    case .measured(_, let interval?, let decimals): written(interval, decimals)
    default: ""
    }
  }

  private func written(_ interval: ClosedRange<Double>, _ decimals: Int) -> String {
    let low = NumberText.fixed(interval.lowerBound, decimals: decimals)
    let high = NumberText.fixed(interval.upperBound, decimals: decimals)
    return "[\(low), \(high)]"
  }

  /// The longest interval of a column, empty where it has none.
  func widestInterval(_ column: Int) -> String {
    rows.indices.map { interval($0, column) }.max { $0.count < $1.count } ?? ""
  }

  func isNumeric(_ column: Int) -> Bool {
    if let isNumeric = columns[column].isNumeric { return isNumeric }
    let cells = rows.indices.map { cell($0, column) }
    return cells.contains { $0.value != nil }
      && cells.allSatisfy {
        switch $0 {
        case .text, .code, .term: false
        case .number, .estimate, .measured, .count, .missing: true
        }
      }
  }

  /// Whether a place holds the best number of its column; equal as written counts as equal.
  func isBest(_ row: Int, _ column: Int) -> Bool {
    guard let best = columns[column].best, !quietRows.contains(row), cell(row, column).value != nil else {
      return false
    }
    let written = rows.indices.filter { !quietRows.contains($0) }.compactMap { row in
      cell(row, column).value.map { ($0, rounded(row, column)) }
    }
    guard written.count > 1 else { return false }
    let values = written.map(\.0)
    let winner = best == .highest ? values.max() : values.min()
    return written.contains { $0.0 == winner && $0.1 == rounded(row, column) }
  }

  private func rounded(_ row: Int, _ column: Int) -> String {
    cell(row, column).value.map { NumberText.fixed($0, decimals: columns[column].decimals) } ?? ""
  }

  /// The columns of which something is known.
  var known: [Int] {
    columns.indices.filter { column in
      rows.isEmpty || rows.indices.contains { cell($0, column) != .missing }
    }
  }

  /// Whether the table is given more room than running text has.
  var isBroad: Bool { known.count > 5 }

  /// The table as an element of a page.
  var html: String {
    var html = "<table><thead><tr>"
    for column in known {
      html +=
        "<th scope=\"col\"\(isNumeric(column) ? " class=\"number\"" : "")>\(Markup.escape(columns[column].title))</th>"
    }
    html += "</tr></thead><tbody>"
    for row in rows.indices {
      html += quietRows.contains(row) ? "<tr class=\"quiet\">" : "<tr>"
      for column in known {
        let attribute = isNumeric(column) ? " class=\"number\"" : ""
        html += "<td\(attribute)>\(content(row, column))</td>"
      }
      html += "</tr>"
    }
    return html + "</tbody></table>"
  }

  private func content(_ row: Int, _ column: Int) -> String {
    func marked(_ number: String) -> String { isBest(row, column) ? "<b>\(number)</b>" : number }
    switch cell(row, column) {
    case .code(let text): return "<code>\(Markup.escape(text))</code>"
    case .term(let name, let meaning):
      return "\(Markup.escape(name))<span class=\"meaning\">\(Markup.prose(meaning))</span>"
    case .text(let text): return Markup.prose(text)
    case .estimate, .measured:
      let interval = interval(row, column)
      return marked(number(row, column))
        + (interval.isEmpty
          ? blank(column) : " <span class=\"interval\"\(room(column))>\(interval)</span>")
    case .missing: return "<span class=\"missing\">–</span>" + blank(column)
    case .number, .count: return marked(number(row, column)) + blank(column)
    }
  }

  /// Keeps numbers under numbers in a column where others have an interval behind them.
  private func blank(_ column: Int) -> String {
    let widest = widestInterval(column)
    return widest.isEmpty
      ? "" : " <span class=\"interval blank\"\(room(column)) aria-hidden=\"true\">\(widest)</span>"
  }

  /// As much room for every interval of a column where they are not equally long; a sign takes less than a digit.
  private func room(_ column: Int) -> String {
    let lengths = rows.indices.map { interval($0, column).count }.filter { $0 > 0 }
    guard let longest = lengths.max(), let shortest = lengths.min(), longest > shortest else { return "" }
    return " style=\"min-width:\(Markup.coordinate(Double(longest) * 0.86))ch\""
  }
}
