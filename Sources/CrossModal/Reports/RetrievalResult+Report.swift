import Foundation

extension RetrievalResult: ReportedResult {
  public func blocks(of run: Run, on split: Split) throws -> [ReportBlock] {
    try RetrievalReport(run, on: split, self).blocks()
  }

  /// A row a direction, with its intervals below where there are two modalities: the table of several has no room.
  public func table(_ intervals: [String: ConfidenceInterval]) -> ReportTable {
    let columns = retrieval.forward.summary.measures
    var table = ReportTable(
      columns: [.init("")] + columns.map { .init($0.name, decimals: $0.unit.decimals, isNumeric: true) })
    for pair in pairs {
      let directions = [pair.retrieval.forward, pair.retrieval.backward].map(\.summary.measures)
      for (name, measures) in zip(pair.retrieval.directionNames, directions) {
        table.rows.append(
          [.text(name.replacingOccurrences(of: "_", with: " "))] + measures.map { .number($0.value) })
        guard !intervals.isEmpty, further.isEmpty else { continue }
        table.rows.append(
          [.text("  95 % interval")]
            + measures.map { measure in
              intervals["\(name).\(measure.name)"].map { .text($0.range(measure.unit)) } ?? .missing
            })
      }
    }
    return table
  }

  /// Queries that are in no mean, the sum of recalls, correlations, and what is predicted.
  public func lines(_ intervals: [String: ConfidenceInterval]) -> [String] {
    var lines = pairs.flatMap(\.retrieval.omissions)
    if further.isEmpty, let rsum = retrieval.rsum {
      let range = intervals["rsum"].map { ", 95 % interval \($0.range(.percent))" } ?? ""
      lines.append(String(format: "rsum %.1f", rsum) + range)
    }
    for pair in pairs {
      guard let correlations = pair.correlations else { continue }
      let names = further.isEmpty ? "" : pair.retrieval.modalities.joined(separator: ", ") + ": "
      let shown = correlations.prefix(10).map { String(format: "%.4f", $0) }.joined(separator: " ")
      lines.append("\(names)correlations \(shown)\(correlations.count > 10 ? " …" : "")")
      lines.append(String(format: "\(names)total correlation %.4f", correlations.reduce(0, +)))
    }
    for found in prediction ?? [] {
      let name = found.name.replacingOccurrences(of: "_", with: " ")
      if let accuracy = found.accuracy { lines.append(String(format: "\(name): accuracy %.4f", accuracy)) }
      if let explained = found.explained {
        let mean = found.correlations.reduce(0, +) / Double(max(1, found.correlations.count))
        // Rows of another unit are missed by any number of digits.
        let share = String(format: abs(explained) < 1000 ? "%.1f" : "%.1e", 100 * explained)
        lines.append(
          String(
            format: "\(name): predicts \(share) %% of the variance, mean correlation of a column %.4f", mean))
      }
    }
    return lines
  }
}
