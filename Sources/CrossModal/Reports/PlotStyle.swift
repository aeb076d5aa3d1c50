/// The colors and lettering of every plot, in a light and a dark form.
///
/// The eight colors of series keep apart for the usual kinds of color blindness and in gray; shapes and dashes
/// tell them apart once more.
enum PlotStyle {
  /// How many series have a color of their own; further ones begin again.
  static let seriesCount = light.count

  private static let light = [
    "#1f5fa8", "#c44e2b", "#1d8a6b", "#b07d12", "#7b4fa3", "#3a9cc4", "#a83e68", "#6d6a63",
  ]
  private static let dark = [
    "#7db2ee", "#f08e6c", "#5cc7a5", "#e0b252", "#bd97e3", "#7fcde9", "#e786ac", "#aaa69d",
  ]

  /// Rules for plots inside a page; the page chooses its scheme by `prefers-color-scheme`.
  static let rules =
    shapes
    + scheme(light, ink: "#23211e", muted: "#6b675f", grid: "#e6e2d9", axis: "#a29d92", paper: "#fffefb")
    + "@media screen and (prefers-color-scheme: dark){"
    + scheme(dark, ink: "#ece9e2", muted: "#a39f95", grid: "#35332f", axis: "#6f6b63", paper: "#1b1a18") + "}"

  /// Rules for a plot that is a file of its own.
  static let standalone = rules

  private static let shapes =
    ".plot{font-family:-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"Helvetica Neue\",Arial,\"PingFang SC\","
    + "\"Noto Sans CJK SC\",\"Microsoft YaHei\",sans-serif;font-size:13px;font-variant-numeric:tabular-nums lining-nums}"
    + ".plot .small{font-size:12px}.plot .title{font-size:13px}.plot .value{font-size:12px}"
    + ".plot .grid{stroke-width:1}.plot .axis{stroke-width:1}.plot .reference{stroke-width:1.2;stroke-dasharray:2 4;stroke-linecap:round}"
    + ".plot .line{fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}"
    + ".plot .d1{stroke-dasharray:8 5}.plot .d2{stroke-dasharray:1.5 5}"
    + ".plot .band{stroke:none;fill-opacity:.14}.plot .whisker{stroke-width:1.4}.plot .target{stroke-width:2.5}"
    + ".plot .point{stroke-width:1.25}.plot .cloud{fill-opacity:.62;stroke:none}"
    + ".plot .stroked{fill:none;stroke-width:1.6;stroke-linecap:round}"

  private static func scheme(
    _ colors: [String], ink: String, muted: String, grid: String, axis: String, paper: String
  ) -> String {
    var css =
      ".plot text{fill:\(ink)}.plot .small,.plot .title{fill:\(muted)}.plot .strong{fill:\(ink)}"
      + ".plot .grid{stroke:\(grid)}.plot .axis{stroke:\(axis)}.plot .reference,.plot .whisker,.plot .target{stroke:\(ink)}"
      + ".plot .cell{stroke:\(paper);stroke-width:1}.plot .onfill{fill:\(paper)}.plot .empty{fill:\(grid)}"
    for (index, color) in colors.enumerated() {
      css +=
        ".plot .s\(index){fill:\(color)}.plot .s\(index).line,.plot .s\(index).stroked{stroke:\(color);fill:none}"
        + ".plot .s\(index).point{stroke:\(paper)}.plot .s\(index).stroked{stroke:\(color)}"
    }
    return css
  }
}
