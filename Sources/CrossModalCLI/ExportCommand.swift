import ArgumentParser
import CrossModal
import Foundation
import Torch

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a run's weights and settings for use elsewhere.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal export runs/wikipedia --out wikipedia-weights
        crossmodal export runs/genes --tables --out genes-tables
        crossmodal export runs/clip-b32 --scheme huggingface --out clip-finetuned

      The folder gets model.safetensors, which Python's safetensors reads, with the official parameter names; \
      featurizers.safetensors where there are any; and config.yaml. A method that learns a network of pictures (densecl) \
      gives it by itself, too, with torchvision's names and with detectron2's. With --tables it gets .csv instead, for canonical \
      methods: correlations, weights and loadings by the names of the columns, and the variates of every item. With \
      --scheme networks with published weights are written as published models are: weights, configuration, settings of \
      pictures and tokenizer, for open_clip (openai) or transformers (huggingface).
      """))

  @Argument(help: ArgumentHelp("The folder of a run, as `crossmodal train` wrote it.", valueName: "run"))
  var folder: String

  @Option(help: "The folder to write.")
  var out: String

  @Flag(help: "Replace an export that stands at --out.")
  var force = false

  @Flag(help: "Write tables (.csv) of what was found instead of weights.")
  var tables = false

  @Option(
    help: "The form of a published model to write networks of encoder published in: openai or huggingface.")
  var scheme: String?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard !tables || scheme == nil else { throw ValidationError("--tables and --scheme exclude each other") }
    guard scheme.map({ ["openai", "huggingface"].contains($0) }) ?? true else {
      throw ValidationError("--scheme: '\(scheme ?? "")' is neither openai nor huggingface")
    }
  }

  private func exportPublished(_ scheme: PublishedScheme) throws {
    let place = URL(fileURLWithPath: out)
    try StagedFolder.check(place, kind: .publishedModel, replacing: force)
    let run = try Run.open(folder)
    let count = try run.writePublished(to: place, scheme: scheme, replacing: force) { output.warn($0) }
    if output.json {
      Console.out(["folder": .string(out), "scheme": .string(scheme.rawValue), "tensors": .int(count)])
    } else {
      Console.out("\(out): \(scheme.rawValue), \(count) tensors")
    }
  }

  func run() throws {
    if let scheme = scheme.flatMap(PublishedScheme.init) { return try exportPublished(scheme) }
    if tables { return try exportTables() }
    try StagedFolder.check(URL(fileURLWithPath: out), kind: .run, replacing: force)
    let run = try Run.open(folder)
    let places = [folder, out].map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().standardizedFileURL }
    guard places[0] != places[1] else { throw UsageError("--out: \(out) is the run itself") }
    try run.save(to: URL(fileURLWithPath: out), replacing: force) { try run.writePictureNetwork(to: $0) }
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

  private func exportTables() throws {
    let place = URL(fileURLWithPath: out)
    try StagedFolder.check(place, kind: .tables, replacing: force)
    let run = try Run.open(folder)
    let set = try RunOptions.dataSet(of: run, data: nil, strict: false, output)
    let splits = try set.splitNames.map { try RunOptions.readable(set.split($0), strict: false, output) }
    let staged = try StagedFolder(for: place, kind: .tables, replacing: force)
    let files = try run.writeTables(of: splits, to: staged.folder)
    try staged.commit()
    if output.json {
      Console.out(["folder": .string(out), "files": .array(files.map(JSON.string))])
    } else {
      Console.out("\(out): \(files.joined(separator: ", "))")
    }
  }
}
