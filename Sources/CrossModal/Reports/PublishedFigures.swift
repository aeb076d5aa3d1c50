/// A figure of a paper on a data set that is known by name, to stand beside a run's own.
public struct PublishedFigures: Sendable {
  /// What was measured, in the paper's words.
  public let title: String
  /// The method of that name here; nil where there is none.
  public let method: String?
  /// Mean average precision of queries of the first and of the second modality.
  public let precision: [Double]
  public let source: String

  /// By the name of the data set, which that of a copy begins with.
  private static let known = [
    "wikipedia": [
      PublishedFigures(
        title: "CCA (correlation matching)", method: "cca", precision: [0.249, 0.196],
        source: "Rasiwasia et al. 2010"),
      PublishedFigures(
        title: "Semantic matching", method: nil, precision: [0.225, 0.223], source: "Rasiwasia et al. 2010"),
      PublishedFigures(
        title: "Semantic correlation matching", method: "scm", precision: [0.277, 0.226],
        source: "Rasiwasia et al. 2010"),
    ]
  ]

  /// What is known of a data set; empty for most.
  public static func known(of dataset: String) -> [PublishedFigures] {
    known.first { dataset.hasPrefix($0.key) }?.value ?? []
  }

  /// The figures for other programs.
  public var json: JSON {
    [
      "title": .string(title), "method": method.map(JSON.string) ?? .null,
      "mAP": .array(precision.map(JSON.double)), "source": .string(source),
    ]
  }
}

extension RetrievalReport {
  /// mAP of this run beside the figures of papers; nil where none are known.
  public var publishedTable: ReportBlock? {
    let known = PublishedFigures.known(of: run.record.data.name)
    let own = [result.retrieval.forward, result.retrieval.backward]
      .compactMap(\.summary.meanAveragePrecision)
    guard !known.isEmpty, own.count == 2 else { return nil }
    let names = result.retrieval.modalities
    let rows =
      [("\(run.about.name), this run", own, "measured on \(split.name)")]
      + known.map { ($0.title, $0.precision, $0.source) }
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
