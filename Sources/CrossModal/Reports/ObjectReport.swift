import Foundation
import Torch

extension ObjectResult: ReportedResult {
  public func blocks(of run: Run, on split: Split) throws -> [ReportBlock] {
    try ObjectReport(run: run, split: split, result: self).blocks()
  }

  /// One row, with its intervals below.
  public func table(_ intervals: [String: ConfidenceInterval]) -> ReportTable {
    var table = ReportTable(
      columns: measures.map { .init($0.name, decimals: $0.unit.decimals, isNumeric: true) },
      rows: [measures.map { .number($0.value) }])
    if !intervals.isEmpty {
      table.columns.insert(.init(""), at: 0)
      table.rows[0].insert(.text(""), at: 0)
      table.rows.append(
        [.text("95 % interval")]
          + measures.map { measure in
            intervals[measure.name].map { .text($0.range(measure.unit)) } ?? .missing
          })
    }
    return table
  }
}

/// The pieces of a report about a run of one modality.
private struct ObjectReport {
  let run: Run
  let split: Split
  let result: ObjectResult

  /// Figures, table, map and examples.
  func blocks() throws -> [ReportBlock] {
    let values = Dictionary(result.measures.map { ($0.name, $0.value) }) { first, _ in first }
    let intervals = Dictionary(Resampling().intervals(of: result).map { ($0.name, $0.interval) }) {
      first, _ in
      first
    }
    var blocks: [ReportBlock] = [
      .keyFigures([
        KeyFigure(String(format: "%.3f", values["mAP"] ?? 0), "mAP", note: "items of the query's class"),
        KeyFigure(
          String(format: "%.1f %%", values["R@1"] ?? 0), "R@1", note: "the nearest item is of the class"),
      ]),
      .section("Retrieval within \(result.modality)"),
      .table(
        ReportTable(
          columns: [.init("Measure"), .init("Value", isNumeric: true)],
          rows: result.measures.map { measure in
            [MeasureMeanings.cell(measure.name), measure.cell(intervals[measure.name])]
          }),
        caption: "On the split `\(split.name)`, with 95 % intervals: \(result.protocol). "
          + ConfidenceInterval.origin),
    ]
    if let map = try JointMap.block(of: run, split) { blocks += [.section("Map"), map] }
    return blocks + [.section("Examples"), try examples()]
  }

  /// The queries that found their class best and worst, with their nearest items.
  private func examples(count: Int = 4, shown: Int = 5) throws -> ReportBlock {
    let order = result.retrieval.queries.sorted {
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
          card.content, title: card.label,
          mark: labels[row] == labels[query.row] ? .hit : .miss)
      }
      return PictureGallery.Row(
        try split.card(side: 0, row: query.row).content,
        note: String(format: "average precision %.2f", query.averagePrecision), found: found)
    }
    return .gallery(
      PictureGallery(rows: rows),
      caption:
        "The \(min(count, order.count)) queries that found their class best, then the worst, with their nearest items."
    )
  }
}
