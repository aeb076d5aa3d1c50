import Foundation
import Torch

/// The pieces of a report about a run of one modality.
struct ObjectReport {
  let run: Run
  let evaluation: ObjectEvaluation

  /// The whole page.
  func page(of split: Split) throws -> Report {
    Report(
      title: "\(run.about.name) on \(run.record.data.name)", kicker: "CrossModal run",
      lead: run.about.summary.prefix(1).uppercased() + run.about.summary.dropFirst() + ".",
      blocks: try blocks(of: split) + [.section("Settings")] + run.settingsBlocks,
      footer: "CrossModal \(CrossModalVersion.current), libtorch \(Runtime.version).")
  }

  /// Figures, table, map and examples.
  private func blocks(of split: Split) throws -> [ReportBlock] {
    let values = Dictionary(evaluation.values.map { ($0.name, $0.value) }) { first, _ in first }
    var blocks: [ReportBlock] = [
      .keyFigures([
        KeyFigure(String(format: "%.3f", values["mAP"] ?? 0), "mAP", note: "items of the query's class"),
        KeyFigure(
          String(format: "%.1f %%", values["R@1"] ?? 0), "R@1", note: "the nearest item is of the class"),
      ]),
      .section("Retrieval within \(evaluation.modality)"),
      .table(
        ReportTable(
          columns: evaluation.values.map { .init($0.name, decimals: $0.name.hasPrefix("R@") ? 1 : 3) },
          rows: [evaluation.values.map { .number($0.value) }]),
        caption: "On the split `\(evaluation.split)`: \(evaluation.protocol)."),
    ]
    if let map = try JointMap.block(of: run, split) { blocks += [.section("Map"), map] }
    return blocks + [.section("Examples"), try examples(of: split)]
  }

  /// The queries that found their class best and worst, with their nearest items.
  private func examples(of split: Split, count: Int = 4, shown: Int = 5) throws -> ReportBlock {
    let order = evaluation.retrieval.queries.sorted {
      ($1.averagePrecision, $0.row) < ($0.averagePrecision, $1.row)
    }
    let chosen = order.prefix(count) + order.dropFirst(count).suffix(count)
    let features = try run.features(of: split, side: 0)
    let labels = split.labels(side: 0) ?? []
    let method = try run.alignment()
    let rows = try chosen.map { query in
      var scores = try withoutGradient {
        try method.similarity(features.rows(at: [query.row]), features).flattened().values(as: Double.self)
      }
      scores[query.row] = -.infinity
      let nearest = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }.prefix(
        min(shown, scores.count - 1))
      let found = try nearest.map { row in
        let card = try split.card(side: 0, row: row)
        return PictureGallery.Found(
          card.content, title: "\(card.label), class \(labels[row])",
          mark: labels[row] == labels[query.row] ? .hit : .miss)
      }
      return PictureGallery.Row(
        try split.card(side: 0, row: query.row).content,
        note: String(format: "AP %.2f", query.averagePrecision), found: found)
    }
    return .gallery(
      PictureGallery(rows: rows),
      caption:
        "The \(min(count, order.count)) queries that found their class best, then the worst, with their nearest items."
    )
  }
}
