/// A plot that draws itself at any width; a report asks it for a wide and a narrow drawing.
public protocol Plot: Sendable {
  /// What the plot shows in one sentence, for those who cannot see it.
  var summary: String { get }
  /// Draws the plot.
  ///
  /// - Parameter width: in pixels; from about 300 on everything has its room.
  func drawing(width: Double) -> Drawing
}

/// A value drawn as a dotted line right across a plot: chance, a published figure.
public struct PlotReference: Sendable, Hashable {
  /// Where it lies.
  public var value: Double
  /// What it is.
  public var label: String

  /// A reference value with its label.
  public init(_ value: Double, label: String) {
    self.value = value
    self.label = label
  }
}

/// The key above a plot, laid out in as many rows as it needs.
struct PlotLegend {
  struct Entry {
    var name: String
    /// Draws the sample into a box 22 wide, centered on the given point's y, beginning at its x.
    var sample: @Sendable (inout Drawing, Double, Double) -> Void
  }

  static let rowHeight = 22.0
  private static let sampleWidth = 22.0
  private let rows: [[(entry: Entry, width: Double)]]

  /// A legend for these entries; a single one needs no key.
  init(_ entries: [Entry], width: Double) {
    var rows: [[(entry: Entry, width: Double)]] = []
    var used = 0.0
    for entry in entries where entries.count > 1 {
      let needed = Self.sampleWidth + 7 + TextMeasure.width(entry.name, size: 13) + 22
      if rows.isEmpty || used + needed > width + 20 {
        rows.append([])
        used = 0
      }
      rows[rows.count - 1].append((entry, needed))
      used += needed
    }
    self.rows = rows
  }

  var height: Double { rows.isEmpty ? 0 : Double(rows.count) * Self.rowHeight + 6 }

  func draw(in drawing: inout Drawing, x: Double, y: Double) {
    for (index, row) in rows.enumerated() {
      var left = x
      let middle = y + (Double(index) + 0.5) * Self.rowHeight
      for (entry, width) in row {
        entry.sample(&drawing, left, middle)
        let room = drawing.width - left - Self.sampleWidth - 7
        drawing.text(
          TextMeasure.fitted(entry.name, to: room, size: 13), left + Self.sampleWidth + 7, middle + 4.5)
        left += width
      }
    }
  }
}

/// The rectangle of a plot with its axes, ticks, titles and key, inside which the data are drawn.
struct PlotFrame {
  let left: Double
  let top: Double
  let width: Double
  let height: Double
  let x: AxisMapping
  let y: AxisMapping
  let totalHeight: Double
  private let xTicks: AxisTicks
  private let yTicks: AxisTicks
  private let xTitle: String
  private let yTitle: String
  private let legend: PlotLegend
  private let totalWidth: Double

  /// Lays a plot out.
  ///
  /// - Parameters:
  ///   - totalWidth: width of the whole drawing.
  ///   - aspect: height of the inner rectangle as a share of its width.
  ///   - xAxis: the horizontal axis; `xData` are the values it has to cover, as `yData` for the vertical one.
  ///   - legend: entries of the key.
  init(
    totalWidth: Double, aspect: Double, xAxis: PlotAxis, yAxis: PlotAxis, xData: [Double], yData: [Double],
    legend entries: [PlotLegend.Entry]
  ) {
    self.totalWidth = totalWidth
    legend = PlotLegend(entries, width: totalWidth - 4)
    let guess = max(200, totalWidth - 60)
    let rows = max(3, Int(guess * aspect / 52))
    yTicks = AxisTicks.make(for: yAxis, data: yData, count: rows)
    let widest = yTicks.labels.map { TextMeasure.width($0, size: 12) }.max() ?? 0
    left = (widest + 12).rounded(.up)
    let widestBelow: Double
    let first = AxisTicks.make(for: xAxis, data: xData, count: max(3, Int(guess / 72)))
    widestBelow = first.labels.map { TextMeasure.width($0, size: 12) }.max() ?? 0
    let right = max(10, (first.labels.last.map { TextMeasure.width($0, size: 12) } ?? 0) / 2 + 4)
    width = max(80, totalWidth - left - right)
    let room = max(3, Int(width / max(64, widestBelow + 22)))
    xTicks = AxisTicks.make(for: xAxis, data: xData, count: room)
    xTitle = xAxis.title
    yTitle = yAxis.title
    top = legend.height + (yTitle.isEmpty ? 10 : 34)
    height = (width * aspect).rounded()
    totalHeight = top + height + (xTitle.isEmpty ? 28 : 48)
    x = AxisMapping(domain: xTicks.domain, scale: xAxis.scale, start: left, end: left + width)
    y = AxisMapping(domain: yTicks.domain, scale: yAxis.scale, start: top + height, end: top)
  }

  /// Draws everything but the data.
  func draw(in drawing: inout Drawing, verticalGrid: Bool = false) {
    legend.draw(in: &drawing, x: 2, y: 0)
    if !yTitle.isEmpty {
      drawing.text(TextMeasure.fitted(yTitle, to: totalWidth - 4, size: 13), 2, top - 17, class: "title")
    }
    for (value, label) in zip(yTicks.values, yTicks.labels) {
      guard let position = y.position(value) else { continue }
      drawing.line(left, position, left + width, position, class: "grid")
      drawing.text(label, left - 8, position + 4, anchor: .end, class: "small")
    }
    for (value, label) in zip(xTicks.values, xTicks.labels) {
      guard let position = x.position(value) else { continue }
      if verticalGrid { drawing.line(position, top, position, top + height, class: "grid") }
      drawing.line(position, top + height, position, top + height + 5, class: "axis")
      drawing.text(label, position, top + height + 20, anchor: .middle, class: "small")
    }
    drawing.line(left, top + height, left + width, top + height, class: "axis")
    if !xTitle.isEmpty {
      drawing.text(
        TextMeasure.fitted(xTitle, to: width, size: 13), left + width / 2, top + height + 42, anchor: .middle,
        class: "title")
    }
  }

  /// Draws into the inner rectangle, with a little room around it for marks that lie on its border.
  func clipped(in drawing: inout Drawing, _ draw: (inout Drawing) -> Void) {
    drawing.clipped(x: left - 5, y: top - 5, width: width + 10, height: height + 10, draw)
  }

  /// Draws horizontal reference lines, each labeled where the label hides none of the points.
  func draw(
    _ references: [PlotReference], in drawing: inout Drawing, avoiding points: [(x: Double, y: Double)]
  ) {
    for reference in references {
      guard y.domain.contains(reference.value), let position = y.position(reference.value) else { continue }
      drawing.line(left, position, left + width, position, class: "reference")
      let length = TextMeasure.width(reference.label, size: 12) + 8
      let places: [(isRight: Bool, isAbove: Bool)] = [
        (true, true), (false, true), (true, false), (false, false),
      ]
      let free = places.first { place in
        let horizontal = place.isRight ? (left + width - length)...(left + width) : left...(left + length)
        let vertical = place.isAbove ? (position - 24)...position : position...(position + 24)
        return !points.contains { horizontal.contains($0.x) && vertical.contains($0.y) }
      }
      let place = free ?? places[0]
      drawing.text(
        reference.label, place.isRight ? left + width - 2 : left + 4, position + (place.isAbove ? -6 : 16),
        anchor: place.isRight ? .end : .start, class: "small strong")
    }
  }
}
