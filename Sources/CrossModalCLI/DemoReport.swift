import CrossModal
import Foundation
import Torch

/// The page that the demo writes.
struct DemoReport {
  let wikipedia: WikipediaDemo
  let emoji: EmojiDemo
  let seconds: Double
  let folder: String

  func page() -> Report {
    Report(
      title: "Two modalities, one space", kicker: "CrossModal demo",
      lead: """
        Canonical correlation analysis maps two kinds of data into one space, in closed form, so that one can \
        be searched with the other. Below: emoji found by words, and Wikipedia's pictures and texts beside the \
        published figures.
        """,
      blocks: emojiBlocks() + wikipediaBlocks() + nextBlocks,
      footer:
        "CrossModal \(CrossModalVersion.current), libtorch \(Runtime.version), \(String(format: "%.1f", seconds)) s of work."
    )
  }

  private func emojiBlocks() -> [ReportBlock] {
    let rows = emoji.searches.map { search in
      PictureGallery.Row(
        .text(search.query),
        found: search.found.map {
          .init(
            $0.card.content, title: $0.isUnseen ? "\($0.card.label) (unseen)" : $0.card.label, score: $0.score
          )
        })
    }
    let report = RetrievalReport(emoji.run, on: emoji.test, emoji.retrieval)
    return [
      .section("Words find pictures"),
      .text(
        """
        A picture of 72 × 72 pixels becomes a **descriptor** (colours and edges on a grid), its names and keywords \
        become **tf-idf** weights. CCA finds the directions in which the two agree over 1,764 emoji. Each query \
        below is new text, mapped into that space; the nearest of all 2,225 pictures are shown. The descriptor sees \
        colour and layout, so hearts, clocks and skin tones come out well; for a word like strawberry, whose \
        picture looks like many others to it, take a method that learns to see.
        """),
      .gallery(
        PictureGallery(rows: rows),
        caption:
          "Eight queries and the eight nearest pictures, best first, with the cosine of the angle. Pictures marked (unseen) were not learned from."
      ),
      .text(
        """
        The honest test uses 296 emoji whose symbols the method has never seen: which of 296 texts belongs to a \
        picture, and which picture to a text? A random guess is right once in 296 times, 0.3 %.
        """),
      .keyFigures(
        zip(report.recalls, ["picture → words", "words → picture"]).flatMap { recalls, name in
          [
            KeyFigure(String(format: "%.1f %%", recalls[0]), "R@1, \(name)", note: "chance 0.3 %"),
            KeyFigure(String(format: "%.1f %%", recalls[2]), "R@10, \(name)", note: "chance 3.4 %"),
          ]
        }),
      report.metricsTable,
    ] + (report.spectrum.map { [$0] } ?? [])
  }

  private func wikipediaBlocks() -> [ReportBlock] {
    let report = RetrievalReport(wikipedia.run, on: wikipedia.test, wikipedia.retrieval)
    let ours = [wikipedia.retrieval.retrieval.forward, wikipedia.retrieval.retrieval.backward]
      .map { $0.summary.meanAveragePrecision ?? 0 }
    let table = ReportTable(
      columns: [
        .init("Method"), .init("Image → text"), .init("Text → image"), .init("Mean"), .init("Source"),
      ],
      rows: [row("CCA, this run", ours, "measured here")]
        + wikipedia.published.map { row($0.title, $0.precision, $0.source) }
        + [
          row("Random ranking", [WikipediaDemo.chance, WikipediaDemo.chance], "share of the query's class")
        ],
      quietRows: [wikipedia.published.count + 1])
    let correlations = wikipedia.plain.prefix(9).map { String(format: "%.4f", $0) }.joined(separator: "  ")
    return [
      .section("Beside the published figures"),
      .text(
        """
        Featured articles of Wikipedia: the picture as a histogram of 128 visual words, the text as shares of 10 \
        topics, ten classes. 2,173 articles to learn from, 693 to test on. An item of the query's class is relevant.
        """),
      .table(table, caption: "Mean average precision over the whole ranking."),
    ] + (report.precisionRecall.map { [$0] } ?? []) + (report.spectrum.map { [$0] } ?? []) + [
      .text(
        """
        Without a ridge the correlations are the textbook ones: `\(correlations)`. Both sides have rows that sum \
        to one, so neither has full rank; libraries that iterate or invert go wrong here.
        """)
    ]
  }

  private func row(_ name: String, _ values: [Double], _ source: String) -> [ReportTable.Cell] {
    [
      .text(name), .number(values[0]), .number(values[1]), .number((values[0] + values[1]) / 2),
      .text(source),
    ]
  }

  private var nextBlocks: [ReportBlock] {
    [
      .section("What to try next"),
      .code(
        """
        ./crossmodal search \(folder)/emoji --query-text "sleeping cat"
        ./crossmodal search \(folder)/emoji --from image --to text --query-file Data/emoji/images/2764.jpg
        ./crossmodal evaluate \(folder)/wikipedia --json
        ./crossmodal methods
        ./crossmodal train --method cca --data YOUR-FOLDER --out runs/first
        """,
        caption:
          "Search the space of this page with words and pictures of your own; then bring your own data."),
    ]
  }
}
