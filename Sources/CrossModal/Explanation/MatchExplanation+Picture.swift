import Foundation
import Torch

extension MatchExplanation {
  /// The explanation as the bytes of a PNG file: a panel for each word with what it looked at, and a matrix of each
  /// direction.
  public func png() throws -> Data {
    let words = wordSide
    let regions = 1 - words
    var page = PicturePage(title: sides[words].title, kicker: summary)
    if let timeline { try page.picture(timeline.drawing(width: PicturePage.width, isHeaded: false)) }
    for found in evidence {
      if found.asking == words {
        try page.panels(self, found, words: words, regions: regions)
      } else {
        try page.matrix(self, found)
      }
    }
    if let ways { try page.ways(self, ways) }
    return try page.drawn().png()
  }

  /// What is shown, in a line.
  public var summary: String {
    let pair = sides.map(\.name).joined(separator: " ↔ ")
    return "\(method) on \(dataset) · \(pair)" + (score.map { String(format: " · score %.3f", $0) } ?? "")
      + (outcome.map { " · \($0)" } ?? "")
  }
}

/// A page in pixels that grows downwards.
private struct PicturePage {
  /// Pixels; everything is drawn at twice the size that it is meant to be seen at.
  private static let pageWidth = 1720.0
  private static let margin = 80.0
  private static let room = pageWidth - 2 * margin
  /// Pixels between the margins of pictures that bring margins of their own.
  static let width = Int(pageWidth)

  private var y = 0.0
  /// What is drawn once the height is known.
  private var steps: [(inout Canvas) throws -> Void] = []

  init(title: String, kicker: String) {
    y = 84
    text(kicker, size: 25, .muted)
    y += 26
    for line in Lettering.standard.lines(title, to: Self.room, size: 46).prefix(4) {
      y += 50
      text(line, size: 46, .ink)
      y += 10
    }
  }

  private mutating func text(
    _ text: String, x: Double = margin, size: Double, _ color: Canvas.Color, anchor: Canvas.Anchor = .start
  ) {
    let place = y
    steps.append { $0.text(text, x, place, size: size, color, anchor: anchor) }
  }

  private mutating func heading(_ text: String) {
    y += 70
    let place = y
    steps.append { $0.rectangle(Self.margin, place, Self.room, 2, .line) }
    y += 48
    for line in Lettering.standard.lines(text, to: Self.room, size: 26) {
      self.text(line, size: 26, .muted)
      y += 36
    }
  }

  /// All regions, then a picture for each word.
  mutating func panels(_ match: MatchExplanation, _ found: Evidence, words: Int, regions: Int) throws {
    heading(match.sentence(found))
    let columns = 4
    let gap = 44.0
    let width = ((Self.room - gap * Double(columns - 1)) / Double(columns)).rounded(.down)
    var tiles: [(name: String, value: String, canvas: Canvas)] = [
      (match.sides[regions].title, "", try match.panel(regions, weights: nil, width: Int(width)))
    ]
    for (part, weights) in found.weights.enumerated() {
      guard let name = match.asker(part, found) else { continue }
      tiles.append(
        (
          name, String(format: "%.2f", found.relevance[part]),
          try match.panel(regions, weights: weights, width: Int(width))
        ))
    }
    let height = Double(tiles.map(\.canvas.height).max() ?? 0)
    for (index, tile) in tiles.enumerated() {
      if index % columns == 0 { y += index == 0 ? 20 : 26 }
      let x = Self.margin + Double(index % columns) * (width + gap)
      let top = y
      let valueWidth = Lettering.standard.width(tile.value, size: 24)
      let name = Lettering.standard.fitted(tile.name, to: width - valueWidth - 16, size: 30)
      let picture = try tile.canvas.tensor()
      let (canvasWidth, canvasHeight) = (tile.canvas.width, tile.canvas.height)
      steps.append { canvas in
        canvas.text(name, x, top + 30, size: 30, index == 0 ? .muted : .ink)
        canvas.text(tile.value, x + width, top + 30, size: 24, .muted, anchor: .end)
        try canvas.picture(picture, Int(x), Int(top) + 46, canvasWidth, canvasHeight)
      }
      if index % columns == columns - 1 || index == tiles.count - 1 { y += height + 46 }
    }
  }

  /// The way of the pair.
  mutating func ways(_ match: MatchExplanation, _ ways: CellWays) throws {
    heading(match.sentence(ways))
    try picture(match.drawing(of: ways, width: Int(Self.room)), left: Int(Self.margin))
  }

  /// A picture that was drawn elsewhere.
  mutating func picture(_ drawing: Canvas, left: Int = 0) throws {
    let (picture, top) = (try drawing.tensor(), y)
    steps.append { try $0.picture(picture, left, Int(top), drawing.width, drawing.height) }
    y += Double(drawing.height)
  }

  /// Asking parts as rows, attended parts as columns.
  mutating func matrix(_ match: MatchExplanation, _ found: Evidence) throws {
    heading(match.sentence(found))
    let columns = max(1, match.sides[found.attended].parts.count)
    let rows = match.sides[found.asking].parts.count
    let rowHeight = rows > 16 ? 34.0 : 60.0
    let left = Self.margin + 150
    let cell = min(150, (Self.room - 230) / Double(columns))
    y += 34
    for column in 0..<columns {
      let name = Lettering.standard.fitted(
        match.name(column, of: found.attended), to: cell - 8, size: 23)
      text(name, x: left + (Double(column) + 0.5) * cell, size: 23, .ink, anchor: .middle)
    }
    y += 16
    let strongest = found.weights.joined().max() ?? 0
    for (row, weights) in found.weights.enumerated() {
      let top = y
      let head = try match.thumbnail(row, of: found.asking, size: Int(rowHeight) - 4)
      let picture = try head?.tensor()
      let name = match.name(row, of: found.asking)
      let largest = weights.max() ?? 0
      let relevance = String(format: "%.2f", found.relevance[row])
      steps.append { canvas in
        if let picture {
          canvas.text("\(row)", Self.margin + 44, top + rowHeight * 0.66, size: 22, .muted, anchor: .end)
          try canvas.picture(
            picture, Int(left) - Int(rowHeight) - 14, Int(top) + 2, Int(rowHeight) - 4, Int(rowHeight) - 4)
        } else {
          canvas.text(name, left - 16, top + rowHeight * 0.66, size: 23, .ink, anchor: .end)
        }
        for (column, weight) in weights.enumerated() {
          let x = left + Double(column) * cell
          let share = strongest > 0 ? weight / strongest : 0
          canvas.rectangle(
            x + 1.5, top + 1.5, cell - 3, rowHeight - 3,
            Canvas.Color.paper.mixed(with: .accent, 0.04 + 0.96 * share))
          if weight == largest {
            canvas.frame(x + 1.5, top + 1.5, cell - 3, rowHeight - 3, .warm, thickness: 3)
          }
        }
        canvas.text(
          relevance, left + Double(columns) * cell + 14, top + rowHeight * 0.66, size: 22, .muted)
      }
      y += rowHeight
    }
  }

  func drawn() throws -> Canvas {
    var canvas = Canvas(width: Self.width, height: Int(y + 80))
    for step in steps { try step(&canvas) }
    return canvas
  }
}
