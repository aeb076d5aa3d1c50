import Foundation

extension Run {
  /// More items than this on a side are not evaluated for a report unasked.
  private static let largestReport = 20_000

  /// Evaluates on the split that says most, and writes `report.html` and a line of `metrics.jsonl`.
  ///
  /// The split is `test`, else `val`, else what was learned from; nothing is written where there is nothing
  /// to retrieve or too much of it.
  /// - Returns: what the evaluation gave; nil when there was none.
  @discardableResult
  public func writeReport(on data: DataSet, to folder: URL) throws -> RunEvaluation? {
    guard let split = try splitForReport(of: data) else { return nil }
    let evaluation = try evaluate(on: split)
    let page = try RunReport(self, evaluation).page(of: split)
    try page.write(to: folder.appendingPathComponent("report.html"))
    var line: JSON = ["split": .string(split.name), "seconds": .double(evaluation.seconds)]
    for (key, value) in evaluation.retrieval.values { line[key] = .double(value) }
    try Data((line.text() + "\n").utf8).write(to: folder.appendingPathComponent("metrics.jsonl"))
    return evaluation
  }

  /// The split that a report is about; nil where there is nothing to retrieve or too much of it.
  func splitForReport(of data: DataSet) throws -> Split? {
    guard method is any Alignment,
      let name = ["test", "val", record.split].first(where: data.splitNames.contains)
    else { return nil }
    let split = try data.split(name)
    let sides = [comparedSides.first, comparedSides.second]
    return sides.allSatisfy { (1...Self.largestReport).contains(split.count(side: $0)) } ? split : nil
  }
}
