import Foundation
import Torch

extension MatchExplanation {
  /// The explanation as the bytes of a PNG file: a panel for each word with what it looked at, and a matrix of each
  /// direction.
  public func png() throws -> Data {
    let words = wordSide
    var page = try PicturePage(
      title: links == nil ? sides[words].title : sides.map(\.title).joined(separator: " ↔ "), kicker: summary)
    if let timeline { try page.picture(timeline.drawing(width: PicturePage.width, isHeaded: false)) }
    for found in evidence {
      if found.asking == words {
        try page.panels(self, found, words: words)
      } else {
        try page.matrix(self, found)
      }
    }
    if let ways { try page.ways(self, ways) }
    if let links { try page.links(self, links) }
    if let concepts { try page.concepts(self, concepts) }
    if let caution = try fontCaution() { try page.note(caution) }
    return try page.drawn().png()
  }

  /// What is shown, in a line.
  public var summary: String {
    let pair = sides.map(\.name).joined(separator: " ↔ ")
    return "\(method) on \(dataset) · \(pair)" + (score.map { String(format: " · score %.3f", $0) } ?? "")
      + (outcome.map { " · \($0)" } ?? "")
  }

  /// A sentence on letters that no font of this machine has, for which ``png()`` draws boxes; nil where all are drawn.
  public func fontCaution() throws -> String? {
    let words = sides.flatMap { side in
      side.parts.compactMap { part -> String? in if case .word(let word, _) = part { word } else { nil } }
    }
    let unknown = try Lettering.unknownLetters(of: [summary] + sides.map(\.title) + words)
    guard !unknown.isEmpty else { return nil }
    let letters = unknown.prefix(8).map(String.init).joined(separator: " ") + (unknown.count > 8 ? " …" : "")
    return
      "No font of this machine has the \(unknown.count == 1 ? "letter" : "letters") \(letters): boxes stand for "
      + "them. Debian's fonts-noto-core, fonts-noto-cjk and fonts-noto-color-emoji have nearly all."
  }

  /// What the shades and numbers of a direction mean.
  func legend(_ found: Evidence) -> String {
    if found.looks != nil {
      return "share of a look; those of one look add up to 1. The number beside a look is its largest share."
    }
    let part = found.asking == wordSide ? "word" : "region"
    if found.purpose == .comparing {
      return
        "share of a word’s likeness to all regions; those of one word add up to 1. The number beside a word is its "
        + "cosine with the region that is most like it."
    }
    return "share of a \(part)’s attention; those of one \(part) add up to 1. "
      + "The number beside a \(part) is the cosine of it and what it looked at."
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

  private var y = 84.0
  /// What is drawn once the height is known.
  private var steps: [(inout Canvas) throws -> Void] = []

  init(title: String, kicker: String) throws {
    try text(kicker, size: 25, .muted)
    y += 26
    y += 50
    try text(title, size: 46, .ink, lines: 4)
    // What follows may have a ground of its own, which must not cover letters that reach below the line.
    y += 18
  }

  /// A text that starts at the margin, the right one where it is written from there; the page grows by all lines but
  /// the first.
  private mutating func text(
    _ text: String, size: Double, _ color: Canvas.Color, lines: Int = 1, x: Double = margin,
    room: Double = room
  ) throws {
    let set = try Lettering.set(text, LetterStyle(size: size, room: room, lines: lines, color: color.hex))
    let place = y
    steps.append { $0.text(set, x, place) }
    y += set.leading * Double(set.lines - 1)
  }

  private mutating func rule() {
    y += 66
    let place = y
    steps.append { $0.rectangle(Self.margin, place, Self.room, 2, .line) }
    y += 48
  }

  private mutating func heading(_ text: String) throws {
    rule()
    try self.text(text, size: 27, .ink, lines: 3)
    y += 36
  }

  /// A remark at the end.
  mutating func note(_ text: String) throws {
    rule()
    try self.text(text, size: 25, .warm, lines: 4)
    y += 20
  }

  /// The shades from nothing to a weight, with what they mean.
  private mutating func legend(
    _ meaning: String, most: Double, _ color: @escaping (Double) -> Canvas.Color
  ) throws {
    let (width, place) = (256.0, y)
    y += 16
    try text("0", size: 22, .muted)
    let (start, scale) = (Self.margin + 24, 64)
    steps.append { canvas in
      for step in 0..<scale {
        let left = start + width * Double(step) / Double(scale)
        canvas.rectangle(
          left, place, width / Double(scale), 18, color(most * (Double(step) + 0.5) / Double(scale)))
      }
      canvas.frame(start, place, width, 18, .line, thickness: 1)
    }
    let number = String(format: "%.2f", most)
    let left = start + width + 10
    try text(number, size: 22, .muted, x: left)
    try text(meaning, size: 22, .muted, lines: 3, x: left + 62, room: Self.room - (left + 62 - Self.margin))
    y += 30
  }

  /// All regions, then a picture for each word, from the side where the text begins.
  mutating func panels(_ match: MatchExplanation, _ found: Evidence, words: Int) throws {
    let regions = found.attended
    try heading(match.sentence(found))
    let columns = 4
    let gap = 44.0
    let width = ((Self.room - gap * Double(columns - 1)) / Double(columns)).rounded(.down)
    let (pictures, strongest) = try match.panels(found, width: Int(width))
    let (shade, full) = (match.shade(regions), Canvas.Color.accent)
    try legend(match.legend(found), most: strongest) {
      shade.mixed(with: full, MatchExplanation.visible($0, of: strongest))
    }
    var tiles: [(name: String, value: String, canvas: Canvas)] = [
      (match.sides[regions].title, "", try match.panel(regions, weights: nil, width: Int(width)))
    ]
    for (part, picture) in pictures.enumerated() {
      guard let name = match.asker(part, found) else { continue }
      tiles.append((name, String(format: "%.2f", found.relevance[part]), picture))
    }
    let height = Double(tiles.map(\.canvas.height).max() ?? 0)
    let isReversed = match.sides[words].title.isRightToLeft
    for (index, tile) in tiles.enumerated() {
      if index % columns == 0 { y += index == 0 ? 16 : 26 }
      let column = isReversed ? columns - 1 - index % columns : index % columns
      let x = Self.margin + Double(column) * (width + gap)
      let top = y
      let value = try Lettering.set(
        tile.value, LetterStyle(size: 24, room: width, color: Canvas.Color.muted.hex))
      let color = index == 0 ? Canvas.Color.muted : .ink
      let name = try Lettering.set(
        tile.name, LetterStyle(size: 30, room: width - value.advance - 16, color: color.hex))
      let picture = try tile.canvas.tensor()
      let (canvasWidth, canvasHeight) = (tile.canvas.width, tile.canvas.height)
      steps.append { canvas in
        canvas.text(name, isReversed ? x + width : x, top + 32, anchor: isReversed ? .end : .start)
        canvas.text(value, isReversed ? x : x + width, top + 32, anchor: isReversed ? .start : .end)
        try canvas.picture(picture, Int(x), Int(top) + 48, canvasWidth, canvasHeight)
      }
      if index % columns == columns - 1 || index == tiles.count - 1 { y += height + 48 }
    }
  }

  /// The way of the pair.
  mutating func ways(_ match: MatchExplanation, _ ways: CellWays) throws {
    try heading(match.sentence(ways))
    try picture(match.drawing(of: ways, width: Int(Self.room)), left: Int(Self.margin))
  }

  /// The concepts that words and regions met in.
  mutating func concepts(_ match: MatchExplanation, _ concepts: ConceptMatches) throws {
    try heading(match.sentence(concepts))
    try picture(match.drawing(of: concepts, width: Int(Self.room)), left: Int(Self.margin))
  }

  /// A picture that was drawn elsewhere.
  mutating func picture(_ drawing: Canvas, left: Int = 0) throws {
    let (picture, top) = (try drawing.tensor(), y)
    steps.append { try $0.picture(picture, left, Int(top), drawing.width, drawing.height) }
    y += Double(drawing.height)
  }

  /// What belongs together of two pictures.
  mutating func links(_ match: MatchExplanation, _ links: CellLinks) throws {
    for (sentence, drawing) in [
      (match.sentence(links), try match.drawing(of: links, width: Int(Self.room))),
      (MatchExplanation.heatSentence, try match.heat(of: links, width: Int(Self.room))),
    ] {
      try heading(sentence)
      try picture(drawing, left: Int(Self.margin))
    }
  }

  /// Asking parts as rows, attended parts as columns; these in the direction of their text.
  mutating func matrix(_ match: MatchExplanation, _ found: Evidence) throws {
    try heading(match.sentence(found))
    let strongest = found.weights.joined().max() ?? 0
    let shade = { (weight: Double) in
      Canvas.Color.paper.mixed(with: .accent, 0.04 + 0.96 * (strongest > 0 ? weight / strongest : 0))
    }
    try legend(match.legend(found), most: strongest, shade)
    let columns = max(1, match.sides[found.attended].parts.count)
    let rows = match.sides[found.asking].parts.count
    let rowHeight = rows > 16 ? 34.0 : 60.0
    let left = Self.margin + 150
    let cell = min(150, (Self.room - 230) / Double(columns))
    let isReversed = match.sides[found.attended].title.isRightToLeft
    let place = { (column: Int) in left + Double(isReversed ? columns - 1 - column : column) * cell }
    y += 30
    let head = y
    for column in match.sides[found.attended].parts.indices {
      let name = match.name(column, of: found.attended)
      steps.append {
        try $0.text(name, place(column) + cell / 2, head, size: 23, anchor: .middle, room: cell - 8)
      }
    }
    y += 16
    for (row, weights) in found.weights.enumerated() {
      let top = y
      let picture = try match.thumbnail(row, of: found.asking, size: Int(rowHeight) - 4)?.tensor()
      let name = match.name(row, of: found.asking)
      let largest = weights.max() ?? 0
      let relevance = String(format: "%.2f", found.relevance[row])
      steps.append { canvas in
        if let picture {
          try canvas.text("\(row)", Self.margin + 44, top + rowHeight * 0.66, size: 22, .muted, anchor: .end)
          try canvas.picture(
            picture, Int(left) - Int(rowHeight) - 14, Int(top) + 2, Int(rowHeight) - 4, Int(rowHeight) - 4)
        } else {
          try canvas.text(name, left - 16, top + rowHeight * 0.66, size: 23, anchor: .end, room: 134)
        }
        for (column, weight) in weights.enumerated() {
          let x = place(column)
          canvas.rectangle(x + 1.5, top + 1.5, cell - 3, rowHeight - 3, shade(weight))
          if weight == largest {
            canvas.frame(x + 1.5, top + 1.5, cell - 3, rowHeight - 3, .warm, thickness: 3)
          }
        }
        try canvas.text(
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
