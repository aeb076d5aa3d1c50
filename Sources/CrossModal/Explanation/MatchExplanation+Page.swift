import Foundation

extension MatchExplanation {
  /// The explanation as a page that holds all it needs.
  public func report() throws -> Report {
    let words = wordSide
    let regions = 1 - words
    var report = Report(
      title: links == nil ? sides[words].title : sides.map(\.title).joined(separator: " ↔ "),
      kicker: "\(method) on \(dataset)",
      lead: sides.map(\.name).joined(separator: " and ")
        + (score.map { " match with a score of \(NumberText.fixed($0, decimals: 3)). " } ?? ". ")
        + (outcome.map { "\(saysCaption ? "It says" : "The answer"): \($0). " } ?? "")
        + (evidence.contains { $0.looks != nil }
          ? "Beside a look stands the share of the cell that it saw most of."
          : timeline.map {
            $0.sentence + " Beside a word stands how like it the most similar moment is; 1 is best."
          }
            ?? (links != nil
              ? "Nothing but the pictures was known when this was learned."
              : evidence.contains { $0.purpose == .comparing }
                ? "Beside a word stands how like it the most similar region is; 1 is best."
                : "Beside a word or region stands how well what it looked at fits it; 1 is best.")),
      footer: "CrossModal \(CrossModalVersion.current)")
    if let timeline { report.blocks.append(try timeline.block()) }
    for found in evidence {
      report.blocks.append(.section(title(found)))
      report.blocks.append(.text(sentence(found)))
      if found.asking == words {
        report.blocks.append(try gallery(found, words: words, regions: regions))
      } else {
        report.blocks.append(
          .picture(
            try embedded(panel(found.asking, weights: nil, width: 680), "the numbered regions"),
            caption: "The regions and their numbers."))
      }
      guard found.looks == nil else { continue }
      // Columns run in the direction of their text.
      let isReversed = sides[found.attended].title.isRightToLeft
      let columns = sides[found.attended].parts.indices.map { name($0, of: found.attended) }
      report.blocks.append(
        .figure(
          HeatMap(
            found.purpose == .comparing
              ? "How like each word on the left each part above is."
              : "How much each part on the left attends to each part above.",
            rows: found.weights.indices.map { name($0, of: found.asking) },
            columns: isReversed ? columns.reversed() : columns,
            values: isReversed ? found.weights.map { $0.reversed() } : found.weights),
          caption: "Each row adds up to 1."))
    }
    if let ways {
      report.blocks.append(.section("The way of this pair"))
      report.blocks.append(
        .picture(
          try embedded(drawing(of: ways, width: 1360), "cells and what flows"), caption: sentence(ways)))
    }
    if let concepts {
      report.blocks.append(.section("Concepts that words and regions met in"))
      report.blocks.append(
        .picture(
          try embedded(drawing(of: concepts, width: 1360), "words, regions and concepts"),
          caption: sentence(concepts)))
    }
    if let links {
      report.blocks.append(.section("Places that belong together"))
      report.blocks.append(
        .picture(
          try embedded(drawing(of: links, width: 1120), "lines between places of two pictures"),
          caption: sentence(links)))
      report.blocks.append(
        .picture(
          try embedded(heat(of: links, width: 1120), "how similar the most similar place is"),
          caption: Self.heatSentence))
    }
    return report
  }

  /// What each word, or look, of the direction that the score comes from attended to, as pictures; nil where that
  /// direction starts from the other item.
  public func wordGallery() throws -> ReportBlock? {
    let words = wordSide
    return try evidence.first { $0.isScored && $0.asking == words }
      .map { try gallery($0, words: words, regions: 1 - words) }
  }

  /// Whether what came out is a caption, written by looking.
  var saysCaption: Bool { evidence.contains { $0.purpose == .saying } }

  private func gallery(_ found: Evidence, words: Int, regions: Int) throws -> ReportBlock {
    let (pictures, strongest) = try panels(found, width: 480)
    let seen = try pictures.enumerated().compactMap { part, picture -> PictureGallery.Found? in
      guard let name = asker(part, found) else { return nil }
      return .init(
        .picture(try embedded(picture, "what “\(name)” looked at")), title: name,
        score: found.relevance[part])
    }
    let all = try embedded(panel(regions, weights: nil, width: 480), sides[regions].title)
    let stops = (0...8).map { step in
      shade(regions).mixed(with: .accent, Self.visible(Double(step) / 8, of: 1)).hex
    }
    return .gallery(
      PictureGallery(
        rows: [.init(.picture(all), note: sides[regions].title, found: seen)], decimals: 2, size: .large,
        scale: .init(
          stops, from: "0", to: NumberText.fixed(strongest, decimals: 2), meaning: legend(found))),
      caption: found.looks == nil
        ? found.clips != nil
          ? "Time runs from left to right; the tallest bar is where the word stands out most\(timeline?.truth == nil ? "" : ", and the line above is the true moment")."
          : found.purpose == .comparing
            ? "What is bright is what the word is like; the frame is the region that is most like it."
            : "What is bright is what the word attends to; the frame is the region with the most weight."
        : "What is bright is what \(found.purpose == .saying ? "the word was looked for in" : "the \(sides[words].modality) looks at"); the frame is the cell with the most weight."
    )
  }

  private func embedded(_ canvas: Canvas, _ summary: String) throws -> EmbeddedPicture {
    EmbeddedPicture(try canvas.png(), format: .png, summary: summary)
  }
}
