import ArgumentParser
import CrossModal
import Foundation
import Torch

struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract:
      "Write the full similarity matrix of a split, rows of the first modality against all of the second.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal score runs/wikipedia --out scores.npy
        crossmodal score runs/wikipedia --data other --split val --out scores.npy
        crossmodal score runs/scan-t2i --models runs/scan-i2t --out scores.npy
      """))

  @OptionGroup var options: RunOptions

  @OptionGroup var ensemble: EnsembleOptions

  @Option(help: "The .npy file to write, float32 [rows of the first, rows of the second].")
  var out: String

  @Flag(help: "Replace a file that stands at --out.")
  var force = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    try OutputOptions.check(out, endsWith: ".npy", because: "scores are one array")
    try StagedFile.check(out, replacing: force)
    let combination = try ensemble.combination()
    let run = try options.open()
    let others = try ensemble.open(beside: run, output)
    let (_, split) = try options.rows(of: run, output)
    var encoding: Progress?
    let scores = try run.scores(of: split, with: others, combining: combination) { done, total in
      if encoding == nil { encoding = Progress("encoding", of: total, quiet: output.quiet) }
      encoding?.update(done)
    }
    encoding?.finish()
    let writer = try NPYWriter(out, shape: [scores.first, scores.second])
    // Blocks of at most 64 MB of scores, and small enough to see that it goes on.
    let block = max(1, min(64, 16 << 20 / max(1, scores.second)))
    let progress = Progress("scoring", of: scores.first, quiet: output.quiet)
    for start in stride(from: 0, to: scores.first, by: block) {
      let end = min(start + block, scores.first)
      try writer.append(scores.scores(rows: start..<end, columns: 0..<scores.second))
      progress.update(end)
    }
    progress.finish()
    try writer.finish()
    if output.json {
      Console.out(["file": .string(out), "shape": [.int(scores.first), .int(scores.second)]])
    } else {
      Console.out("\(out): float32 [\(scores.first), \(scores.second)]")
    }
  }
}
