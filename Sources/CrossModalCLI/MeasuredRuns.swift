import CrossModal
import Foundation

/// A run, or the runs of several seeds, that are measured as one.
struct MeasuredRuns {
  /// The folder, as the user named it.
  let name: String
  /// The run, or the one that stands for what is the same in all.
  let first: Run
  /// Nil for a run alone.
  let group: RunGroup?

  init(at folder: String) throws {
    name = folder
    group = RunGroup.seeds(in: URL(fileURLWithPath: folder)).isEmpty ? nil : try RunGroup(at: folder)
    first = try group?.first ?? Run.open(folder)
  }

  func evaluate(
    on split: Split, _ options: EvaluationOptions, with others: [Run] = [],
    combining combination: ScoreCombination = .mean
  ) throws -> RunEvaluation {
    if let group { return try group.evaluate(on: split, options) }
    return try first.evaluate(on: split, options, with: others, combining: combination)
  }

  /// A result in the form that results of several seeds have, as one of one seed, where `other` is of several.
  func comparable(_ result: any TaskResult, with other: MeasuredRuns) throws -> any TaskResult {
    group == nil && other.group != nil ? try AveragedResult([(name: name, result: result)]) : result
  }
}
