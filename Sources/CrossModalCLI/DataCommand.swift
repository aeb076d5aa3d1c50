import ArgumentParser
import CrossModal
import Foundation

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract: "Bring data into a dataset folder, and look into one.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal data inspect Data/wikipedia
        crossmodal data import karpathy dataset_flickr8k.json --out flickr8k \\
          --set images=Flicker8k_Dataset
      """),
    subcommands: [InspectCommand.self, ImportCommand.self])
}

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Bring a well-known layout of files into a dataset folder.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal data import easy-vqa easy_vqa --out easy
        crossmodal data import idx mnist --out halves --halves
        crossmodal data import activitynet captions --out activitynet \\
          --set features=c3d.h5

      FORMATS
      \(Importers.all.map { "  " + HelpText.hanging("\($0.name): \($0.about)", by: 6, width: 76) }.joined(separator: "\n"))
      """))

  @Argument(help: "The format.", completion: Completions.formats)
  var format: String

  @Argument(help: "The folder or file that holds it.", completion: .file())
  var source: String

  @Option(help: "The dataset folder to write.")
  var out: String

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("An option of the format; may be repeated.", valueName: "key=value"))
  var assignments: [String] = []

  @Flag(help: "idx: the left and the right half of each picture as two modalities.")
  var halves = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    var options: [String: String] = halves ? ["halves": "true"] : [:]
    for assignment in assignments {
      let parts = assignment.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw UsageError("--set \(assignment): expected key=value") }
      options[parts[0]] = parts[1]
    }
    let notes = try Importers.run(
      format, ImportRequest(source: URL(fileURLWithPath: source), options: options),
      into: URL(fileURLWithPath: out))
    let set = try DataSet(at: out, checksNumbers: false)
    // An import names the files that it was given, wherever they are.
    (notes + set.warnings(besidesFilesOutside: true)).forEach(output.warn)
    let parts = try set.splitNames.map(set.split)
    let rows = set.description.modalities.indices.map { side in parts.reduce(0) { $0 + $1.count(side: side) }
    }
    let counts = zip(set.description.modalities, rows).map { "\($0.name) (\($0.kind.rawValue), \($1) rows)" }
      .joined(separator: ", ")
    let splits = parts.map { "\($0.name) (\($0.count))" }.joined(separator: ", ")
    if output.json {
      Console.out([
        "folder": .string(out), "modalities": try JSON(encoding: set.description.modalities),
        "splits": .array(set.splitNames.map(JSON.string)), "rows": .array(rows.map(JSON.int)),
        "notes": .array(notes.map(JSON.string)),
      ])
    } else {
      Console.out("\(out): \(counts); splits \(splits)")
    }
  }
}
