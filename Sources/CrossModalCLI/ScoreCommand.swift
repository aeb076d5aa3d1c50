import ArgumentParser
import CrossModal
import Foundation
import Torch

struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract:
      "Write the full similarity matrix of a split, rows of the first modality against all of the second.",
    discussion: """
      EXAMPLES
        crossmodal score runs/wikipedia --out scores.npy
        crossmodal score runs/wikipedia --data other --split val --out scores.npy
      """)

  @OptionGroup var options: RunOptions

  @Option(help: "The .npy file to write, float32 [rows of the first, rows of the second].")
  var out: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    let run = try options.open()
    let method = try run.alignment()
    let (_, split) = try options.rows(of: run, output)
    let x = try run.features(of: split, side: 0)
    let y = try run.features(of: split, side: 1)
    let writer = try NPYWriter(out, shape: [x.count, y.count])
    // Blocks of at most 64 MB of scores.
    let block = max(1, 16 << 20 / max(1, y.count))
    let progress = Progress("scoring", of: x.count, quiet: output.quiet)
    for start in stride(from: 0, to: x.count, by: block) {
      let end = min(start + block, x.count)
      try withoutGradient { try writer.append(method.similarity(x.items(start..<end), y)) }
      progress.update(end)
    }
    progress.finish()
    try writer.finish()
    if output.json {
      Console.out(["file": .string(out), "shape": [.int(x.count), .int(y.count)]])
    } else {
      Console.out("\(out): float32 [\(x.count), \(y.count)]")
    }
  }
}
