/// Lines over a common horizontal axis: losses over epochs, correlations over components, recall over K.
public struct LinePlot: Plot {
  /// How a series is drawn.
  public enum Stroke: Int, Sendable, Hashable {
    /// A full line.
    case solid
    /// A dashed line.
    case dashed
    /// A dotted line.
    case dotted
  }

  /// One line.
  public struct Series: Sendable, Hashable {
    /// What the key calls it.
    public var name: String
    /// Horizontal values.
    public var x: [Double]
    /// Vertical values, one for each of `x`; a value that is not finite interrupts the line.
    public var y: [Double]
    /// Optional confidence band: its lower and upper border, one range for each of `x`.
    public var band: [ClosedRange<Double>]
    /// How it is drawn.
    public var stroke: Stroke
    /// Whether its points are marked; `nil` marks them where they are few.
    public var marks: Bool?

    /// A line through points; what `x` or `y` has too much is left out.
    public init(
      _ name: String, x: [Double], y: [Double], band: [ClosedRange<Double>] = [], stroke: Stroke = .solid,
      marks: Bool? = nil
    ) {
      self.name = name
      self.x = x
      self.y = y
      self.band = band
      self.stroke = stroke
      self.marks = marks
    }

    /// A line through values at 1, 2, 3, …
    public init(_ name: String, values: [Double], stroke: Stroke = .solid, marks: Bool? = nil) {
      self.init(
        name, x: values.indices.map { Double($0 + 1) }, y: values, stroke: stroke, marks: marks)
    }
  }

  /// What the plot shows in one sentence.
  public var summary: String
  /// The horizontal axis.
  public var x: PlotAxis
  /// The vertical axis.
  public var y: PlotAxis
  /// The lines, in the order of the key.
  public var series: [Series]
  /// Values to compare with.
  public var references: [PlotReference]
  /// Height of the inner rectangle as a share of its width.
  public var aspect: Double

  /// A plot of lines.
  public init(
    _ summary: String, x: PlotAxis, y: PlotAxis, series: [Series], references: [PlotReference] = [],
    aspect: Double = 0.5
  ) {
    self.summary = summary
    self.x = x
    self.y = y
    self.series = series
    self.references = references
    self.aspect = aspect
  }

  /// Precision against recall, both from 0 to 1 on equal axes.
  ///
  /// - Parameters:
  ///   - summary: what the plot shows in one sentence.
  ///   - curves: name, recall and precision of each curve.
  ///   - chance: the precision of a random ranking, drawn as a reference.
  public static func precisionRecall(
    _ summary: String, curves: [(name: String, recall: [Double], precision: [Double])], chance: Double? = nil
  ) -> LinePlot {
    let highest = curves.flatMap(\.precision).filter(\.isFinite).max() ?? 1
    return LinePlot(
      summary, x: PlotAxis("recall", range: 0...1),
      y: PlotAxis("precision", range: 0...min(1, (highest * 1.02 * 5).rounded(.up) / 5)),
      series: curves.map { Series($0.name, x: $0.recall, y: $0.precision, marks: false) },
      references: chance.map { [PlotReference($0, label: "chance")] } ?? [], aspect: 0.62)
  }

  /// Draws the plot.
  public func drawing(width: Double) -> Drawing {
    let lines = series.map { series in
      Array(zip(series.x, series.y)).map { (x: $0, y: $1) }
    }
    let entries = series.enumerated().map { index, series in
      let color = "s\(index % PlotStyle.seriesCount)"
      let mark = Drawing.Mark.of(index)
      let isMarked = isMarked(series)
      return PlotLegend.Entry(name: series.name) { drawing, x, y in
        drawing.line(x + 1, y, x + 21, y, class: "\(color) line d\(series.stroke.rawValue)")
        if isMarked { drawing.mark(mark, x + 11, y, size: 8, class: "\(color) point") }
      }
    }
    let heights =
      lines.flatMap { $0.map(\.y) } + series.flatMap { $0.band.flatMap { [$0.lowerBound, $0.upperBound] } }
      + references.map(\.value)
    let frame = PlotFrame(
      totalWidth: width, aspect: width < 480 ? max(aspect, 0.62) : aspect, xAxis: x, yAxis: y,
      xData: lines.flatMap { $0.map(\.x) }, yData: heights, legend: entries)
    var drawing = Drawing(width: width, height: frame.totalHeight, summary: summary)
    frame.draw(in: &drawing)
    let places = lines.joined().compactMap { point -> (x: Double, y: Double)? in
      guard let x = frame.x.position(point.x), let y = frame.y.position(point.y) else { return nil }
      return (x, y)
    }
    frame.clipped(in: &drawing) { inner in
      for (index, series) in series.enumerated() { drawBand(of: series, index, frame, &inner) }
      for (index, line) in lines.enumerated() {
        let color = "s\(index % PlotStyle.seriesCount)"
        let points = line.map { point -> (x: Double, y: Double)? in
          guard let x = frame.x.position(point.x), let y = frame.y.position(point.y) else { return nil }
          return (x, y)
        }
        inner.polyline(points, class: "\(color) line d\(series[index].stroke.rawValue)")
        guard isMarked(series[index]) else { continue }
        for (point, place) in zip(line, points) {
          guard let place else { continue }
          inner.mark(
            Drawing.Mark.of(index), place.x, place.y, size: 8, class: "\(color) point",
            tooltip:
              "\(series[index].name): \(NumberText.shortest(point.y)) at \(NumberText.shortest(point.x))")
        }
      }
    }
    frame.draw(references, in: &drawing, avoiding: places)
    return drawing
  }

  private func isMarked(_ series: Series) -> Bool { series.marks ?? (series.x.count <= 24) }

  private func drawBand(of series: Series, _ index: Int, _ frame: PlotFrame, _ drawing: inout Drawing) {
    var lower: [(x: Double, y: Double)] = []
    var upper: [(x: Double, y: Double)] = []
    for (value, range) in zip(series.x, series.band) {
      guard let x = frame.x.position(value), let low = frame.y.position(range.lowerBound),
        let high = frame.y.position(range.upperBound)
      else { continue }
      lower.append((x, low))
      upper.append((x, high))
    }
    drawing.polygon(upper + lower.reversed(), class: "s\(index % PlotStyle.seriesCount) band")
  }
}

extension Drawing.Mark {
  /// The mark of the series with this number; color and mark together repeat only after many.
  static func of(_ index: Int) -> Drawing.Mark { allCases[index % allCases.count] }
}
