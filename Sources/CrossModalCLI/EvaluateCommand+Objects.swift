import CrossModal

extension EvaluateCommand {
  /// Measures a run of one modality: retrieval of items of the query's class, and clusters.
  func evaluateObjects(_ run: Run, _ split: Split) throws {
    guard protocolName == nil, ties == nil else {
      throw UsageError(
        "--protocol and --ties are for two modalities; within \(run.modalities[0]) all items are searched and equal ones stand in their own order"
      )
    }
    guard ensemble.models == nil, against == nil else {
      throw UsageError(
        "--models and --against are for two modalities; \(run.modalities[0]) is searched within itself")
    }
    let progress = Progress("encoding", of: split.count(side: 0), quiet: output.quiet)
    let result = try run.evaluateObjects(on: split) { done, _ in progress.update(done) }
    progress.finish()
    guard !output.json else { return Console.out(result.json.text(pretty: true)) }
    let table = ReportTable(
      columns: result.values.map { .init($0.name, decimals: Self.decimals($0.name)) },
      rows: [result.values.map { .number($0.value) }])
    Console.out(
      "\(result.method) on \(result.dataset), split \(result.split): \(result.protocol)\n\(TextTable(table))")
  }
}
