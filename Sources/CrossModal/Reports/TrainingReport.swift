import Foundation
import Torch

/// How a training went: the curves of its loss and of what was measured on held-out pairs.
struct TrainingReport {
  private let run: Run
  private let outcome: TrainingOutcome
  private let log: [JSON]

  /// Points of a curve that are drawn.
  private static let mostPoints = 400

  /// - Parameter log: the lines of `metrics.jsonl`.
  init(_ run: Run, _ outcome: TrainingOutcome, log: [JSON]) {
    self.run = run
    self.outcome = outcome
    self.log = log
  }

  /// The page, `report.html` of a run folder.
  var page: Report {
    Report(
      title: "\(run.about.name) on \(run.record.data.name)", kicker: "CrossModal training",
      lead: summary, blocks: figures + curves + [.section("Settings")] + run.settingsBlocks,
      footer: "CrossModal \(CrossModalVersion.current), libtorch \(Runtime.version).")
  }

  /// How long training took and why it ended.
  var summary: String {
    "\(outcome.steps) steps in \(outcome.epochs) epochs, \(Int(outcome.seconds.rounded())) seconds; \(ending)"
  }

  private var ending: String {
    switch outcome.ending {
    case .completed: "all were taken."
    case .patience: "ended early, because the measure no longer improved."
    case .converged: "ended early, because nothing was left to gain."
    }
  }

  private var figures: [ReportBlock] {
    guard let best = outcome.best else { return [] }
    return [
      .keyFigures([
        KeyFigure(String(format: "%.4g", best.value), best.name, note: "best, step \(outcome.bestStep ?? 0)")
      ])
    ]
  }

  /// Curves of the training as blocks of a report; none where there are no lines.
  var curves: [ReportBlock] {
    let steps = log.filter { $0["kind"]?.string == "step" }
    let epochs = log.filter { $0["kind"]?.string == "epoch" }
    var blocks: [ReportBlock] = [.section("Learning curves")]
    let spacing = max(1, steps.count / Self.mostPoints)
    let shown = steps.enumerated().filter { $0.offset % spacing == 0 }.map(\.element)
    var series = [line("each step", shown, \.["loss"]?.double)]
    if epochs.count > 1 { series.append(line("mean of an epoch", epochs, \.["loss"]?.double)) }
    series.removeAll { $0.x.isEmpty }
    guard !series.isEmpty else { return [] }
    blocks.append(
      .figure(
        LinePlot(
          "The loss in the course of training.", x: PlotAxis("step"), y: PlotAxis("loss"), series: series),
        caption: "Loss of the training batches."))
    let measured = log.filter { $0["measures"] != nil }
    if let name = outcome.best?.name ?? measured.first?["measures"]?.members?.first?.key, measured.count > 1 {
      blocks.append(
        .figure(
          LinePlot(
            "\(name) on held-out pairs in the course of training.", x: PlotAxis("step"), y: PlotAxis(name),
            series: [line(name, measured) { $0["measures"]?[name]?.double }]),
          caption: "Measured on held-out pairs; the weights of the best are kept."))
    }
    return blocks
  }

  private func line(
    _ name: String, _ lines: [JSON], _ value: (JSON) -> Double?
  ) -> LinePlot.Series {
    let points = lines.compactMap { line in
      line["step"]?.double.flatMap { step in value(line).map { (step, $0) } }
    }
    return LinePlot.Series(name, x: points.map(\.0), y: points.map(\.1))
  }
}
