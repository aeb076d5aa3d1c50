import Foundation
import Testing

@testable import CrossModal

@Suite("Plots")
struct PlotTests {
  static let plots: [any Plot] = [
    LinePlot(
      "Losses <fall> & \"rest\"", x: PlotAxis("epoch"), y: PlotAxis("loss", scale: .logarithmic),
      series: [
        .init("total", x: [1, 2, 3], y: [3, .nan, 0.5], band: [2...4, 1...2, 0.25...1]),
        .init("part", values: [2, 1, 0, 1], stroke: .dashed),
      ], references: [PlotReference(0.7, label: "chance")]),
    LinePlot.precisionRecall(
      "Precision over recall", curves: [("a → b", [0, 0.5, 1], [0.4, 0.2, 0.1])], chance: 0.1),
    BarPlot(
      "mAP", categories: ["image → text", "a category with a name that is far too long for the margin"],
      axis: PlotAxis("mAP"),
      series: [
        .init("ours", [0.2, -0.1], intervals: [0.1...0.3, nil]), .init("theirs", [nil, .nan]),
        .init("published", [0.25, 0.1], shape: .target),
      ], references: [PlotReference(0.118, label: "chance")]),
    ScatterPlot(
      "Two groups", x: PlotAxis("first"), y: PlotAxis("second"),
      groups: (0..<11).map { .init("group \($0)", x: [Double($0), 1], y: [0.5, 2], labels: ["<one>"]) }),
    HeatMap(
      "Similarities", rows: ["art", "music"], columns: ["art", "a very long name of a column"],
      values: [[1, -0.5], [.nan, 0.25, 7]], colors: .diverging, decimals: 2),
    HeatMap("Nothing", values: []),
    LinePlot("Nothing", x: PlotAxis(""), y: PlotAxis(""), series: []),
    BarPlot("Nothing", categories: [], axis: PlotAxis(""), series: []),
  ]

  @Test("every plot is well-formed XML at every width, alone and in a page", arguments: plots.indices)
  func wellFormed(index: Int) throws {
    for width in [120.0, 350, 680, 1200] {
      let drawing = Self.plots[index].drawing(width: width)
      try parseXML(drawing.svg())
      try parseXML(drawing.embedded(class: "wide"))
      #expect(drawing.width == width)
      #expect(drawing.height > 0)
      #expect(!drawing.svg().contains("nan"))
    }
  }

  @Test("the same plot gives the same bytes", arguments: plots.indices)
  func deterministic(index: Int) {
    #expect(
      Self.plots[index].drawing(width: 680).svg() == Self.plots[index].drawing(width: 680).svg())
  }

  @Test("the summary and all names are escaped")
  func escaped() {
    let svg = Self.plots[0].drawing(width: 680).svg()
    #expect(svg.contains("<title>Losses &lt;fall&gt; &amp; &quot;rest&quot;</title>"))
    #expect(Self.plots[3].drawing(width: 680).svg().contains("&lt;one&gt;"))
  }

  @Test("a value that is no number interrupts a line")
  func interruptedLine() {
    let svg = Self.plots[0].drawing(width: 680).svg()
    let paths = svg.components(separatedBy: "<path d=\"").dropFirst().map { $0.prefix { $0 != "\"" } }
    #expect(paths.contains { $0.filter { $0 == "M" }.count == 2 && !$0.contains("L") })
  }

  @Test("the highest bar reaches as far as its value on the axis")
  func barLength() throws {
    let plot = BarPlot("x", categories: ["a"], axis: PlotAxis("", range: 0...1), series: [.init("s", [0.5])])
    let svg = plot.drawing(width: 500).svg()
    let width = try #require(svg.firstMatch(of: /<rect x="([0-9.]+)" y="[0-9.]+" width="([0-9.]+)"/))
    let axis = svg.matches(of: /<line x1="([0-9.]+)" y1="[0-9.]+" x2="[0-9.]+" y2="[0-9.]+" class="grid"/)
      .compactMap { Double($0.1) }
    let span = try #require(axis.max()) - (try #require(axis.min()))
    let bar = try #require(Double(width.2))
    #expect(abs(bar - span / 2) < 0.02)
  }

  @Test("a key is drawn for several series and not for one")
  func legend() {
    func drawing(_ names: [String]) -> String {
      LinePlot("x", x: PlotAxis(""), y: PlotAxis(""), series: names.map { .init($0, values: [1, 2]) })
        .drawing(width: 500).svg()
    }
    #expect(drawing(["alpha", "beta"]).contains(">alpha</text>"))
    #expect(!drawing(["alpha"]).contains(">alpha</text>"))
  }

  @Test("text that has no room is cut with an ellipsis")
  func fitted() {
    #expect(TextMeasure.fitted("short", to: 100, size: 12) == "short")
    let cut = TextMeasure.fitted("a rather long label", to: 60, size: 12)
    #expect(cut.hasSuffix("…"))
    #expect(TextMeasure.width(cut, size: 12) <= 60)
    #expect(TextMeasure.width("爱爱", size: 10) == 20)
  }
}
