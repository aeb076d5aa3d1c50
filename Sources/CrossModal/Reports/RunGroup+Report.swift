import Foundation
import Torch

extension RunGroup {
  /// Measures the runs as each was for its own report, and writes `report.html` of all of them beside the runs.
  ///
  /// - Parameter note: told which items are left out because they cannot be read.
  /// - Returns: what the measurement gave; nil where there is nothing to measure or too much of it, and no report then.
  @discardableResult
  public func writeReport(on data: DataSet, note: (String) -> Void = { _ in }) throws -> RunEvaluation? {
    guard let split = try first.splitForReport(data, note: note) else { return nil }
    let evaluation = try evaluate(on: split)
    try report(evaluation, on: split).write(
      to: URL(fileURLWithPath: folder).appendingPathComponent("report.html"))
    return evaluation
  }

  private func report(_ evaluation: RunEvaluation, on split: Split) throws -> Report {
    let about = first.about
    return Report(
      title: "\(about.name) on \(first.record.data.name), \(members.count) seeds", kicker: "CrossModal runs",
      lead:
        "\(about.summary.prefix(1).uppercased() + about.summary.dropFirst()), learned \(members.count) times "
        + "with the same settings and another seed each: "
        + members.map { String($0.seed) }.joined(separator: ", ") + ".",
      blocks: try evaluation.result.shownBlocks(of: first, on: split) + [
        .text(
          "Each run has a report of its own: "
            + members.map { "`\($0.name)/report.html`" }.joined(separator: ", ") + "."),
        .section("Settings of \(members[0].name)"),
      ] + first.settingsBlocks,
      footer: "CrossModal \(CrossModalVersion.current), libtorch \(Runtime.version).")
  }
}
