import CrossModal
import Foundation
import Torch

/// The page that the demo writes.
struct DemoReport {
  let wikipedia: WikipediaDemo
  let emoji: EmojiDemo
  let scenes: ScenesDemo
  let seconds: Double
  let folder: String

  func page() throws -> Report {
    Report(
      title: "Two modalities, one space", kicker: "CrossModal demo",
      lead: """
        Pictures and words say the same things in different ways. Learned from pairs, they can be laid into one \
        space, searched with each other, and asked what they have in common. Three small data sets show how far that goes.
        """,
      blocks: [figures] + searchBlocks() + (try wordBlocks()) + publishedBlocks() + nextBlocks,
      footer:
        "CrossModal \(CrossModalVersion.current), libtorch \(Runtime.version), \(String(format: "%.0f", seconds)) s of work."
    )
  }

  private func percent(_ value: Double) -> String { "\(NumberText.fixed(value, decimals: 0)) %" }

  /// R@1 and R@10 of both directions, in percent.
  private func recalls(_ result: RetrievalResult) -> [(first: Double, tenth: Double)] {
    [result.retrieval.forward, result.retrieval.backward].map {
      ($0.summary.recalls?[0] ?? 0, $0.summary.recalls?[2] ?? 0)
    }
  }

  private var figures: ReportBlock {
    let precision = WikipediaDemo.precision(wikipedia.retrieval)
    let known = wikipedia.published.first { $0.method == "cca" }?.precision ?? []
    return .keyFigures([
      KeyFigure(
        percent(recalls(emoji.retrieval)[1].tenth), "of names find their emoji among the first ten",
        note: "of 296 never seen; chance 3 %"),
      KeyFigure(
        "\(scenes.named.right) of \(scenes.named.words)", "words look at the emoji they mean",
        note: "nobody said which; chance 20 %"),
      KeyFigure(
        NumberText.fixed(precision.reduce(0, +) / 2, decimals: 3), "mAP on Wikipedia, CCA",
        note: "published \(NumberText.fixed(known.reduce(0, +) / Double(max(1, known.count)), decimals: 3))"),
    ])
  }

  // MARK: - Search

  private func row(_ search: EmojiDemo.Search, note: String = "") -> PictureGallery.Row {
    PictureGallery.Row(
      .text(search.query), note: note,
      found: search.found.map {
        .init(
          $0.card.content, title: $0.isUnseen ? "\($0.card.label) (unseen)" : $0.card.label, score: $0.score)
      })
  }

  private func searchBlocks() -> [ReportBlock] {
    let compared = zip(EmojiDemo.compared, emoji.linearSearches).flatMap { query, linear in
      [row(linear, note: "cca")]
        + emoji.searches.filter { $0.query == query }.map { row($0, note: "clip") }
    }
    let rows = [("`cca`, in closed form", emoji.linear.retrieval), ("`clip`, 30 epochs", emoji.retrieval)]
      .map { name, result -> [ReportTable.Cell] in
        [.text(name)] + recalls(result).flatMap { [.number($0.first), .number($0.tenth)] }
      }
    let first = 100.0 / 296
    let table = ReportTable(
      columns: [.init("Method")]
        + ["picture\u{A0}→\u{A0}words", "words\u{A0}→\u{A0}picture"].flatMap {
          [
            ReportTable.Column("\($0), R@1", decimals: 1, best: .highest),
            .init("\($0), R@10", decimals: 1, best: .highest),
          ]
        },
      rows: rows + [[.text("chance")] + [first, 10 * first, first, 10 * first].map { .number($0) }],
      quietRows: [rows.count])
    return [
      .section("Words find pictures"),
      .text(
        """
        A picture of 72 × 72 pixels becomes a **descriptor** (colors and edges on a grid), its names and keywords \
        become **tf-idf** weights. CLIP learns one linear map for each side from 1,764 emoji, so that what belongs \
        together lies together. Each query below is new text; the nearest of all 2,225 pictures are shown.
        """),
      .gallery(
        PictureGallery(rows: emoji.searches.map { row($0) }),
        caption:
          "Eight queries and the eight nearest pictures, best first, with the cosine of the angle. Pictures marked (unseen) were not learned from."
      ),
      .heading("The method matters"),
      .text(
        """
        CCA needs no training: it finds the directions in which the two sides agree, exactly and at once. CLIP takes \
        the same features and learns to tell each pair from all others. Here it puts the right one first more often.
        """),
      .table(
        table,
        caption:
          "The honest test: 296 emoji whose symbols neither method has seen. Percent of queries whose partner stands first (R@1) or among the first ten (R@10)."
      ),
      .gallery(
        PictureGallery(rows: compared), caption: "The same three queries, answered by CCA and by CLIP."),
    ]
  }

  // MARK: - Word by word

  private func wordBlocks() throws -> [ReportBlock] {
    let shown = try scenes.explained.flatMap { explained in
      [ReportBlock.heading("“\(explained.sides[1].title)”")]
        + [try explained.wordGallery()].compactMap(\.self)
    }
    let recall = recalls(scenes.retrieval)[1].first
    return [
      .section("Word by word"),
      .text(
        """
        A scene has five emoji, a caption names three of them. Nobody says which word belongs to which: **SCAN** only \
        learns that caption and scene match, and that others do not. Each word may look where it likes, and what it \
        looks at explains the score.
        """),
      .text(
        """
        On 120 scenes that were not learned from, \(scenes.named.right) of \(scenes.named.words) words that name an \
        emoji look most at that one, and \(percent(recall)) of 360 captions find their scene first.
        """),
    ] + shown
  }

  // MARK: - Published figures

  private func publishedBlocks() -> [ReportBlock] {
    let report = RetrievalReport(wikipedia.run, on: wikipedia.test, wikipedia.retrieval)
    let ours = ["cca": wikipedia.retrieval, "scm": wikipedia.semantic].mapValues(WikipediaDemo.precision)
    let rows = wikipedia.published.flatMap { known -> [[ReportTable.Cell]] in
      let own = known.method.flatMap { ours[$0] }.map {
        row("\(known.title), `\(known.method ?? "")` here", $0, "this run")
      }
      return (own.map { [$0] } ?? []) + [row(known.title, known.precision, known.source)]
    }
    let table = ReportTable(
      columns: [
        .init("Method"), .init("picture\u{A0}→\u{A0}text"), .init("text\u{A0}→\u{A0}picture"), .init("Mean"),
        .init("Source"),
      ],
      rows: rows + [
        row("Random ranking", [WikipediaDemo.chance, WikipediaDemo.chance], "share of the query's class")
      ],
      quietRows: [rows.count])
    let correlations = wikipedia.plain.prefix(9).map { String(format: "%.4f", $0) }.joined(separator: "  ")
    return [
      .section("Beside the published figures"),
      .text(
        """
        Featured articles of Wikipedia: the picture as a histogram of 128 visual words, the text as shares of 10 \
        topics, ten classes. 2,173 articles to learn from, 693 to test on. Features like these, tables of numbers with \
        a few thousand rows, are what CCA is made for.
        """),
      .table(
        table,
        caption:
          "Mean average precision (mAP): how many items of the query's class stand before the others, over the whole ranking; 1 is a perfect order."
      ),
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

  // MARK: - What next

  private var nextBlocks: [ReportBlock] {
    [
      .section("What to try next"),
      .code(
        DemoCommand.next(folder).joined(separator: "\n"),
        caption:
          "Search the space of this page with words of your own, ask for other pairs, then bring your own data."
      ),
    ]
  }
}
