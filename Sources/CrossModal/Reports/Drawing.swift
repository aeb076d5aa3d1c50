import Foundation

/// A picture in SVG, put together from lines, shapes and text.
///
/// Colors come from classes, so that one drawing follows the light or dark scheme of where it is shown: inside a
/// ``Report`` the page's style applies, alone (``svg()``) the drawing carries its own.
public struct Drawing: Sendable {
  /// Width in pixels.
  public let width: Double
  /// Height in pixels.
  public let height: Double
  /// What the picture shows, for those who cannot see it.
  public let summary: String
  private var body = ""

  /// Where text stands relative to its point.
  enum Anchor: String {
    case start, middle, end
  }

  /// The shapes that tell groups of points apart where color alone does not.
  enum Mark: Int, CaseIterable {
    case circle, square, triangle, diamond, cross
  }

  init(width: Double, height: Double, summary: String) {
    self.width = width
    self.height = height
    self.summary = summary
  }

  /// The drawing as a file of its own, with its style, light and dark.
  public func svg() -> String {
    element(extra: " xmlns=\"http://www.w3.org/2000/svg\"", style: "<style>\(PlotStyle.standalone)</style>")
  }

  /// The drawing as an element of a page that has ``PlotStyle``'s rules.
  func embedded(class name: String) -> String { element(extra: "", style: "", class: " " + name) }

  private func element(extra: String, style: String, class name: String = "") -> String {
    let size = "\(Markup.coordinate(width)) \(Markup.coordinate(height))"
    return "<svg\(extra) class=\"plot\(name)\" viewBox=\"0 0 \(size)\" "
      + "width=\"\(Markup.coordinate(width))\" height=\"\(Markup.coordinate(height))\" role=\"img\">"
      + "<title>\(Markup.escape(summary))</title>\(style)\(body)</svg>"
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String) {
    let (x1, y1, x2, y2) = (c(x1), c(y1), c(x2), c(y2))
    body += "<line x1=\"\(x1)\" y1=\"\(y1)\" x2=\"\(x2)\" y2=\"\(y2)\" class=\"\(name)\"/>"
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, class name: String, radius: Double = 0,
    opacity: Double? = nil, tooltip: String? = nil
  ) {
    var attributes =
      "x=\"\(c(x))\" y=\"\(c(y))\" width=\"\(c(max(0, width)))\" height=\"\(c(max(0, height)))\""
    if radius > 0 { attributes += " rx=\"\(c(radius))\"" }
    if let opacity { attributes += " fill-opacity=\"\(c(opacity))\"" }
    body += close("<rect \(attributes) class=\"\(name)\"", "rect", tooltip)
  }

  /// A line through points; `nil` interrupts it.
  mutating func polyline(_ points: [(x: Double, y: Double)?], class name: String) {
    var path = ""
    var isDown = false
    for point in points {
      guard let point else {
        isDown = false
        continue
      }
      path += "\(isDown ? "L" : "M")\(c(point.x)) \(c(point.y))"
      isDown = true
    }
    if !path.isEmpty { body += "<path d=\"\(path)\" class=\"\(name)\"/>" }
  }

  mutating func polygon(_ points: [(x: Double, y: Double)], class name: String) {
    guard points.count > 2 else { return }
    let list = points.map { "\(c($0.x)),\(c($0.y))" }.joined(separator: " ")
    body += "<polygon points=\"\(list)\" class=\"\(name)\"/>"
  }

  mutating func mark(
    _ mark: Mark, _ x: Double, _ y: Double, size: Double, class name: String, tooltip: String? = nil
  ) {
    let r = size / 2
    let start: String
    switch mark {
    case .circle: start = "<circle cx=\"\(c(x))\" cy=\"\(c(y))\" r=\"\(c(r))\" class=\"\(name)\""
    case .square:
      let s = r * 0.88
      start = "<path d=\"M\(c(x - s)) \(c(y - s))h\(c(2 * s))v\(c(2 * s))h\(c(-2 * s))z\" class=\"\(name)\""
    case .triangle:
      let (h, v) = (r * 1.1, r * 1.15)
      start =
        "<path d=\"M\(c(x)) \(c(y - v))L\(c(x + h)) \(c(y + v * 0.7))L\(c(x - h)) \(c(y + v * 0.7))z\" class=\"\(name)\""
    case .diamond:
      let s = r * 1.2
      start =
        "<path d=\"M\(c(x)) \(c(y - s))L\(c(x + s)) \(c(y))L\(c(x)) \(c(y + s))L\(c(x - s)) \(c(y))z\" class=\"\(name)\""
    case .cross:
      let s = r * 0.85
      start =
        "<path d=\"M\(c(x - s)) \(c(y - s))L\(c(x + s)) \(c(y + s))M\(c(x - s)) \(c(y + s))L\(c(x + s)) \(c(y - s))\" "
        + "class=\"\(name) stroked\""
    }
    body += close(start, mark == .circle ? "circle" : "path", tooltip)
  }

  mutating func text(
    _ text: String, _ x: Double, _ y: Double, anchor: Anchor = .start, class name: String = "",
    rotation: Double? = nil
  ) {
    var attributes = "x=\"\(c(x))\" y=\"\(c(y))\""
    if anchor != .start { attributes += " text-anchor=\"\(anchor.rawValue)\"" }
    if !name.isEmpty { attributes += " class=\"\(name)\"" }
    if let rotation { attributes += " transform=\"rotate(\(c(rotation)) \(c(x)) \(c(y)))\"" }
    body += "<text \(attributes)>\(Markup.escape(text))</text>"
  }

  /// Draws into a rectangle and cuts off what reaches beyond it; coordinates stay those of the whole drawing.
  mutating func clipped(
    x: Double, y: Double, width: Double, height: Double, _ draw: (inout Drawing) -> Void
  ) {
    var inner = Drawing(width: width, height: height, summary: "")
    draw(&inner)
    let box = "\(c(x)) \(c(y)) \(c(width)) \(c(height))"
    body +=
      "<svg x=\"\(c(x))\" y=\"\(c(y))\" width=\"\(c(width))\" height=\"\(c(height))\" viewBox=\"\(box)\" "
      + "overflow=\"hidden\">\(inner.body)</svg>"
  }

  private func c(_ value: Double) -> String { Markup.coordinate(value) }

  private func close(_ start: String, _ tag: String, _ tooltip: String?) -> String {
    guard let tooltip else { return start + "/>" }
    return start + "><title>\(Markup.escape(tooltip))</title></\(tag)>"
  }
}

/// How wide text will be, well enough to leave room for it; no font is at hand to measure it.
enum TextMeasure {
  /// The width of a line of sans-serif text in pixels.
  static func width(_ text: String, size: Double) -> Double {
    text.unicodeScalars.reduce(0) { $0 + share($1) } * size
  }

  /// Cuts text to a width and says so with an ellipsis.
  static func fitted(_ text: String, to room: Double, size: Double) -> String {
    guard width(text, size: size) > room else { return text }
    var cut = text
    while !cut.isEmpty, width(cut + "…", size: size) > room { cut.removeLast() }
    return cut.trimmingCharacters(in: .whitespaces) + "…"
  }

  private static func share(_ scalar: Unicode.Scalar) -> Double {
    switch scalar {
    case "i", "j", "l", ".", ",", ":", ";", "'", "|", "!", "I": 0.27
    case "f", "t", "r", "(", ")", "[", "]", " ", "-", "/": 0.34
    case "m", "w", "M", "W", "@", "%": 0.86
    case "A"..."Z": 0.66
    case _ where scalar.properties.isEmojiPresentation || (0x2E80...0xFFEF).contains(scalar.value): 1
    case _ where scalar.properties.generalCategory == .nonspacingMark: 0
    default: 0.55
    }
  }
}
