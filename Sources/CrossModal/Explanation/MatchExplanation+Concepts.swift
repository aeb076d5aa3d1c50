import Foundation
import Torch

extension MatchExplanation {
  /// The concepts in which words and regions met, as a drawing: in a row each the words with the regions that they met, the
  /// other regions of the picture that belong to it, and other words of the vocabulary that do.
  ///
  /// - Parameter width: in pixels.
  func drawing(of found: ConceptMatches, width: Int) throws -> Canvas {
    let scale = Double(width) / 1560
    let rows = shown(found)
    let (size, gap, height) = (Int(96 * scale), 14 * scale, 190 * scale)
    var canvas = Canvas(width: width, height: max(1, Int(height * Double(rows.count) + 44 * scale)))
    let columns = (matches: 190 * scale, regions: 690 * scale, words: 1150 * scale)
    for (title, x) in [
      ("words and the regions they met", columns.matches), ("other regions in it", columns.regions),
      ("other words in it", columns.words),
    ] {
      try canvas.text(title, x, 24 * scale, size: 22 * scale, .muted)
    }
    for (row, (concept, matches)) in rows.enumerated() {
      let top = 44 * scale + height * Double(row)
      canvas.rectangle(0, top, Double(width), max(1, 2 * scale), .line)
      try canvas.text(
        "concept \(concept.number)", 0, top + 74 * scale, size: 25 * scale, .muted,
        room: columns.matches - gap)
      let (own, others) = (matches.prefix(Self.mostMatches), others(concept, matches, found))
      for (place, match) in own.enumerated() {
        let x = columns.matches + Double(place) * (Double(size) + gap)
        try region(match.region, of: found, at: (x, top + gap), size, .warm, in: &canvas)
        let name = name(match.word, of: found.wordSide)
        try canvas.text(
          name, x + Double(size) / 2, top + gap + Double(size) + 30 * scale, size: 25 * scale,
          anchor: .middle, room: Double(size) + gap - 6)
        try canvas.text(
          String(format: "%.2f", match.similarity), x + Double(size) / 2,
          top + gap + Double(size) + 58 * scale, size: 21 * scale, .muted, anchor: .middle)
      }
      if matches.count > own.count {
        try canvas.text(
          "+\(matches.count - own.count)", columns.regions - gap, top + 74 * scale, size: 22 * scale, .muted,
          anchor: .end)
      }
      for (place, number) in others.prefix(Self.mostRegions).enumerated() {
        let x = columns.regions + Double(place) * (Double(size) + gap)
        try region(number, of: found, at: (x, top + gap), size, .line, in: &canvas)
      }
      if others.count > Self.mostRegions {
        try canvas.text(
          "+\(others.count - Self.mostRegions)", columns.words - gap, top + 74 * scale, size: 22 * scale,
          .muted, anchor: .end)
      }
      let said = Set(matches.map { name($0.word, of: found.wordSide) })
      let words = concept.texts.filter { !said.contains($0) }.joined(separator: ", ")
      canvas.text(
        try Lettering.set(
          words.isEmpty ? "none" : words,
          LetterStyle(
            size: 25 * scale, room: Double(width) - columns.words, lines: 4,
            color: (words.isEmpty ? Canvas.Color.muted : .ink).hex)), columns.words, top + 44 * scale)
    }
    return canvas
  }

  private static let mostMatches = 4
  private static let mostRegions = 4

  /// The concepts with their matches of words that are no marks, the most similar first.
  private func shown(
    _ found: ConceptMatches
  ) -> [(concept: ConceptMatches.Concept, matches: [ConceptMatches.Match])] {
    found.concepts.compactMap { concept in
      let own = found.matches.filter { $0.concept == concept.number && isShown($0.word, found) }
        .sorted { (-$0.similarity, $0.word) < (-$1.similarity, $1.word) }
      return own.isEmpty ? nil : (concept, own)
    }.sorted { $0.1[0].similarity > $1.1[0].similarity }
  }

  /// Whether a word is one of the text, neither a mark nor punctuation.
  private func isShown(_ word: Int, _ found: ConceptMatches) -> Bool {
    guard case .word(let text, let isMark) = sides[found.wordSide].parts[word] else { return true }
    return !isMark && !text.allSatisfy(\.isPunctuation)
  }

  /// Regions of a concept that no word met.
  private func others(
    _ concept: ConceptMatches.Concept, _ matches: [ConceptMatches.Match], _ found: ConceptMatches
  ) -> [Int] {
    let met = Set(matches.map(\.region))
    return concept.regions.filter { !met.contains($0) }
  }

  /// A region by itself, framed; its number where nothing is known of how it looks.
  private func region(
    _ number: Int, of found: ConceptMatches, at place: (x: Double, y: Double), _ size: Int,
    _ color: Canvas.Color, in canvas: inout Canvas
  ) throws {
    if let picture = try thumbnail(number, of: found.regionSide, size: size) {
      try canvas.picture(picture.tensor(), Int(place.x), Int(place.y), size, size)
    } else {
      try canvas.text(
        "\(number)", place.x + Double(size) / 2, place.y + Double(size) * 0.6, size: Double(size) * 0.3,
        .muted, anchor: .middle)
    }
    let thickness = max(1, Double(size) / 32)
    canvas.frame(
      Double(Int(place.x)), Double(Int(place.y)), Double(size), Double(size), color, thickness: thickness)
  }

  /// One sentence on the concepts.
  func sentence(_ found: ConceptMatches) -> String {
    let rows = shown(found)
    let words = rows.reduce(0) { $0 + $1.matches.count }
    return
      "The \(words) word\(words == 1 ? "" : "s") of the \(sides[found.wordSide].modality) met regions of \(rows.count) "
      + "learned concept\(rows.count == 1 ? "" : "s"), which nobody named; the number below a word is its cosine with "
      + "the region."
  }
}
