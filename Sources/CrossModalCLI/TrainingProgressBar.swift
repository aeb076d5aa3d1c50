import CrossModal
import Foundation

/// Shows a training on standard error: loss, pairs a second and the time that is left; each evaluation a line.
final class TrainingProgressBar {
  private let output: OutputOptions
  private var bar: Progress?

  init(_ output: OutputOptions) { self.output = output }

  func show(_ event: TrainingEvent) {
    switch event {
    case .note(let text):
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

  func finish() { bar?.finish() }
}
