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
    guard run.modalities.count > 1 else { return try evaluateObjects(run, split) }
    var evaluation = try run.evaluation(of: split)
    evaluation.protocol = searched ?? evaluation.protocol
    evaluation.ties = rule ?? evaluation.ties
    if run.modalities.count > 2, rival != nil || !others.isEmpty {
      output.warn("only \(run.modalities[0]) and \(run.modalities[1]) are combined and compared")
    }
    let result = try measure(run, split, evaluation, with: others, combining: combination)
    // The table of several views has no room for them.
    let hasIntervals = samples > 0 && (output.json || result.further.isEmpty)
    let intervals = hasIntervals ? result.intervals(Resampling(samples: samples)) : []
    let comparisons =
      try rival.map { rival in
        try Resampling(samples: samples).comparisons(
          of: measure(rival, split, evaluation).retrieval, result.retrieval)
      } ?? []
    if output.json {
      Console.out(json(result, intervals, comparisons).text(pretty: true))
    } else {
      Console.out(text(result, intervals, comparisons))
    }
  }

  private func measure(
    _ run: Run, _ split: Split, _ evaluation: RetrievalEvaluation, with others: [Run] = [],
    combining combination: ScoreCombination = .mean
  ) throws -> RunEvaluation {
    var progress: Progress?
    defer { progress?.finish() }
    return try run.evaluate(
      on: split, evaluation, with: others, combining: combination
    ) { done, total in
      if progress == nil { progress = Progress("encoding", of: total, quiet: output.quiet) }
      progress?.update(done)
    }
  }

  private func json(
    _ result: RunEvaluation, _ intervals: [(name: String, interval: ConfidenceInterval)],
    _ comparisons: [(name: String, comparison: PairedComparison)]
  ) -> JSON {
    var json = result.json
    if !intervals.isEmpty {
      json["intervals"] = [
        "level": .double(intervals[0].interval.level), "samples": .int(samples),
        "metrics": .object(
          intervals.map { JSON.Member($0.name, [.double($0.interval.lower), .double($0.interval.upper)]) }),
      ]
    }
    if let against {
      let holm = holmCorrected(comparisons.map(\.comparison.randomisation))
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

  private func text(
    _ result: RunEvaluation, _ intervals: [(name: String, interval: ConfidenceInterval)],
    _ comparisons: [(name: String, comparison: PairedComparison)]
  ) -> String {
    let known = Dictionary(intervals.map { ($0.name, $0.interval) }) { first, _ in first }
    let names = result.retrieval.forward.summary.values.map(\.name)
    var table = ReportTable(
      columns: [.init("")] + names.map { .init($0, decimals: Self.decimals($0), isNumeric: true) })
    for pair in result.pairs {
      let directions = [pair.retrieval.forward, pair.retrieval.backward].map(\.summary.values)
      for (name, values) in zip(pair.retrieval.directionNames, directions) {
        table.rows.append(
          [.text(name.replacingOccurrences(of: "_", with: " "))] + values.map { .number($0.value) })
        guard !known.isEmpty, result.further.isEmpty else { continue }
        table.rows.append(
          [.text("  95 % interval")]
            + values.map { entry in
              known["\(name).\(entry.name)"].map { .text(Self.range($0, entry.name)) } ?? .missing
            })
      }
    }
    var lines = [
      "\(result.method) on \(result.dataset), split \(result.split): \(result.retrieval.protocol)",
      "\(TextTable(table))",
    ]
    if result.further.isEmpty, let rsum = result.retrieval.rsum {
      let range = known["rsum"].map { ", 95 % interval \(Self.range($0, "R@"))" } ?? ""
      lines.append(String(format: "rsum %.1f", rsum) + range)
    }
    for pair in result.pairs {
      guard let correlations = pair.correlations else { continue }
      let names = result.further.isEmpty ? "" : pair.retrieval.modalities.joined(separator: ", ") + ": "
      let shown = correlations.prefix(10).map { String(format: "%.4f", $0) }.joined(separator: " ")
      lines.append("\(names)correlations \(shown)\(correlations.count > 10 ? " …" : "")")
      lines.append(String(format: "\(names)total correlation %.4f", correlations.reduce(0, +)))
    }
    for found in result.prediction ?? [] {
      let name = found.name.replacingOccurrences(of: "_", with: " ")
      if let accuracy = found.accuracy { lines.append(String(format: "\(name): accuracy %.4f", accuracy)) }
      if let explained = found.explained {
        let mean = found.correlations.reduce(0, +) / Double(max(1, found.correlations.count))
        lines.append(
          String(
            format: "\(name): predicts %.1f %% of the variance, mean correlation of a column %.4f",
            100 * explained, mean))
      }
    }
    if let against { lines += ["against \(against):", "\(TextTable(Self.table(comparisons)))"] }
    return lines.joined(separator: "\n")
  }

  private static func range(_ interval: ConfidenceInterval, _ metric: String) -> String {
    [interval.lower, interval.upper].map { String(format: "%.\(decimals(metric))f", $0) }
      .joined(separator: "–")
  }

  private static func table(_ comparisons: [(name: String, comparison: PairedComparison)]) -> ReportTable {
    let holm = holmCorrected(comparisons.map(\.comparison.randomisation))
    return ReportTable(
      columns: [
        .init("Metric"), .init("Difference"), .init("95 % interval", isNumeric: true),
        .init("p (exchange)", decimals: 4), .init("p (Holm)", decimals: 4),
        .init("p (bootstrap)", decimals: 4),
      ],
      rows: zip(comparisons, holm).map { entry, corrected in
        let difference = entry.comparison.difference
        return [
          .text(
            entry.name.replacingOccurrences(of: "_", with: " ").replacingOccurrences(of: ".", with: ", ")),
          .number(difference.value),
          .text(
            [difference.lower, difference.upper].map { NumberText.fixed($0, decimals: 3) }
              .joined(separator: " to ")),
          .number(entry.comparison.randomisation), .number(corrected), .number(entry.comparison.bootstrap),
        ]
      })
  }

  /// Percentages and ranks want fewer digits than fractions.
  static func decimals(_ metric: String) -> Int {
    metric.hasPrefix("R@") || metric.hasPrefix("MeanR") ? 1 : metric == "MedR" ? 0 : 3
  }
}
