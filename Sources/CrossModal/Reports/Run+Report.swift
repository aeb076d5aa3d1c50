import Foundation
import Torch

extension Run {
  /// More items than this on a side are not evaluated for a report unasked.
  private static let largestReport = 20_000

  /// Writes the run with a report to a folder that appears when it is complete.
  ///
  /// - Parameters:
  ///   - data: what the report is about.
  ///   - replacing: a run that stands there may be replaced.
  ///   - note: told why there is no report where it failed; a finished fit is never lost to it.
  public func save(
    to folder: URL, reportingOn data: DataSet, replacing: Bool = false, note: (String) -> Void = { _ in }
  ) throws {
    try save(to: folder, replacing: replacing) { staged in
      do { try writeReport(on: data, to: staged) } catch {
        note("warning: there is no report: \(error.localizedDescription)")
      }
    }
  }

  /// Writes what the fit found and what an evaluation gives: lines of `metrics.jsonl`, and `report.html`.
  ///
  /// The split is `test`, else `val`, else what was learned from; there is no evaluation and no page where
  /// there is nothing to retrieve or too much of it.
  /// - Returns: what the evaluation gave; nil when there was none.
  @discardableResult
  public func writeReport(on data: DataSet, to folder: URL) throws -> RunEvaluation? {
    let fit = (method as? any FitReporting)?.fitReport
    var lines: [JSON] =
      fit.map { [["fit": $0.facts, "warnings": .array($0.warnings.map(JSON.string))]] } ?? []
    var evaluation: RunEvaluation?
    if let split = try splitForReport(of: data) {
      let found = try evaluate(on: split)
      evaluation = found
      let page = try RunReport(self, found).page(of: split)
      try page.write(to: folder.appendingPathComponent("report.html"))
      var line: JSON = ["split": .string(split.name), "seconds": .double(found.seconds)]
      for pair in found.pairs {
        for (key, value) in pair.retrieval.values where found.further.isEmpty || key != "rsum" {
          line[key] = .double(value)
        }
      }
      lines.append(line)
    }
    if !lines.isEmpty {
      let text = lines.map { $0.text() + "\n" }.joined()
      try AtomicFile.write(Data(text.utf8), to: folder.appendingPathComponent("metrics.jsonl").path)
    }
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
