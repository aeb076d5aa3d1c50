/// Bars by category: metrics of several methods, ours beside the published figure.
///
/// Bars lie, so that long names stay readable; each carries its number.
public struct BarPlot: Plot {
  /// How a series is drawn.
  public enum Shape: Sendable, Hashable {
    /// As bars.
    case bar
    /// As a stroke across the bars of its category: a published figure, a target.
    case target
  }

  /// One value for each category.
  public struct Series: Sendable, Hashable {
    /// What the key calls it.
    public var name: String
    /// Values in the order of the categories; `nil` where there is none.
    public var values: [Double?]
    /// Optional confidence intervals, in the same order.
    public var intervals: [ClosedRange<Double>?]
    /// How it is drawn.
    public var shape: Shape

    /// A series of values.
    public init(
      _ name: String, _ values: [Double?], intervals: [ClosedRange<Double>?] = [], shape: Shape = .bar
    ) {
      self.name = name
      self.values = values
      self.intervals = intervals
      self.shape = shape
    }
  }

  /// What the plot shows in one sentence.
  public var summary: String
  /// The categories, from the top.
  public var categories: [String]
  /// The axis of the values.
  public var axis: PlotAxis
  /// The series, in the order of the key.
  public var series: [Series]
  /// Values to compare with.
  public var references: [PlotReference]
  /// Decimals of the number at the end of a bar.
  public var decimals: Int

  /// A plot of bars.
  public init(
    _ summary: String, categories: [String], axis: PlotAxis, series: [Series],
    references: [PlotReference] = [], decimals: Int = 3
  ) {
    self.summary = summary
    self.categories = categories
    self.axis = axis
    self.series = series
    self.references = references
    self.decimals = decimals
  }

  /// Draws the plot.
  public func drawing(width: Double) -> Drawing {
    let bars = series.enumerated().filter { $0.element.shape == .bar }
    let barHeight = bars.count > 2 ? 13.0 : 17.0
    let groupHeight = Double(max(1, bars.count)) * (barHeight + 3) + 17
    let legend = PlotLegend(legendEntries(), width: width - 4)
    let widestName = categories.map { TextMeasure.width($0, size: 13) }.max() ?? 0
    // On narrow paper names stand above their bars.
    let isStacked = widestName > width * 0.3
    let left = isStacked ? 2 : widestName + 14
    let nameHeight = isStacked ? 19.0 : 0
    let numberRoom = 8 + (allValues.map { TextMeasure.width(number($0), size: 12) }.max() ?? 30)
    let inner = max(60, width - left - numberRoom - 6)
    let top = legend.height + (references.isEmpty ? 4 : 24)
    let height = Double(categories.count) * (groupHeight + nameHeight)
    var values = allValues + references.map(\.value)
    if axis.scale == .linear { values.append(0) }
    let ticks = AxisTicks.make(for: axis, data: values, count: max(3, Int(inner / 80)))
    let mapping = AxisMapping(domain: ticks.domain, scale: axis.scale, start: left, end: left + inner)
    let base = mapping.position(max(ticks.domain.lowerBound, min(0, ticks.domain.upperBound))) ?? left
    let total = top + height + (axis.title.isEmpty ? 26 : 46)
    var drawing = Drawing(width: width, height: total, summary: summary)
    legend.draw(in: &drawing, x: 2, y: 0)
    for (value, label) in zip(ticks.values, ticks.labels) {
      guard let x = mapping.position(value) else { continue }
      drawing.line(x, top, x, top + height, class: "grid")
      drawing.text(label, x, top + height + 18, anchor: .middle, class: "small")
    }
    if !axis.title.isEmpty {
      drawing.text(axis.title, left + inner / 2, top + height + 40, anchor: .middle, class: "title")
    }
    for (index, category) in categories.enumerated() {
      let groupTop = top + Double(index) * (groupHeight + nameHeight)
      let firstBar = groupTop + nameHeight + 8.5
      if isStacked {
        drawing.text(TextMeasure.fitted(category, to: width - 4, size: 13), 2, groupTop + nameHeight)
      } else {
        let middle = groupTop + groupHeight / 2 + 4.5
        drawing.text(category, left - 12, middle, anchor: .end)
      }
      for (row, (number, series)) in bars.enumerated() {
        draw(
          series, number, category: index, y: firstBar + Double(row) * (barHeight + 3), height: barHeight,
          base: base, mapping, &drawing)
      }
      for series in series where series.shape == .target {
        guard index < series.values.count, let value = series.values[index],
          let x = mapping.position(value)
        else { continue }
        let bottom = groupTop + nameHeight + groupHeight - 8.5
        drawing.line(x, firstBar - 3, x, bottom + 1, class: "target")
      }
    }
    drawing.line(base, top, base, top + height, class: "axis")
    for reference in references {
      guard ticks.domain.contains(reference.value), let x = mapping.position(reference.value) else {
        continue
      }
      drawing.line(x, top - 6, x, top + height, class: "reference")
      let half = TextMeasure.width(reference.label, size: 12) / 2
      drawing.text(
        reference.label, min(max(x, half + 2), width - half - 2), top - 11, anchor: .middle,
        class: "small strong")
    }
    return drawing
  }

  private var allValues: [Double] {
    series.flatMap { series in
      series.values.compactMap { $0 }
        + series.intervals.compactMap { $0 }.flatMap { [$0.lowerBound, $0.upperBound] }
    }.filter(\.isFinite)
  }

  private func number(_ value: Double) -> String {
    axis.labels == .percent
      ? NumberText.fixed(value * 100, decimals: decimals) + "%" : NumberText.fixed(value, decimals: decimals)
  }

  private func legendEntries() -> [PlotLegend.Entry] {
    series.enumerated().map { index, series in
      PlotLegend.Entry(name: series.name) { drawing, x, y in
        switch series.shape {
        case .bar:
          drawing.rectangle(
            x + 3, y - 6, 16, 12, class: "s\(index % PlotStyle.seriesCount)", radius: 2)
        case .target: drawing.line(x + 11, y - 8, x + 11, y + 8, class: "target")
        }
      }
    }
  }

  private func draw(
    _ series: Series, _ index: Int, category: Int, y: Double, height: Double, base: Double,
    _ mapping: AxisMapping, _ drawing: inout Drawing
  ) {
    guard category < series.values.count, let value = series.values[category] else { return }
    guard let end = mapping.position(value) else {
      drawing.text(number(value), base + 7, y + height / 2 + 4, class: "value")
      return
    }
    drawing.rectangle(
      min(base, end), y, abs(end - base), height, class: "s\(index % PlotStyle.seriesCount)", radius: 2,
      tooltip: "\(series.name), \(categories[category]): \(number(value))")
    var far = max(base, end)
    if category < series.intervals.count, let interval = series.intervals[category],
      let low = mapping.position(interval.lowerBound), let high = mapping.position(interval.upperBound)
    {
      let middle = y + height / 2
      drawing.line(low, middle, high, middle, class: "whisker")
      drawing.line(low, middle - 4, low, middle + 4, class: "whisker")
      drawing.line(high, middle - 4, high, middle + 4, class: "whisker")
      far = max(far, high)
    }
    for target in self.series where target.shape == .target {
      // A number that a stroke would cross moves behind it.
      guard category < target.values.count, let value = target.values[category],
        let stroke = mapping.position(value)
      else { continue }
      let room = TextMeasure.width(number(value), size: 12) + 10
      if stroke >= far - 2, stroke < far + room { far = stroke }
    }
    drawing.text(number(value), far + 7, y + height / 2 + 4.2, class: "value")
  }
}
