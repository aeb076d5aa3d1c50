import Foundation

extension MatchExplanation {
  /// The explanation as a page that holds all it needs.
  public func report() throws -> Report {
    let words = wordSide
    let regions = 1 - words
    var report = Report(
      title: sides[words].title, kicker: "\(method) on \(dataset)",
      lead: sides.map { "\($0.modality) \($0.row)" }.joined(separator: " and ")
        + (score.map { " match with a score of \(NumberText.fixed($0, decimals: 3)). " } ?? ". ")
        + "Beside a word or region stands how well what it looked at fits it; 1 is best.",
      footer: "CrossModal \(CrossModalVersion.current)")
    for found in evidence {
      report.blocks.append(
        .section("\(sides[found.asking].modality) → \(sides[found.attended].modality)"))
      report.blocks.append(.text(sentence(found)))
      if found.asking == words {
        report.blocks.append(try gallery(found, words: words, regions: regions))
      } else if try panel(found.asking, weights: nil, width: 8).width > 0 {
        report.blocks.append(
          .picture(
            try embedded(panel(found.asking, weights: nil, width: 560), "the numbered regions"),
            caption: "The regions and their numbers."))
      }
      report.blocks.append(
        .figure(
          HeatMap(
            "How much each part on the left attends to each part above.",
            rows: found.weights.indices.map { name($0, of: found.asking) },
            columns: sides[found.attended].parts.indices.map { name($0, of: found.attended) },
            values: found.weights),
          caption: "Each row adds up to 1."))
    }
    return report
  }

  private func gallery(_ found: Evidence, words: Int, regions: Int) throws -> ReportBlock {
    let seen = try found.weights.enumerated().compactMap { part, weights -> PictureGallery.Found? in
      if case .word(_, true) = sides[words].parts[part] { return nil }
      let name = name(part, of: words)
      return .init(
        .picture(try embedded(panel(regions, weights: weights, width: 320), "what “\(name)” looked at")),
        title: name, score: found.relevance[part])
    }
    let all = try embedded(panel(regions, weights: nil, width: 320), sides[regions].title)
    return .gallery(
      PictureGallery(
        rows: [.init(.picture(all), note: sides[regions].title, found: seen)], decimals: 2),
      caption: "What is bright is what the word attends to; the frame is the region with the most weight.")
  }

  private func embedded(_ canvas: Canvas, _ summary: String) throws -> EmbeddedPicture {
    EmbeddedPicture(try canvas.png(), format: .png, summary: summary)
  }
}
