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
      """)

  @OptionGroup var options: RunOptions

  @OptionGroup var ensemble: EnsembleOptions

  @Option(
    name: .customLong("protocol"),
    help: "What is searched: \(RetrievalProtocol.names.joined(separator: ", ")).")
  var protocolName = "full"

  @Option(help: "Rank among equal scores: \(TieRule.allCases.map(\.rawValue).joined(separator: ", ")).")
  var ties = TieRule.pessimistic.rawValue

  @OptionGroup var output: OutputOptions

  func run() throws {
    let evaluation = RetrievalEvaluation(
      protocol: try RetrievalProtocol(named: protocolName), ties: try TieRule(named: ties))
    let combination = try ensemble.combination()
    let run = try options.open()
    let others = try ensemble.open(beside: run)
    let (_, split) = try options.rows(of: run, output)
    guard run.modalities.count > 1 else { return try evaluateObjects(run, split) }
    var progress: Progress?
    let result = try run.evaluate(
      on: split, evaluation, with: others, combining: combination
    ) { done, total in
      if progress == nil { progress = Progress("encoding", of: total, quiet: output.quiet) }
      progress?.update(done)
    }
    progress?.finish()
    Console.out(output.json ? result.json.text(pretty: true) : table(result))
  }

  private func table(_ result: RunEvaluation) -> String {
    let directions = [result.retrieval.forward, result.retrieval.backward].map(\.summary.values)
    var table = ReportTable(
      columns: [.init("")] + directions[0].map { .init($0.name, decimals: Self.decimals($0.name)) })
    for (name, values) in zip(result.retrieval.directionNames, directions) {
      table.rows.append(
        [.text(name.replacingOccurrences(of: "_", with: " "))] + values.map { .number($0.value) })
    }
    var lines = [
      "\(result.method) on \(result.dataset), split \(result.split): \(result.retrieval.protocol)",
      "\(TextTable(table))",
    ]
    if let rsum = result.retrieval.rsum { lines.append(String(format: "rsum %.1f", rsum)) }
    if let correlations = result.correlations {
      let shown = correlations.prefix(10).map { String(format: "%.4f", $0) }.joined(separator: " ")
      lines.append("correlations \(shown)\(correlations.count > 10 ? " …" : "")")
      lines.append(String(format: "total correlation %.4f", correlations.reduce(0, +)))
    }
    return lines.joined(separator: "\n")
  }

  /// Percentages and ranks want fewer digits than fractions.
  static func decimals(_ metric: String) -> Int {
    metric.hasPrefix("R@") || metric.hasPrefix("MeanR") ? 1 : metric == "MedR" ? 0 : 3
  }
}
