extension AveragedResult: ReportedResult {
  /// More models than this have no column each.
  private static let mostColumns = 6

  public func blocks(of run: Run, on split: Split) throws -> [ReportBlock] {
    let known = Dictionary(Resampling().intervals(of: self).map { ($0.name, $0.interval) }) { first, _ in
      first
    }
    // What runs are chosen by, and its parts, such as directions.
    let figures = selection.prefix(1).flatMap { first in
      [first] + measures.filter { $0.name.hasSuffix("." + first.name) }.prefix(2)
    }
    return [
      .keyFigures(
        figures.map {
          KeyFigure($0.text, Measure.shown($0.name), note: deviationText($0).map { "± \($0)" } ?? "")
        })
    ] + cautions.map(ReportBlock.note) + [
      .section("Measures"),
      .table(
        table(known),
        caption: "On the split `\(split.name)`: \(`protocol`). \(explanation)"),
    ]
  }

  /// A row a measure: mean, standard deviation, interval, and what each model gave.
  public func table(_ intervals: [String: ConfidenceInterval]) -> ReportTable {
    let hasColumns = results.count <= Self.mostColumns
    let columns =
      [ReportTable.Column("Measure"), .init("Mean", isNumeric: true), .init("Deviation", isNumeric: true)]
      + (intervals.isEmpty ? [] : [.init("95 % interval", isNumeric: true)])
      + (hasColumns ? results.map { .init($0.name, isNumeric: true) } : [])
    let rows = measures.map { measure -> [ReportTable.Cell] in
      let range = intervals[measure.name].map { ReportTable.Cell.text($0.range(measure.unit)) }
      let each = values(of: measure).map { ReportTable.Cell.text(measure.with($0).text) }
      return [
        .text(Measure.shown(measure.name)), .text(measure.text),
        deviationText(measure).map(ReportTable.Cell.text) ?? .missing,
      ] + (intervals.isEmpty ? [] : [range ?? .missing]) + (hasColumns ? each : [])
    }
    return ReportTable(columns: columns, rows: rows)
  }

  public func lines(_ intervals: [String: ConfidenceInterval]) -> [String] {
    [intervals.isEmpty ? means : explanation]
  }

  private var means: String { "Mean and standard deviation of \(results.count) runs." }

  /// What the columns are.
  private var explanation: String {
    "\(means) Intervals: what the mean would be over other seeds and other test items "
      + "(Student's t over seeds, Bayesian bootstrap over items)."
  }

  private func deviationText(_ measure: Measure) -> String? {
    deviation(of: measure).map {
      NumberText.fixed($0, decimals: measure.unit.decimals + (measure.unit == .fraction ? 0 : 1))
    }
  }
}

extension Measure {
  /// The same measure with another value.
  fileprivate func with(_ value: Double) -> Measure { Measure(name, value, unit, increases: increases) }
}
