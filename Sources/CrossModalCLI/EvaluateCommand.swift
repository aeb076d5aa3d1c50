import ArgumentParser
import CrossModal
import Foundation

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure a run, runs of several seeds, or captions of a file.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal evaluate runs/wikipedia
        crossmodal evaluate runs/wikipedia --split train --json
        crossmodal evaluate runs/clip --against runs/wikipedia
        crossmodal evaluate runs/wikipedia --protocol folds:100 --ties mean
        crossmodal evaluate runs/scan-t2i --models runs/scan-i2t
        crossmodal evaluate runs/san --wordnet /usr/share/wordnet
        crossmodal evaluate runs/clip-b32 --data photos --protocol zero-shot \\
          --labels names.txt
        crossmodal evaluate --captions said.json --references val2014.json
        crossmodal evaluate --captions said.txt --references one.txt two.txt

      Of the folder of runs that `train --seeds` writes: the mean over the seeds, their standard deviation, and what \
      the mean would be over other seeds and other items. --against takes such folders too.

      Files of captions are the COCO evaluation's .json, .jsonl with a text, a list or an object a line, or plain lines.
      """))

  @Argument(
    help: ArgumentHelp("The folder of a run, as `crossmodal train` wrote it.", valueName: "run"))
  var folder: String?

  @OptionGroup var rows: RowOptions

  @Option(help: ArgumentHelp("Captions to measure without a run, one an image.", valueName: "file"))
  var captions: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Of --captions: what people wrote, one caption of each image in each file, or several.",
      valueName: "file"))
  var references: [String] = []

  @Option(
    help:
      "Of --captions: how they become words, \(CaptionMetrics.Tokenizer.allCases.map(\.rawValue).joined(separator: " (as the official evaluation) or "))."
  )
  var tokenizer: String?

  @Flag(name: .customLong("no-brevity-penalty"), help: "Of --captions: BLEU does not punish short captions.")
  var ignoresBrevity = false

  @OptionGroup var ensemble: EnsembleOptions

  @Option(
    name: .customLong("protocol"),
    help:
      "What is searched: \(RetrievalProtocol.names.joined(separator: ", ")); full unless the run's settings have folds. zero-shot: how often items are put into the right of the classes of --labels."
  )
  var protocolName: String?

  @OptionGroup var classes: ClassOptions

  @Option(
    help:
      "Rank among equal scores: \(TieRule.allCases.map(\.rawValue).joined(separator: ", ")); pessimistic unless the run's settings have tie_policy."
  )
  var ties: String?

  @Option(
    help:
      "A folder of WordNet's files, for WUPS of answers and METEOR of captions; WNHOME/dict, WNSEARCHDIR or /usr/share/wordnet unless given."
  )
  var wordnet: String?

  @Option(
    parsing: .unconditional,
    help: "How often the test items are drawn again for intervals and significance; 0 leaves them out.")
  var samples = 1000

  @Option(
    help:
      "Another run, or runs of several seeds, to compare with on the same items: differences, with their significance."
  )
  var against: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (0...1_000_000).contains(samples) else {
      throw ValidationError("--samples: \(samples) is not a whole number from 0 to 1000000")
    }
    guard against == nil || samples > 0 else {
      throw ValidationError("--against needs --samples of 1 or more")
    }
    guard (folder == nil) != (captions == nil) else {
      throw ValidationError("name a run, or a file of --captions")
    }
    guard captions == nil || !references.isEmpty else {
      throw ValidationError("--captions needs --references")
    }
    guard captions != nil || references.isEmpty && tokenizer == nil && !ignoresBrevity else {
      throw ValidationError("--references, --tokenizer and --no-brevity-penalty are for --captions")
    }
    guard captions == nil || against == nil && protocolName == nil && ties == nil && rows.data == nil else {
      throw ValidationError("--against, --protocol, --ties and --data are for runs")
    }
    guard isZeroShot == (classes.labels != nil), isZeroShot || classes.templates == nil else {
      throw ValidationError("--protocol zero-shot needs --labels; --labels and --templates are for it")
    }
    guard !isZeroShot || ties == nil && wordnet == nil && ensemble.models == nil else {
      throw ValidationError("--ties, --wordnet and --models are not for --protocol zero-shot")
    }
  }

  private var isZeroShot: Bool { protocolName?.lowercased() == "zero-shot" }

  func run() throws {
    if isZeroShot { return try evaluateZeroShot() }
    if let captions { return show(try evaluation(of: captions), comparisons: []) }
    let searched = try protocolName.map(RetrievalProtocol.init(named:))
    let rule = try ties.map(TieRule.init(named:))
    let combination = try ensemble.combination()
    let runs = try MeasuredRuns(at: folder ?? "")
    let run = runs.first
    guard runs.group == nil || ensemble.models == nil else {
      throw UsageError(
        "\(runs.name): holds runs of several seeds; --models combines single runs, such as \(runs.name)/\(runs.group?.members[0].name ?? "")"
      )
    }
    let others = try ensemble.open(beside: run, output)
    let rival = try against.map { name in
      let rival = try MeasuredRuns(at: name)
      try RunOptions.check(name, rival.first, beside: run, option: "--against", output)
      return rival
    }
    let (_, split) = try RunOptions.rows(
      of: run, data: rows.data, split: rows.split, strict: rows.strict, output)
    var options = EvaluationOptions(searched: searched, ties: rule)
    options.wordNet = wordnet.map { URL(fileURLWithPath: $0) }
    try run.check(options)
    if run.modalities.count > 2, rival != nil || !others.isEmpty {
      output.warn("only \(run.modalities[0]) and \(run.modalities[1]) are combined and compared")
    }
    let measured = try measure(runs, split, options, with: others, combining: combination)
    let comparisons =
      try rival.map { rival in
        try Resampling(samples: samples).comparisons(
          of: rival.comparable(measure(rival, split, options).result, with: runs),
          runs.comparable(measured.result, with: rival))
      } ?? []
    show(measured, comparisons: comparisons)
  }

  /// How often items are put into the right class.
  private func evaluateZeroShot() throws {
    func measured(_ name: String) throws -> RunEvaluation {
      let run = try Run.open(name)
      let classifier = try classes.classifier(run)
      let set =
        try rows.data.map { try DataSet(at: $0, strict: rows.strict) }
        ?? run.record.dataSet(strict: rows.strict)
      let split = try RunOptions.readable(set.split(rows.split), strict: rows.strict, output)
      var progress: Progress?
      defer { progress?.finish() }
      return try classifier.evaluate(on: split, from: classes.labels ?? "") { done, total in
        if progress == nil { progress = Progress("encoding", of: total, quiet: output.quiet) }
        progress?.update(done)
      }
    }
    let own = try measured(folder ?? "")
    let comparisons = try against.map { name in
      try Resampling(samples: samples).comparisons(of: measured(name).result, own.result)
    }
    show(own, comparisons: comparisons ?? [])
  }

  /// What the captions of a file come to.
  private func evaluation(of captions: String) throws -> RunEvaluation {
    let start = ContinuousClock.now
    let reading = try tokenizer.map { name in
      guard let found = CaptionMetrics.Tokenizer(rawValue: name) else {
        throw UsageError("--tokenizer: '\(name)' is neither ptb nor space")
      }
      return found
    }
    // A folder that was named is there; the usual ones may be.
    let synonyms = try wordnet.map { try SynonymTable(folder: URL(fileURLWithPath: $0)) }
    let result = try CaptionMetrics(
      of: CaptionFile(captions), references: references.map { try CaptionFile($0) },
      tokenizer: reading ?? .ptb, synonyms: synonyms ?? (try? SynonymTable()), brevityPenalty: !ignoresBrevity
    )
    return RunEvaluation(
      ofCaptions: captions, references: references, result,
      seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  private func show(
    _ measured: RunEvaluation, comparisons: [(name: String, comparison: PairedComparison)]
  ) {
    let intervals = samples > 0 ? Resampling(samples: samples).intervals(of: measured.result) : []
    if output.json {
      Console.out(json(measured, intervals, comparisons))
      return
    }
    Console.out(measured.text(intervals))
    if let against { Console.out("against \(against):\n\(RunEvaluation.text(of: comparisons))") }
  }

  private func measure(
    _ runs: MeasuredRuns, _ split: Split, _ options: EvaluationOptions, with others: [Run] = [],
    combining combination: ScoreCombination = .mean
  ) throws -> RunEvaluation {
    var progress: Progress?
    defer { progress?.finish() }
    var options = options
    options.progress = { done, total in
      if progress == nil { progress = Progress("encoding", of: total, quiet: output.quiet) }
      progress?.update(done)
    }
    return try runs.evaluate(on: split, options, with: others, combining: combination)
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
