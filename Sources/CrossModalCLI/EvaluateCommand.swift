import ArgumentParser
import CrossModal
import Foundation

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure a run on a split.",
    discussion: """
      EXAMPLES
        crossmodal evaluate runs/wikipedia
        crossmodal evaluate runs/wikipedia --split train --json
        crossmodal evaluate runs/coco --protocol 1k --ties mean
        crossmodal evaluate runs/scan-t2i --models runs/scan-i2t
        crossmodal evaluate runs/scm --against runs/cca
        crossmodal evaluate runs/san --wordnet /usr/share/wordnet
      """)

  @OptionGroup var options: RunOptions

  @OptionGroup var ensemble: EnsembleOptions

  @Option(
    name: .customLong("protocol"),
    help:
      "What is searched: \(RetrievalProtocol.names.joined(separator: ", ")); full unless the run's settings have folds."
  )
  var protocolName: String?

  @Option(
    help:
      "Rank among equal scores: \(TieRule.allCases.map(\.rawValue).joined(separator: ", ")); pessimistic unless the run's settings have tie_policy."
  )
  var ties: String?

  @Option(
    help:
      "A folder of WordNet's files, for WUPS of answers; WNHOME/dict, WNSEARCHDIR or /usr/share/wordnet unless given."
  )
  var wordnet: String?

  @Option(
    parsing: .unconditional,
    help: "How often the test items are drawn again for intervals and significance; 0 leaves them out.")
  var samples = 1000

  @Option(help: "Another run to compare with on the same items: differences, with their significance.")
  var against: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (0...1_000_000).contains(samples) else {
      throw ValidationError("--samples: \(samples) is not a whole number from 0 to 1000000")
    }
    guard against == nil || samples > 0 else {
      throw ValidationError("--against needs --samples of 1 or more")
    }
  }

  func run() throws {
    let searched = try protocolName.map(RetrievalProtocol.init(named:))
    let rule = try ties.map(TieRule.init(named:))
    let combination = try ensemble.combination()
    let run = try options.open()
    let others = try ensemble.open(beside: run)
    let rival = try against.map { try RunOptions.open($0, beside: run, option: "--against") }
    let (_, split) = try options.rows(of: run, output)
    var options = EvaluationOptions(searched: searched, ties: rule)
    options.wordNet = wordnet.map { URL(fileURLWithPath: $0) }
    try run.check(options)
    if run.modalities.count > 2, rival != nil || !others.isEmpty {
      output.warn("only \(run.modalities[0]) and \(run.modalities[1]) are combined and compared")
    }
    let measured = try measure(run, split, options, with: others, combining: combination)
    let resampling = Resampling(samples: samples)
    let intervals = samples > 0 ? resampling.intervals(of: measured.result) : []
    let comparisons =
      try rival.map { rival in
        try resampling.comparisons(of: measure(rival, split, options).result, measured.result)
      } ?? []
    if output.json {
      Console.out(json(measured, intervals, comparisons))
      return
    }
    Console.out(measured.text(intervals))
    if let against { Console.out("against \(against):\n\(RunEvaluation.text(of: comparisons))") }
  }

  private func measure(
    _ run: Run, _ split: Split, _ options: EvaluationOptions, with others: [Run] = [],
    combining combination: ScoreCombination = .mean
  ) throws -> RunEvaluation {
    var progress: Progress?
    defer { progress?.finish() }
    var options = options
    options.progress = { done, total in
      if progress == nil { progress = Progress("encoding", of: total, quiet: output.quiet) }
      progress?.update(done)
    }
    return try run.evaluate(on: split, options, with: others, combining: combination)
  }

  private func json(
    _ measured: RunEvaluation, _ intervals: [(name: String, interval: ConfidenceInterval)],
    _ comparisons: [(name: String, comparison: PairedComparison)]
  ) -> JSON {
    var json = measured.json
    if !measured.cautions.isEmpty { json["cautions"] = .array(measured.cautions.map(JSON.string)) }
    if !intervals.isEmpty {
      json["intervals"] = [
        "level": .double(intervals[0].interval.level), "samples": .int(samples),
        "metrics": .object(
          intervals.map { JSON.Member($0.name, [.double($0.interval.lower), .double($0.interval.upper)]) }),
      ]
    }
    if let against {
      let holm = holmCorrected(comparisons.map(\.comparison.randomization))
      json["against"] = [
        "run": .string(against),
        "metrics": .object(
          zip(comparisons, holm).map { entry, corrected in
            var found = entry.comparison.json
            found["randomisation_p_holm"] = .double(corrected)
            return JSON.Member(entry.name, found)
          }),
      ]
    }
    return json
  }
}
