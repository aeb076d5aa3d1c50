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
  ///   - note: told which items are left out because they cannot be read.
  /// - Returns: why there is no report where there is none; a finished fit is never lost to it.
  @discardableResult
  public func save(
    to folder: URL, reportingOn data: DataSet, replacing: Bool = false, note: (String) -> Void = { _ in }
  ) throws -> (any Error)? {
    var failure: (any Error)?
    try save(to: folder, replacing: replacing) { staged in
      do { try writeReport(on: data, to: staged, note: note) } catch let error as FileError {
        throw error
      } catch { failure = error }
    }
    return failure
  }

  /// Writes what a fit found and what an evaluation gives: lines of `metrics.jsonl`, and `report.html`.
  ///
  /// The split is `test`, else `val`, else what was learned from; there is no evaluation and no page where there is
  /// nothing to measure or too much of it.
  /// - Parameter note: told which items are left out because they cannot be read.
  /// - Returns: what the evaluation gave; nil when there was none.
  @discardableResult
  public func writeReport(
    on data: DataSet, to folder: URL, note: (String) -> Void = { _ in }
  ) throws -> RunEvaluation? {
    let fit = (method as? any FitReporting)?.fitReport
    var lines: [JSON] =
      fit.map { [["fit": $0.facts, "warnings": .array($0.warnings.map(JSON.string))]] } ?? []
    // What the fit found stands there also where nothing can be measured.
    var measured: (evaluation: RunEvaluation, split: Split)?
    var failure: (any Error)?
    do { measured = try measuredForReport(data, note: note) } catch { failure = error }
    if let (evaluation, split) = measured {
      try report(evaluation, on: split).write(to: folder.appendingPathComponent("report.html"))
      var line: JSON = ["split": .string(split.name), "seconds": .double(evaluation.seconds)]
      for measure in evaluation.result.measures { line[measure.name] = .double(measure.value) }
      lines.append(line)
    }
    if !lines.isEmpty {
      let text = lines.map { $0.text() + "\n" }.joined()
      try AtomicFile.write(Data(text.utf8), to: folder.appendingPathComponent("metrics.jsonl").path)
    }
    if let failure { throw failure }
    return measured?.evaluation
  }

  /// Writes `report.html` of a run that was trained by gradient: how training went and, where the data have a split to
  /// measure on that is not too large, what the run reaches there.
  ///
  /// - Parameter note: told which items are left out because they cannot be read.
  /// - Returns: why there is no measurement where one failed; a finished training is never lost to it.
  @discardableResult
  public func writeReport(
    of outcome: TrainingOutcome, on data: DataSet, to folder: URL, note: (String) -> Void = { _ in }
  ) throws -> (any Error)? {
    var failure: (any Error)?
    let training = try TrainingReport(self, outcome, log: MetricsLog.read(folder))
    var page = training.page
    do {
      if let (evaluation, split) = try measuredForReport(data, note: note) {
        page = try report(evaluation, on: split, training)
      }
    } catch {
      failure = error
    }
    try page.write(to: folder.appendingPathComponent("report.html"))
    return failure
  }

  /// The page about a measurement, with how training went where it is given.
  func report(
    _ evaluation: RunEvaluation, on split: Split, _ training: TrainingReport? = nil
  ) throws -> Report {
    let summary = about.summary.prefix(1).uppercased() + about.summary.dropFirst() + "."
    return Report(
      title: "\(about.name) on \(record.data.name)", kicker: "CrossModal run",
      lead: ([summary] + (training.map { [$0.summary] } ?? [])).joined(separator: " "),
      blocks: try evaluation.result.shownBlocks(of: self, on: split) + (training?.curves ?? [])
        + [.section("Settings")] + settingsBlocks,
      footer: "CrossModal \(CrossModalVersion.current), libtorch \(Runtime.version).")
  }

  /// What measuring the split for the report gave; nil where there is nothing to measure or too much of it.
  private func measuredForReport(
    _ data: DataSet, note: (String) -> Void
  ) throws -> (evaluation: RunEvaluation, split: Split)? {
    try splitForReport(data, note: note).map { (try evaluate(on: $0), $0) }
  }

  /// The split to measure for a report, without what cannot be read: `test`, else `val`, else what was learned from; nil
  /// where there is nothing to measure or too much of it.
  func splitForReport(_ data: DataSet, note: (String) -> Void) throws -> Split? {
    guard method is any Evaluable,
      let name = ["test", "val", record.split].first(where: data.splitNames.contains)
    else { return nil }
    let (split, damaged) = try data.split(name).withoutDamagedPictures()
    if !damaged.isEmpty { note("report: " + damaged.sentence) }
    let sides = [comparedSides.first, comparedSides.second]
    guard sides.allSatisfy({ (1...Self.largestReport).contains(split.count(side: $0)) }) else { return nil }
    // One modality is measured by its classes.
    guard modalities.count > 1 || split.labels(side: 0) != nil else { return nil }
    return split
  }
}
