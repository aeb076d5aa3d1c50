/// A matrix as coloured cells: similarities of rows and columns, a confusion matrix, attention.
public struct HeatMap: Plot {
  /// How numbers become colors.
  public enum Colors: Sendable, Hashable {
    /// From the paper to full color, for values of one sign.
    case sequential
    /// Two colors from zero outwards, for correlations and differences.
    case diverging
  }

  /// What the map shows in one sentence.
  public var summary: String
  /// Names of the rows, from the top; empty for none.
  public var rows: [String]
  /// Names of the columns; empty for none.
  public var columns: [String]
  /// Values by row; a value that is not finite leaves its cell empty.
  public var values: [[Double]]
  /// How numbers become colors.
  public var colors: Colors
  /// Decimals of the numbers in the cells; `nil` writes none.
  public var decimals: Int?

  /// A map of a matrix.
  public init(
    _ summary: String, rows: [String] = [], columns: [String] = [], values: [[Double]],
    colors: Colors = .sequential, decimals: Int? = nil
  ) {
    self.summary = summary
    self.rows = rows
    self.columns = columns
    self.values = values
    self.colors = colors
    self.decimals = decimals
  }

  /// Draws the map.
  public func drawing(width: Double) -> Drawing {
    let count = max(1, values.map(\.count).max() ?? 1)
    let widestRow = rows.map { TextMeasure.width($0, size: 12) }.max() ?? 0
    let left = rows.isEmpty ? 2 : min(width * 0.32, widestRow) + 10
    let widestColumn = min(120, columns.map { TextMeasure.width($0, size: 12) }.max() ?? 0)
    let isTilted = widestColumn > (width - left - 8) / Double(count) - 4
    // A tilted name reaches beyond the column it belongs to.
    let right = isTilted ? widestColumn * 0.72 : 8
    let cell = min(64, (width - left - right) / Double(count))
    let height = min(cell, 44)
    let head = columns.isEmpty ? 4 : isTilted ? widestColumn * 0.72 + 16 : 22
    let scaleTop = head + height * Double(values.count) + 16
    var drawing = Drawing(width: width, height: scaleTop + 34, summary: summary)
    for (index, column) in columns.prefix(count).enumerated() {
      let x = left + (Double(index) + 0.5) * cell
      let label = TextMeasure.fitted(column, to: 120, size: 12)
      if isTilted {
        drawing.text(label, x + 2, head - 7, class: "small strong", rotation: -45)
      } else {
        drawing.text(label, x, head - 8, anchor: .middle, class: "small strong")
      }
    }
    let known = values.joined().filter(\.isFinite)
    let (low, high) = bounds(of: known)
    for (r, row) in values.enumerated() {
      let y = head + Double(r) * height
      if r < rows.count {
        let label = TextMeasure.fitted(rows[r], to: left - 10, size: 12)
        drawing.text(label, left - 8, y + height / 2 + 4, anchor: .end, class: "small strong")
      }
      for (c, value) in row.enumerated() {
        let (name, opacity) = fill(value, low, high)
        let place = [r < rows.count ? rows[r] : "row \(r)", c < columns.count ? columns[c] : "column \(c)"]
        drawing.rectangle(
          left + Double(c) * cell, y, cell, height, class: name + " cell", radius: cell > 14 ? 2 : 0,
          opacity: opacity, tooltip: place.joined(separator: ", ") + ": " + NumberText.shortest(value))
        if let decimals, value.isFinite {
          let text = NumberText.fixed(value, decimals: decimals)
          guard TextMeasure.width(text, size: 12) < cell - 2 else { continue }
          drawing.text(
            text, left + (Double(c) + 0.5) * cell, y + height / 2 + 4, anchor: .middle,
            class: "value" + ((opacity ?? 0) > 0.6 ? " onfill" : ""))
        }
      }
    }
    drawScale(&drawing, left: left, top: scaleTop, low, high)
    return drawing
  }

  private func bounds(of known: [Double]) -> (Double, Double) {
    let low = known.min() ?? 0
    let high = known.max() ?? 1
    guard colors == .sequential else {
      let largest = max(abs(low), abs(high), .leastNonzeroMagnitude)
      return (-largest, largest)
    }
    return low < high ? (low, high) : (low - 0.5, low + 0.5)
  }

  private func fill(_ value: Double, _ low: Double, _ high: Double) -> (String, Double?) {
    guard value.isFinite else { return ("empty", nil) }
    switch colors {
    case .sequential: return ("s0", 0.04 + 0.96 * (value - low) / (high - low))
    case .diverging: return (value < 0 ? "s1" : "s0", 0.04 + 0.96 * abs(value) / high)
    }
  }

  private func drawScale(
    _ drawing: inout Drawing, left: Double, top: Double, _ low: Double, _ high: Double
  ) {
    let steps = 40
    let width = min(200, drawing.width - left - 10)
    for step in 0..<steps {
      let value = low + (high - low) * (Double(step) + 0.5) / Double(steps)
      let (name, opacity) = fill(value, low, high)
      drawing.rectangle(
        left + width * Double(step) / Double(steps), top, width / Double(steps) + 0.3, 8, class: name,
        opacity: opacity)
    }
    drawing.text(NumberText.shortest(low, decimals: 2), left, top + 24, class: "small")
    drawing.text(
      NumberText.shortest(high, decimals: 2), left + width, top + 24, anchor: .end, class: "small")
  }
}
