/// Points in a plane, in groups: two modalities in their common space, classes, residuals.
public struct ScatterPlot: Plot {
  /// Points of one kind.
  public struct Group: Sendable, Hashable {
    /// What the key calls them.
    public var name: String
    /// Horizontal values.
    public var x: [Double]
    /// Vertical values, one for each of `x`.
    public var y: [Double]
    /// What a point says when one points at it; empty for nothing, else one for each point.
    public var labels: [String]

    /// A group of points.
    public init(_ name: String, x: [Double], y: [Double], labels: [String] = []) {
      self.name = name
      self.x = x
      self.y = y
      self.labels = labels
    }
  }

  /// What the plot shows in one sentence.
  public var summary: String
  /// The horizontal axis.
  public var x: PlotAxis
  /// The vertical axis.
  public var y: PlotAxis
  /// The groups, in the order of the key.
  public var groups: [Group]
  /// Height of the inner rectangle as a share of its width.
  public var aspect: Double

  /// A plot of points.
  public init(_ summary: String, x: PlotAxis, y: PlotAxis, groups: [Group], aspect: Double = 0.62) {
    self.summary = summary
    self.x = x
    self.y = y
    self.groups = groups
    self.aspect = aspect
  }

  /// Draws the plot.
  public func drawing(width: Double) -> Drawing {
    let entries = groups.enumerated().map { index, group in
      PlotLegend.Entry(name: group.name) { drawing, x, y in
        drawing.mark(
          Drawing.Mark.of(index), x + 12, y, size: 9, class: "s\(index % PlotStyle.seriesCount)")
      }
    }
    let frame = PlotFrame(
      totalWidth: width, aspect: width < 480 ? max(aspect, 0.85) : aspect, xAxis: x, yAxis: y,
      xData: groups.flatMap(\.x), yData: groups.flatMap(\.y), legend: entries)
    var drawing = Drawing(width: width, height: frame.totalHeight, summary: summary)
    frame.draw(in: &drawing, verticalGrid: true)
    let count = groups.reduce(0) { $0 + $1.x.count }
    let size = count > 1500 ? 4.0 : count > 400 ? 5.5 : 7.5
    frame.clipped(in: &drawing) { inner in
      for (index, group) in groups.enumerated() {
        for (number, (x, y)) in zip(group.x, group.y).enumerated() {
          guard let left = frame.x.position(x), let top = frame.y.position(y) else { continue }
          inner.mark(
            Drawing.Mark.of(index), left, top, size: size, class: "s\(index % PlotStyle.seriesCount) cloud",
            tooltip: number < group.labels.count ? group.labels[number] : nil)
        }
      }
    }
    return drawing
  }
}
