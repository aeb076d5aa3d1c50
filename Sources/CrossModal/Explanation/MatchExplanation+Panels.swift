import Foundation
import Torch

extension MatchExplanation {
  /// What each part or look of one item attended to in the other, as pictures whose shades mean the same in all.
  ///
  /// - Parameter width: in pixels.
  /// - Returns: a picture for each that asks, and the weight of what is brightest.
  func panels(_ found: Evidence, width: Int) throws -> (pictures: [Canvas], strongest: Double) {
    // Where regions overlap their weights add up.
    let boxes = boxesOnPicture(found.attended)
    let strongest =
      try found.weights.map { weights in
        guard let boxes, let picture = sides[found.attended].picture else { return weights.max() ?? 0 }
        return try mass(weights, boxes, on: picture, width: width).strongest
      }.max() ?? 0
    let pictures = try found.weights.map { weights in
      try panel(found.attended, weights: weights, of: strongest, width: width)
    }
    return (pictures, strongest)
  }

  /// The regions of an item as one picture in which each is as visible as its weight.
  ///
  /// - Parameters:
  ///   - side: the item with the regions.
  ///   - weights: of each region; nil shows all, each with its number.
  ///   - strongest: the weight that is fully visible; nil for the largest.
  ///   - width: in pixels.
  func panel(_ side: Int, weights: [Double]?, of strongest: Double? = nil, width: Int) throws -> Canvas {
    let item = sides[side]
    if let picture = item.picture, let grid = item.grid, grid.cells == item.parts.count {
      return try onGrid(picture, grid, weights, of: strongest, width: width)
    }
    if let picture = item.picture, let boxes = boxesOnPicture(side) {
      return try onPicture(picture, boxes, weights, of: strongest, width: width)
    }
    if case .clip? = item.parts.first { return overTime(item, weights, of: strongest, width: width) }
    return try asTiles(item, weights, of: strongest, width: width)
  }

  /// Share of something that a weight leaves visible: what is attended to least can still be made out.
  static func visible(_ weight: Double, of strongest: Double) -> Double {
    0.1 + 0.9 * (strongest > 0 ? min(1, max(0, weight / strongest)).squareRoot() : 1)
  }

  /// What pictures of weights fade to.
  func shade(_ side: Int) -> Canvas.Color { sides[side].grid == nil ? .paper : .ink }

  private typealias Box = (left: Double, top: Double, right: Double, bottom: Double)

  /// The regions of an item where all are rectangles of its picture.
  private func boxesOnPicture(_ side: Int) -> [Box]? {
    let item = sides[side]
    guard item.picture != nil, !item.parts.isEmpty,
      item.grid.map({ $0.cells != item.parts.count }) ?? true
    else { return nil }
    let boxes = item.parts.compactMap { part -> Box? in
      if case .box(let left, let top, let right, let bottom) = part {
        (left, top, right, bottom)
      } else {
        nil
      }
    }
    return boxes.count == item.parts.count ? boxes : nil
  }

  /// The whole pixels of an interval that lie in a picture; at least so many, whatever the interval.
  private static func pixels(
    from start: Double, to end: Double, within size: Int, least: Int = 0
  ) -> Range<Int> {
    // Edges beyond all integers are brought inside first; in this order what is no number becomes 0.
    let low = Int(max(0, min(start, Double(size - least))))
    return low..<max(low + least, Int(max(0, min(end, Double(size)))))
  }

  /// Rectangles in the pixels of a picture that is drawn at a width.
  private func scaled(_ boxes: [Box], on picture: Tensor, width: Int) -> [(
    x: Double, y: Double, width: Double, height: Double
  )] {
    let scale = Double(width) / Double(picture.size(along: 1))
    // Far outside the picture it does not matter how far.
    let near = { (edge: Double) in min(max(edge * scale, -1e6), 1e6) }
    return boxes.map {
      (
        x: near($0.left), y: near($0.top), width: near($0.right) - near($0.left),
        height: near($0.bottom) - near($0.top)
      )
    }
  }

  private func height(of picture: Tensor, at width: Int) -> Int {
    max(1, Int((Double(picture.size(along: 0)) * Double(width) / Double(picture.size(along: 1))).rounded()))
  }

  /// The weight on each pixel: what lies in several boxes has that of all.
  private func mass(
    _ weights: [Double], _ boxes: [Box], on picture: Tensor, width: Int
  ) throws -> (values: [[Double]], strongest: Double) {
    let height = height(of: picture, at: width)
    var mass = [[Double]](repeating: [Double](repeating: 0, count: width), count: height)
    for (weight, box) in zip(weights, scaled(boxes, on: picture, width: width)) {
      let rows = Self.pixels(from: box.y.rounded(), to: (box.y + box.height).rounded(), within: height)
      let columns = Self.pixels(from: box.x.rounded(), to: (box.x + box.width).rounded(), within: width)
      for row in rows { for column in columns { mass[row][column] += weight } }
    }
    return (mass, mass.lazy.map { $0.max() ?? 0 }.max() ?? 0)
  }

  private func onPicture(
    _ picture: Tensor, _ boxes: [Box], _ weights: [Double]?, of strongest: Double?, width: Int
  ) throws -> Canvas {
    let height = height(of: picture, at: width)
    var canvas = Canvas(width: width, height: height)
    let scaled = scaled(boxes, on: picture, width: width)
    guard let weights else {
      try canvas.picture(picture, 0, 0, width, height)
      for (number, box) in scaled.enumerated() {
        canvas.frame(box.x, box.y, box.width, box.height, .accent, thickness: 1.5, opacity: 0.55)
        try label(number, box.x, box.y, box.width, in: &canvas)
      }
      return canvas
    }
    let mass = try mass(weights, boxes, on: picture, width: width)
    let most = strongest ?? mass.strongest
    try canvas.picture(
      picture, 0, 0, width, height, share: mass.values.map { $0.map { Self.visible($0, of: most) } })
    if let best = weights.indices.max(by: { weights[$0] < weights[$1] }) {
      let box = scaled[best]
      canvas.frame(box.x, box.y, box.width, box.height, .warm, thickness: 3)
    }
    return canvas
  }

  /// A picture that is as visible as the weights of the cells around each place, going over from one to the next.
  private func onGrid(
    _ picture: Tensor, _ grid: PictureGrid, _ weights: [Double]?, of strongest: Double?, width: Int
  ) throws -> Canvas {
    let height = height(of: picture, at: width)
    // What is not looked at goes dark, so that a look at a white background shows too.
    var canvas = Canvas(width: width, height: height, fill: .ink)
    guard let weights, let best = weights.indices.max(by: { weights[$0] < weights[$1] }) else {
      try canvas.picture(picture, 0, 0, width, height)
      return canvas
    }
    let (rows, columns) = (Self.places(height, grid.height), Self.places(width, grid.width))
    let mass = rows.map { row in
      columns.map { column in
        let (above, below) = (row.first * grid.width, row.second * grid.width)
        let upper =
          weights[above + column.first] * (1 - column.share) + weights[above + column.second] * column.share
        let lower =
          weights[below + column.first] * (1 - column.share) + weights[below + column.second] * column.share
        return upper * (1 - row.share) + lower * row.share
      }
    }
    try canvas.picture(
      picture, 0, 0, width, height,
      share: mass.map { $0.map { Self.visible($0, of: strongest ?? weights[best]) } })
    let (cellWidth, cellHeight) = (Double(width) / Double(grid.width), Double(height) / Double(grid.height))
    canvas.frame(
      Double(best % grid.width) * cellWidth, Double(best / grid.width) * cellHeight, cellWidth, cellHeight,
      .warm,
      thickness: 3)
    return canvas
  }

  /// The two cells between whose middles each pixel lies, and how far it is from the first to the second.
  private static func places(_ pixels: Int, _ cells: Int) -> [(first: Int, second: Int, share: Double)] {
    (0..<pixels).map { pixel in
      let at = max(0, min(Double(cells - 1), (Double(pixel) + 0.5) * Double(cells) / Double(pixels) - 0.5))
      let first = Int(at)
      return (first, min(cells - 1, first + 1), at - Double(first))
    }
  }

  /// Stretches of time from left to right, each as tall as its weight, with the true moment above.
  private func overTime(_ item: Side, _ weights: [Double]?, of strongest: Double?, width: Int) -> Canvas {
    let height = 96.0
    var canvas = Canvas(width: width, height: Int(height) + 14)
    let end = item.parts.map { if case .clip(let times) = $0 { times.upperBound } else { 0 } }.max() ?? 1
    let x = { (time: Double) in Double(width) * time / max(1e-9, end) }
    canvas.rectangle(0, height + 12, Double(width), 2, .line)
    let largest = strongest ?? weights?.max() ?? 0
    for (number, part) in item.parts.enumerated() {
      guard case .clip(let times) = part else { continue }
      let share = weights.map { largest > 0 ? $0[number] / largest : 0 } ?? 0.15
      let (left, right) = (x(times.lowerBound), x(times.upperBound))
      canvas.rectangle(
        left + 0.5, 12 + height * (1 - share), max(1, right - left - 1), height * share,
        share == 1 && weights != nil ? .warm : .accent)
    }
    if let truth = timeline?.truth {
      canvas.rectangle(x(truth.lowerBound), 0, max(2, x(truth.upperBound) - x(truth.lowerBound)), 6, .warm)
    }
    return canvas
  }

  /// Regions side by side, for those that are pictures of their own or nothing but numbers.
  private func asTiles(_ item: Side, _ weights: [Double]?, of strongest: Double?, width: Int) throws -> Canvas
  {
    let count = max(1, item.parts.count)
    let columns = Int(Double(count).squareRoot().rounded(.up)) + (count > 4 && count < 16 ? 1 : 0)
    let rows = (count + columns - 1) / columns
    let gap = 4
    let size = max(4, (width - gap * (columns - 1)) / columns)
    var canvas = Canvas(width: width, height: rows * size + gap * (rows - 1))
    let most = strongest ?? weights?.max() ?? 0
    let best = weights.flatMap { weights in weights.indices.max { weights[$0] < weights[$1] } }
    for (number, part) in item.parts.enumerated() {
      let (x, y) = (number % columns * (size + gap), number / columns * (size + gap))
      let share = weights.map { Self.visible($0[number], of: most) } ?? 1
      if case .picture(let picture) = part {
        try canvas.picture(
          picture, x, y, size, size,
          share: [[Double]](repeating: [Double](repeating: share, count: size), count: size))
      } else {
        let color = weights == nil ? Canvas.Color.line : .paper.mixed(with: .accent, share)
        canvas.rectangle(Double(x), Double(y), Double(size), Double(size), color)
      }
      if weights == nil { try label(number, Double(x), Double(y), Double(size), in: &canvas) }
      if number == best {
        canvas.frame(Double(x), Double(y), Double(size), Double(size), .warm, thickness: 3)
      }
    }
    return canvas
  }

  /// The number of a region in its corner.
  private func label(
    _ number: Int, _ x: Double, _ y: Double, _ room: Double, in canvas: inout Canvas
  ) throws {
    let size = min(20, max(9, room * 0.28))
    let text = try Lettering.set(
      "\(number)", LetterStyle(size: size, room: 100, color: Canvas.Color.accent.hex))
    guard text.advance + 6 < room else { return }
    canvas.rectangle(x + 2, y + 2, text.advance + 6, size + 4, .paper, opacity: 0.82)
    canvas.text(text, x + 5, y + 2 + size * 0.95)
  }

  /// One region alone, for the head of a row.
  func thumbnail(_ part: Int, of side: Int, size: Int) throws -> Canvas? {
    let item = sides[side]
    var canvas = Canvas(width: size, height: size)
    switch item.parts[part] {
    case .picture(let picture):
      try canvas.picture(picture, 0, 0, size, size)
      return canvas
    case .box(let left, let top, let right, let bottom):
      guard let picture = item.picture else { return nil }
      let (height, width) = (picture.size(along: 0), picture.size(along: 1))
      let rows = Self.pixels(from: top, to: bottom, within: height, least: 1)
      let columns = Self.pixels(from: left, to: right, within: width, least: 1)
      try canvas.picture(
        picture.narrowed(to: rows, along: 0).narrowed(to: columns, along: 1).contiguous(), 0, 0, size, size)
      return canvas
    case .word, .number, .clip: return nil
    }
  }
}
