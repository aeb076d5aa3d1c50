/// Figures of papers on data sets that are known by name, to stand beside a run's own.
struct PublishedFigures {
  let method: String
  /// mAP of queries of the first and of the second modality, or total correlations.
  let values: [Double]
  let source: String

  /// What is known of a data set; empty for others.
  static func precision(on dataset: String) -> [PublishedFigures] {
    dataset.hasPrefix("wikipedia") ? wikipedia : []
  }

  private static let wikipedia = [
    PublishedFigures(
      method: "CCA (correlation matching)", values: [0.249, 0.196], source: "Rasiwasia et al. 2010"),
    PublishedFigures(method: "Semantic matching", values: [0.225, 0.223], source: "Rasiwasia et al. 2010"),
    PublishedFigures(
      method: "Semantic correlation matching", values: [0.277, 0.226], source: "Rasiwasia et al. 2010"),
  ]
}

extension RetrievalReport {
  /// mAP of this run beside the figures of papers; nil where none are known.
  public var publishedTable: ReportBlock? {
    let known = PublishedFigures.precision(on: run.record.data.name)
    let own = [result.retrieval.forward, result.retrieval.backward]
      .compactMap(\.summary.meanAveragePrecision)
    guard !known.isEmpty, own.count == 2 else { return nil }
    let names = result.retrieval.modalities
    let rows =
      [("\(run.about.name), this run", own, "measured on \(split.name)")]
      + known.map { ($0.method, $0.values, $0.source) }
    return .table(
      ReportTable(
        columns: [
          .init("Method"), .init("\(names[0]) → \(names[1])"), .init("\(names[1]) → \(names[0])"),
          .init("Mean"),
          .init("Source"),
        ],
        rows: rows.map { name, values, source in
          [.text(name)] + (values + [values.reduce(0, +) / 2]).map { .number($0) } + [.text(source)]
        }),
      caption: "Mean average precision over the whole ranking, beside published figures.")
  }
}
