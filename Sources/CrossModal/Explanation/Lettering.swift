import Foundation

/// Letters as outlines, for pictures that hold text where no font is at hand.
struct Lettering: Sendable {
  /// A point of a contour, in parts of the size, y upwards; a point off the line bends it (a quadratic curve).
  private struct Point: Sendable {
    var x: Double
    var y: Double
    var isOnLine: Bool
  }

  private struct Glyph: Sendable {
    var advance: Double
    var contours: [[Point]]
  }

  /// The letters that come with the program.
  static let standard = Lettering()

  private let glyphs: [Unicode.Scalar: Glyph]
  /// Stands for what has no outline.
  private let missing: Glyph

  private init() {
    var glyphs: [Unicode.Scalar: Glyph] = [:]
    var bytes = Array(Data(base64Encoded: LetteringOutlines.base64) ?? Data())[...]
    func number() -> Int {
      var (value, shift) = (0, 0)
      while let byte = bytes.popFirst() {
        value |= Int(byte & 127) << shift
        if byte < 128 { break }
        shift += 7
      }
      return value
    }
    func step(_ value: Int) -> Int { value >> 1 ^ -(value & 1) }
    while let low = bytes.popFirst(), let high = bytes.popFirst() {
      let advance = Double(number()) / 256
      let contours = (0..<number()).map { _ in
        var (x, y) = (0, 0)
        return (0..<number()).map { _ in
          let first = number()
          x += step(first >> 1)
          y += step(number())
          return Point(x: Double(x) / 256, y: Double(y) / 256, isOnLine: first & 1 == 1)
        }
      }
      guard let scalar = Unicode.Scalar(UInt32(low) | UInt32(high) << 8) else { continue }
      glyphs[scalar] = Glyph(advance: advance, contours: contours)
    }
    self.glyphs = glyphs
    missing = glyphs["□"] ?? Glyph(advance: 0.6, contours: [])
  }

  /// Width of a line of text.
  func width(_ text: String, size: Double) -> Double {
    text.unicodeScalars.reduce(0) { $0 + glyph($1).advance } * size
  }

  /// Cuts text to a width and says so with an ellipsis.
  func fitted(_ text: String, to room: Double, size: Double) -> String {
    guard width(text, size: size) > room else { return text }
    var cut = text
    while !cut.isEmpty, width(cut + "…", size: size) > room { cut.removeLast() }
    return cut + "…"
  }

  /// Text as lines of at most a width, broken between words.
  func lines(_ text: String, to room: Double, size: Double) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ").map(String.init) {
      if let last = lines.last, width(last + " " + word, size: size) <= room {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(fitted(word, to: room, size: size))
      }
    }
    return lines
  }

  /// The outlines of a line of text as closed polygons of points; x to the right from 0, y downwards from the base line.
  func polygons(_ text: String, size: Double) -> [[(x: Double, y: Double)]] {
    var (polygons, left): ([[(x: Double, y: Double)]], Double) = ([], 0)
    for scalar in text.unicodeScalars {
      let glyph = glyph(scalar)
      for contour in glyph.contours {
        polygons.append(flattened(contour).map { (left + $0.x * size, -$0.y * size) })
      }
      left += glyph.advance * size
    }
    return polygons
  }

  private func glyph(_ scalar: Unicode.Scalar) -> Glyph {
    if let known = glyphs[scalar] { return known }
    // What joins or marks other letters takes no room of its own.
    let isMark = [.nonspacingMark, .format, .control].contains(scalar.properties.generalCategory)
    return isMark ? Glyph(advance: 0, contours: []) : missing
  }

  /// Curves as short lines. Between two points off the line stands one on it.
  private func flattened(_ contour: [Point]) -> [Point] {
    var whole: [Point] = []
    for (index, point) in contour.enumerated() {
      let last = contour[index == 0 ? contour.count - 1 : index - 1]
      if !point.isOnLine, !last.isOnLine {
        whole.append(Point(x: (last.x + point.x) / 2, y: (last.y + point.y) / 2, isOnLine: true))
      }
      whole.append(point)
    }
    guard let start = whole.firstIndex(where: \.isOnLine) else { return [] }
    whole = Array(whole[start...] + whole[..<start])
    var line = [whole[0]]
    var index = 1
    while index <= whole.count {
      let point = whole[index % whole.count]
      if point.isOnLine {
        if index < whole.count { line.append(point) }
        index += 1
        continue
      }
      let (from, to) = (line[line.count - 1], whole[(index + 1) % whole.count])
      for part in 1...6 {
        let t = Double(part) / 6
        let (a, b, c) = ((1 - t) * (1 - t), 2 * t * (1 - t), t * t)
        line.append(
          Point(
            x: a * from.x + b * point.x + c * to.x, y: a * from.y + b * point.y + c * to.y, isOnLine: true))
      }
      index += 2
    }
    return line
  }
}
