import ArgumentParser
import CrossModal
import Foundation
import Torch

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a run's weights and settings for use elsewhere.",
    discussion: """
      EXAMPLES
        crossmodal export runs/wikipedia --out wikipedia-weights

      The folder gets model.safetensors, which Python's safetensors reads, with the official parameter names; \
      featurizers.safetensors where there are any; and config.yaml.
      """)

  @Argument(help: ArgumentHelp("The folder of a run, as `crossmodal train` wrote it.", valueName: "run"))
  var folder: String

  @Option(help: "The folder to write.")
  var out: String

  @Flag(help: "Replace an export that stands at --out.")
  var force = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    try StagedFolder.check(URL(fileURLWithPath: out), kind: .run, replacing: force)
    let run = try Run.open(folder)
    let places = [folder, out].map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().standardizedFileURL }
    guard places[0] != places[1] else { throw UsageError("--out: \(out) is the run itself") }
    try run.save(to: URL(fileURLWithPath: out), replacing: force)
    let tensors = run.method.state
    if output.json {
      Console.out([
        "folder": .string(out), "method": .string(run.about.name),
        "tensors": .array(
          tensors.map { ["name": .string($0.name), "shape": .array($0.tensor.shape.map(JSON.int))] }),
      ])
    } else {
      Console.out("\(out): \(run.about.name), \(tensors.count) tensors")
    }
  }
}
