import Foundation
import Torch

/// A picture in pixels, put together from rectangles, other pictures and text.
struct Canvas {
  /// Red, green and blue, from 0 to 1.
  struct Color: Sendable, Equatable {
    var red: Float
    var green: Float
    var blue: Float

    init(_ hex: UInt32) {
      red = Float(hex >> 16 & 255) / 255
      green = Float(hex >> 8 & 255) / 255
      blue = Float(hex & 255) / 255
    }

    private init(_ red: Float, _ green: Float, _ blue: Float) {
      (self.red, self.green, self.blue) = (red, green, blue)
    }

    /// 0xRRGGBB.
    var hex: UInt32 {
      [red, green, blue].reduce(0) { $0 << 8 | UInt32(min(255, max(0, $1 * 255 + 0.5))) }
    }

    /// The color that lies `share` of the way to another.
    func mixed(with other: Color, _ share: Double) -> Color {
      let share = Float(min(1, max(0, share)))
      return Color(
        red + (other.red - red) * share, green + (other.green - green) * share,
        blue + (other.blue - blue) * share)
    }

    static let paper = Color(0xFFFEFB)
    static let ink = Color(0x23211E)
    static let muted = Color(0x6B675F)
    static let line = Color(0xDDD8CC)
    static let accent = Color(0x1F5FA8)
    static let warm = Color(0xC44E2B)
  }

  /// Where text stands relative to its point.
  enum Anchor {
    case start, middle, end
  }

  let width: Int
  let height: Int
  private var pixels: [Float]

  init(width: Int, height: Int, fill: Color = .paper) {
    self.width = max(1, width)
    self.height = max(1, height)
    pixels = []
    pixels.reserveCapacity(self.width * self.height * 3)
    for _ in 0..<self.width * self.height { pixels += [fill.red, fill.green, fill.blue] }
  }

  /// uint8 `[height, width, 3]`.
  func tensor() throws -> Tensor {
    try Tensor(
      pixels.map { UInt8(min(255, max(0, $0 * 255 + 0.5))) }, shape: [height, width, 3])
  }

  /// The bytes of a PNG file.
  func png() throws -> Data { try Picture.png(tensor()) }

  private mutating func blend(_ x: Int, _ y: Int, _ color: Color, _ share: Float) {
    guard x >= 0, y >= 0, x < width, y < height, share > 0 else { return }
    let at = (y * width + x) * 3
    pixels[at] += (color.red - pixels[at]) * share
    pixels[at + 1] += (color.green - pixels[at + 1]) * share
    pixels[at + 2] += (color.blue - pixels[at + 2]) * share
  }

  /// A filled rectangle; pixels that it covers in part are mixed.
  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ color: Color, opacity: Double = 1
  ) {
    guard width > 0, height > 0, x.isFinite, y.isFinite, width.isFinite, height.isFinite else { return }
    let within = { (edge: Double, size: Int) in Int(min(max(edge, 0), Double(size))) }
    let (left, top) = (within(x.rounded(.down), self.width), within(y.rounded(.down), self.height))
    let right = within((x + width).rounded(.up), self.width)
    let bottom = within((y + height).rounded(.up), self.height)
    guard left < right, top < bottom else { return }
    for row in top..<bottom {
      let down = min(y + height, Double(row + 1)) - max(y, Double(row))
      for column in left..<right {
        let across = min(x + width, Double(column + 1)) - max(x, Double(column))
        blend(column, row, color, Float(down * across * opacity))
      }
    }
  }

  /// The border of a rectangle, inside it.
  mutating func frame(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ color: Color, thickness: Double = 1,
    opacity: Double = 1
  ) {
    let inner = max(0, height - 2 * thickness)
    rectangle(x, y, width, thickness, color, opacity: opacity)
    rectangle(x, y + height - thickness, width, thickness, color, opacity: opacity)
    rectangle(x, y + thickness, thickness, inner, color, opacity: opacity)
    rectangle(x + width - thickness, y + thickness, thickness, inner, color, opacity: opacity)
  }

  /// A straight line.
  mutating func line(
    from start: (x: Double, y: Double), to end: (x: Double, y: Double), _ color: Color, thickness: Double,
    opacity: Double = 1
  ) {
    let (dx, dy) = (end.x - start.x, end.y - start.y)
    let length = max(1e-9, (dx * dx + dy * dy).squareRoot())
    let (nx, ny) = (-dy / length * thickness / 2, dx / length * thickness / 2)
    fill(
      [
        [
          (start.x + nx, start.y + ny), (end.x + nx, end.y + ny), (end.x - nx, end.y - ny),
          (start.x - nx, start.y - ny),
        ]
      ], color, opacity: opacity)
  }

  /// Another picture, uint8 `[h, w, 3]`, resized into a rectangle.
  ///
  /// - Parameter share: how much of it is seen at each pixel `[height][width]` of the rectangle; all when nil.
  mutating func picture(
    _ picture: Tensor, _ x: Int, _ y: Int, _ width: Int, _ height: Int, share: [[Double]]? = nil
  ) throws {
    guard width > 0, height > 0 else { return }
    let source: Tensor
    if picture.size(along: 0) * 3 <= height {
      // Few pixels are shown as what they are.
      let rows = (0..<height).map { $0 * picture.size(along: 0) / height }
      let columns = (0..<width).map { $0 * picture.size(along: 1) / width }
      source = try picture.rows(at: rows).rows(at: columns, along: 1)
    } else {
      source = try Picture.resized(picture, height: height, width: width)
    }
    let values = try source.values(as: UInt8.self)
    for row in 0..<height {
      for column in 0..<width {
        let at = (row * width + column) * 3
        let color = Color(
          UInt32(values[at]) << 16 | UInt32(values[at + 1]) << 8 | UInt32(values[at + 2]))
        blend(x + column, y + row, color, Float(share?[row][column] ?? 1))
      }
    }
  }

  /// A text that was set; `y` is its first base line.
  mutating func text(_ text: SetText, _ x: Double, _ y: Double, anchor: Anchor = .start) {
    let start = anchor == .start ? x : anchor == .middle ? x - text.advance / 2 : x - text.advance
    let (left, top) = (Int(start.rounded()) + text.left, Int(y.rounded()) + text.top)
    for row in 0..<text.height where (0..<height).contains(top + row) {
      for column in 0..<text.width where (0..<width).contains(left + column) {
        let from = (row * text.width + column) * 4
        guard text.pixels[from + 3] > 0 else { continue }
        let rest = 1 - Float(text.pixels[from + 3]) / 255
        let at = ((top + row) * width + left + column) * 3
        for part in 0..<3 {
          pixels[at + part] = pixels[at + part] * rest + Float(text.pixels[from + part]) / 255
        }
      }
    }
  }

  /// A line of text, cut to a room; `y` is its base line.
  mutating func text(
    _ text: String, _ x: Double, _ y: Double, size: Double, _ color: Color = .ink, anchor: Anchor = .start,
    room: Double = .infinity
  ) throws {
    self.text(
      try Lettering.set(text, LetterStyle(size: size, room: room, color: color.hex)), x, y, anchor: anchor)
  }

  /// Fills polygons by how much of each pixel they cover (outlines that turn the other way are holes).
  private mutating func fill(
    _ polygons: [[(x: Double, y: Double)]], _ color: Color, opacity: Double = 1
  ) {
    let all = polygons.joined()
    guard let low = all.map(\.x).min(), let high = all.map(\.x).max(), let top = all.map(\.y).min(),
      let bottom = all.map(\.y).max(), high - low < 1e5, bottom - top < 1e5
    else { return }
    let (x0, y0) = (Int(low.rounded(.down)) - 1, Int(top.rounded(.down)) - 1)
    let (columns, rows) = (Int(high.rounded(.up)) + 2 - x0, Int(bottom.rounded(.up)) + 2 - y0)
    // Area to the right of each edge, pixel by pixel; summed along a row it is the coverage.
    var area = [Double](repeating: 0, count: columns * rows)
    for polygon in polygons {
      for (index, end) in polygon.enumerated() {
        let start = polygon[index == 0 ? polygon.count - 1 : index - 1]
        Canvas.add(
          (start.x - Double(x0), start.y - Double(y0)), (end.x - Double(x0), end.y - Double(y0)), &area,
          columns)
      }
    }
    for row in 0..<rows {
      var sum = 0.0
      for column in 0..<columns {
        sum += area[row * columns + column]
        blend(x0 + column, y0 + row, color, Float(min(1, abs(sum)) * opacity))
      }
    }
  }

  private static func add(
    _ a: (x: Double, y: Double), _ b: (x: Double, y: Double), _ area: inout [Double], _ columns: Int
  ) {
    guard a.y != b.y else { return }
    let (sign, top, bottom) = a.y < b.y ? (1.0, a, b) : (-1.0, b, a)
    let slope = (bottom.x - top.x) / (bottom.y - top.y)
    var row = Int(top.y)
    while Double(row) < bottom.y {
      let (y1, y2) = (max(top.y, Double(row)), min(bottom.y, Double(row + 1)))
      let (xa, xb) = (top.x + (y1 - top.y) * slope, top.x + (y2 - top.y) * slope)
      let (x1, x2) = (min(xa, xb), max(xa, xb))
      let height = (y2 - y1) * sign
      var column = Int(x1)
      var covered = 0.0
      // The share of the edge's height that lies left of each column's right border, and the wedge inside it.
      while true {
        let (left, right) = (Double(column), Double(column + 1))
        let share: Double
        if x2 <= right {
          let (from, to) = (max(x1, left), x2)
          let part = x2 > x1 ? (to - from) / (x2 - x1) : 1
          let before = x2 > x1 ? (from - x1) / (x2 - x1) : 0
          share = before + part * (right - (from + to) / 2)
          area[row * columns + column] += height * (share - covered)
          area[row * columns + column + 1] += height * (1 - share)
          break
        }
        let from = max(x1, left)
        let part = (right - from) / (x2 - x1)
        let before = (from - x1) / (x2 - x1)
        share = before + part * (right - (from + right) / 2)
        area[row * columns + column] += height * (share - covered)
        covered = share
        column += 1
      }
      row += 1
    }
  }
}
