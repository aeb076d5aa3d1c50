import Foundation
import Torch

/// The pieces of a report about retrieval with a run: figures, plots, tables and examples.
public struct RetrievalReport {
  public let run: Run
  /// The split that was measured.
  public let split: Split
  public let result: RetrievalResult

  public init(_ run: Run, on split: Split, _ result: RetrievalResult) {
    self.run = run
    self.split = split
    self.result = result
  }

  /// Everything about the measurement and about what was learned.
  func blocks() throws -> [ReportBlock] {
    var blocks: [ReportBlock] = [.keyFigures(keyFigures())]
    if isOfFittedPairs {
      blocks.append(.text("Measured on the pairs that it learned from: new pairs will do worse."))
    }
    blocks += [.section("Retrieval"), metricsTable]
    if hasLabels, let learned = (run.method as? any RelationLearning)?.learnedRelation {
      blocks.append(.text(learned.sentence))
    }
    blocks += [pairsTable, publishedTable].compactMap(\.self)
    if let curves = precisionRecall { blocks.append(curves) }
    blocks += try textSearch()
    if let spectrum {
      blocks += [.section("Correlations"), spectrum]
      if let variates = try VariatesPlot.block(of: result, split) { blocks.append(variates) }
    }
    if let map = try JointMap.block(of: run, split) { blocks += [.section("Map"), map] }
    if let predictionTable { blocks += [.section("Prediction"), predictionTable] }
    blocks += run.fitBlocks(split)
    let examples = try self.examples()
    if !examples.isEmpty { blocks += [.section("Examples")] + examples }
    return blocks
  }

  private var directions: [(name: String, metrics: DirectionMetrics)] {
    zip(
      result.retrieval.modalities.indices, [result.retrieval.forward, result.retrieval.backward]
    )
    .map { side, metrics in
      let names = result.retrieval.modalities
      // Not broken at the arrow.
      return ("\(names[side])\u{A0}→\u{A0}\(names[1 - side])", metrics)
    }
  }

  /// The one number of each direction that says most: mAP with labels, else R@10; and the total correlation.
  public func keyFigures() -> [KeyFigure] {
    var figures = directions.map { direction in
      let summary = direction.metrics.summary
      if hasLabels, let precision = summary.meanAveragePrecision {
        return KeyFigure(String(format: "%.3f", precision), "mAP, \(direction.name)")
      }
      return KeyFigure(
        summary.recalls.map { String(format: "%.1f %%", $0[2]) } ?? "–", "R@10, \(direction.name)")
    }
    if let correlations = result.correlations {
      figures.append(
        KeyFigure(
          String(format: "%.2f", correlations.reduce(0, +)), "total correlation",
          note: "of \(correlations.count) components, on \(split.name)"))
    }
    return figures
  }

  /// R@1, R@5 and R@10 of each direction, in percent.
  public var recalls: [[Double]] { directions.compactMap(\.metrics.summary.recalls) }

  private var hasLabels: Bool { run.record.data.classes != nil }

  /// Whether the data have no other pairs to measure on.
  private var isOfFittedPairs: Bool { split.name == run.record.split }

  /// Every metric of both directions, with its interval and what it means.
  public var metricsTable: ReportBlock {
    let intervals = Dictionary(
      Resampling().intervals(of: result.retrieval).map { ($0.name, $0.interval) }
    ) { first, _ in first }
    let measures = directions.map(\.metrics.summary.measures)
    let rows = measures[0].map { measure in
      [MeasureMeanings.cell(measure.name)]
        + zip(measures, result.retrieval.directionNames).map { own, key -> ReportTable.Cell in
          guard let found = own.first(where: { $0.name == measure.name }) else { return .missing }
          return found.cell(intervals["\(key).\(measure.name)"])
        }
    }
    return .table(
      ReportTable(
        columns: [.init("Measure")] + directions.map { .init($0.name, isNumeric: true) }, rows: rows),
      caption: "Retrieval on the split `\(split.name)`, with 95 % intervals: "
        + "\(MeasureMeanings.explained(result.retrieval.protocol)). "
        + result.retrieval.omissions.map { $0 + ". " }.joined() + ConfidenceInterval.origin)
  }

  /// Every two modalities of a method that takes several; nil for two.
  public var pairsTable: ReportBlock? {
    guard !result.further.isEmpty else { return nil }
    let rows = result.pairs.flatMap { pair in
      let names = pair.retrieval.modalities
      let total = pair.correlations.map { ReportTable.Cell.number($0.reduce(0, +)) } ?? .missing
      return [(0, 1, pair.retrieval.forward), (1, 0, pair.retrieval.backward)].map { from, to, metrics in
        let summary = metrics.summary
        return [
          ReportTable.Cell.text("\(names[from])\u{A0}→\u{A0}\(names[to])"),
          summary.recalls.map { .number($0[0]) } ?? .missing,
          summary.recalls.map { .number($0[2]) } ?? .missing,
          summary.meanAveragePrecision.map { .number($0) } ?? .missing, total,
        ]
      }
    }
    return .table(
      ReportTable(
        columns: [
          .init("Direction"), .init("R@1", decimals: 1), .init("R@10", decimals: 1), .init("mAP"),
          .init("Total correlation"),
        ], rows: rows), caption: "Every two modalities, on the split `\(split.name)`.")
  }

  /// How well one modality, or the classes, are predicted from the other; nil for methods that predict none.
  public var predictionTable: ReportBlock? {
    guard let prediction = result.prediction else { return nil }
    return .table(
      ReportTable(
        columns: [
          .init("Prediction"), .init("Variance explained"), .init("Mean correlation"), .init("Accuracy"),
        ],
        rows: prediction.map { found in
          let mean = found.correlations.reduce(0, +) / Double(max(1, found.correlations.count))
          return [
            .text(found.name.replacingOccurrences(of: "_to_", with: "\u{A0}→\u{A0}")),
            found.explained.map { .number($0) } ?? .missing,
            found.correlations.isEmpty ? .missing : .number(mean),
            found.accuracy.map { .number($0) } ?? .missing,
          ]
        }),
      caption: "Rows predicted from the other modality, on the split `\(split.name)`: "
        + "share of the variance of all columns, and the mean correlation of a column.")
  }

  /// Precision against recall of both directions; nil where nothing is relevant.
  public var precisionRecall: ReportBlock? {
    let curves = directions.compactMap { direction in
      direction.metrics.precisionRecall.map { curve in
        (
          name: direction.name, recall: stride(from: 0.0, through: 1, by: 0.1).map { $0 },
          precision: curve.elevenPoints
        )
      }
    }
    guard hasLabels, !curves.isEmpty else { return nil }
    return .figure(
      LinePlot.precisionRecall("Precision falls as recall grows, in both directions.", curves: curves),
      caption:
        "Precision at eleven levels of recall, the mean over all queries; an item of the query's class is relevant."
    )
  }

  /// Correlation of each component, as learned and on the split; nil for methods without canonical pairs.
  public var spectrum: ReportBlock? {
    guard let held = result.correlations else { return nil }
    var series = [LinePlot.Series("on \(split.name)", values: held)]
    if let learned = try? (run.method as? any CorrelationReporting)?.learnedCorrelations?.values(
      as: Double.self)
    {
      series.insert(LinePlot.Series("learned", values: learned), at: 0)
    }
    let names = result.retrieval.modalities
    return .figure(
      LinePlot(
        "Correlations fall from component to component.", x: PlotAxis("component"),
        y: PlotAxis("correlation"),
        series: series),
      caption: "Canonical correlations of \(names[0]) and \(names[1])"
        + (series.count > 1 ? ", as the method learned them and " : " ")
        + (isOfFittedPairs ? "on the pairs it learned from." : "on pairs it has not seen."))
  }

  /// The best and the worst query of each direction, with what they found.
  public func examples(count: Int = 3) throws -> [ReportBlock] {
    try directions.enumerated().compactMap { side, direction in
      let best = direction.metrics.best(count)
      // Of few queries, or of many that fare alike, none is both.
      let worst = direction.metrics.worst(2 * count).filter { query in
        !best.contains { $0.row == query.row }
      }.prefix(count)
      let rows = try (best + worst).map { try row($0, side: side) }
      guard !rows.isEmpty else { return nil }
      return .gallery(
        PictureGallery(rows: rows),
        caption:
          "\(direction.name): the best queries, then the worst, with what stood first and what belongs to them."
      )
    }
  }

  private func row(_ query: QueryResult, side: Int) throws -> PictureGallery.Row {
    var found: [PictureGallery.Found] = []
    let labels = (split.labels(side: side), split.labels(side: 1 - side))
    if let top = query.top {
      let hit =
        query.match == top
        || labels.0.flatMap { own in labels.1.map { own[query.row] == $0[top] } } ?? false
      found.append(try self.found(top, side: 1 - side, note: "", mark: hit ? .hit : .miss))
    }
    if let match = query.match, match != query.top {
      let rank = query.rank.map { "rank \(Int($0))" } ?? ""
      found.append(try self.found(match, side: 1 - side, note: rank, mark: .none))
    }
    let rank =
      query.rank.map { "rank \(Int($0))" } ?? query.averagePrecision.map {
        String(format: "average precision %.2f", $0)
      }
      ?? ""
    return PictureGallery.Row(
      try split.card(side: side, row: query.row).content, note: rank, found: found)
  }

  func found(
    _ row: Int, side: Int, note: String, mark: PictureGallery.Mark
  ) throws -> PictureGallery.Found {
    let card = try split.card(side: side, row: row)
    guard case .text(let words) = card.content else {
      let title = [card.label, note].filter { !$0.isEmpty }.joined(separator: ", ")
      return PictureGallery.Found(card.content, title: title, mark: mark)
    }
    return PictureGallery.Found(.text(note.isEmpty ? words : "\(words) (\(note))"), mark: mark)
  }
}

extension Card {
  /// The item as a report shows it: its picture, else its words.
  public var content: PictureGallery.Content {
    if let picture, let embedded = try? picture.embedded(summary: label) { return .picture(embedded) }
    return .text(Card.shortened(label))
  }

  /// A text as a report shows it: what is longer is cut.
  static func shortened(_ text: String, to most: Int = 90) -> String {
    text.count <= most ? text : text.prefix(most) + "…"
  }
}
