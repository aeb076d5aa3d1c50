import Foundation
import Torch

extension Run {
  /// Writes `report.html` of a run that was trained by gradient: how training went and, where the data have a split
  /// to measure on that is not too large, what the run reaches there, with a map and examples.
  ///
  /// - Parameter note: told why there is no measurement where one failed; a finished training is never lost to it.
  public func writeTrainedReport(
    _ outcome: TrainingOutcome, on data: DataSet, to folder: URL, note: (String) -> Void = { _ in }
  ) throws {
    let training = try TrainingReport(self, outcome, log: MetricsLog.read(folder))
    var page = training.page
    do {
      if let measured = try measuredPage(on: data) {
        page = measured
        page.lead += " " + training.summary
        let settings = page.blocks.firstIndex { if case .section("Settings") = $0 { true } else { false } }
        page.blocks.insert(contentsOf: training.curves, at: settings ?? page.blocks.endIndex)
      }
    } catch {
      note("the report has no retrieval: \(error.localizedDescription)")
    }
    try page.write(to: folder.appendingPathComponent("report.html"))
  }

  /// The page about a measurement; nil where there is nothing to retrieve.
  private func measuredPage(on data: DataSet) throws -> Report? {
    guard let split = try splitForReport(of: data) else { return nil }
    guard modalities.count == 1 else { return try RunReport(self, evaluate(on: split)).page(of: split) }
    guard split.labels(side: 0) != nil else { return nil }
    let report = ObjectReport(run: self, evaluation: try evaluateObjects(on: split))
    return try report.page(of: split)
  }
}
