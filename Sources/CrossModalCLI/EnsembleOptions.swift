import ArgumentParser
import CrossModal

/// Runs whose scores are combined with those of the first.
struct EnsembleOptions: ParsableArguments {
  @Option(help: "More runs on the same data, separated by commas, whose scores are combined: an ensemble.")
  var models: String?

  @Option(
    help:
      "How their scores become one: \(ScoreCombination.allCases.map(\.rawValue).joined(separator: " or ")).")
  var combine = ScoreCombination.mean.rawValue

  /// The further runs.
  ///
  /// - Throws: ``UsageError`` when one of them has other modalities than the first.
  func open(beside run: Run, _ output: OutputOptions) throws -> [Run] {
    try (models ?? "").split(separator: ",").map(String.init).map { name in
      let other = try Run.open(name)
      try RunOptions.check(name, other, beside: run, option: "--models", output)
      return other
    }
  }

  func combination() throws -> ScoreCombination { try ScoreCombination(named: combine) }
}
