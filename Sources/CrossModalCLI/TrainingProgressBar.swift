import CrossModal
import Foundation

/// Shows a training on standard error: loss, pairs a second and the time that is left; each evaluation a line.
final class TrainingProgressBar {
  private let output: OutputOptions
  private var bar: Progress?
  private var features: FeatureProgressBar

  init(_ output: OutputOptions) {
    self.output = output
    features = FeatureProgressBar(output)
  }

  func show(_ event: TrainingEvent) {
    switch event {
    case .features(let progress): features.show(progress)
    case .note(let text):
      features.finish()
      bar?.finish()
      output.note(text)
    case .step(let progress):
      if bar == nil {
        bar = Progress("training", of: progress.steps, from: progress.step - 1, quiet: output.quiet)
      }
      bar?.update(
        progress.step,
        note: String(
          format: "epoch %d/%d  loss %.4g  %.0f pairs/s", min(progress.epoch + 1, progress.epochs),
          progress.epochs, progress.loss, progress.rate))
    case .evaluation(let epoch, _, let measures, let isBest):
      bar?.finish()
      let shown = measures.prefix(3).map { "\($0.name) \(String(format: "%.4g", $0.value))" }
      output.note("epoch \(epoch): \(shown.joined(separator: ", "))\(isBest ? "  best so far" : "")")
    }
  }

  func finish() {
    features.finish()
    bar?.finish()
  }
}

/// Shows how far items are encoded, with how many a second and the time that is left.
final class FeatureProgressBar {
  private let output: OutputOptions
  private var current: (name: String, first: Int, start: ContinuousClock.Instant, bar: Progress)?

  init(_ output: OutputOptions) { self.output = output }

  func show(_ progress: FeatureProgress) {
    if current?.name != progress.modality || progress.done < current?.first ?? 0 {
      finish()
      current = (
        progress.modality, progress.done, .now,
        Progress(
          "encoding \(progress.modality)", of: progress.total, from: progress.done, quiet: output.quiet)
      )
    }
    guard let current else { return }
    let seconds = (ContinuousClock.now - current.start) / .seconds(1)
    let rate = seconds > 0 ? Double(progress.done - current.first) / seconds : 0
    current.bar.update(progress.done, note: String(format: "%.3g/s", rate))
    if progress.done == progress.total { finish() }
  }

  func finish() {
    current?.bar.finish()
    current = nil
  }
}
