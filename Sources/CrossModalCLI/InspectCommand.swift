import ArgumentParser
import CrossModal
import Foundation
import Torch

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Say what a data set holds and what may be wrong with it.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal data inspect Data/wikipedia
        crossmodal data inspect Data/emoji --out emoji.html
        crossmodal data inspect my-data --json

      Looks for NaN, items that occur twice, items and pairs that are in two splits, columns that are constant or \
      depend on each other or number the rows, columns that two modalities share, empty texts, pictures that cannot be \
      read, rows that are in no pair, unseen classes, files outside the data set's folder. \
      With --json, figures of papers on a data set that is known by name are given too.
      """))

  @Argument(help: "The data set: a folder with a dataset.yaml, a NAME.dataset.yaml, or files, x.npy,y.npy.")
  var dataset: String

  @Option(help: "Also write an HTML page with samples here.")
  var out: String?

  @Flag(help: "End with status 1 when a problem is found, or a file outside the folder is named.")
  var strict = false

  @Flag(help: "Replace a file that stands at --out.")
  var force = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    if let out { try StagedFile.check(out, replacing: force) }
    let inspection = try DataInspection(DataSet(at: dataset, checksNumbers: false))
    if let out { try inspection.report().write(to: URL(fileURLWithPath: out)) }
    if output.json {
      var json = inspection.json
      let published = PublishedFigures.known(of: inspection.name)
      if !published.isEmpty { json["published"] = .array(published.map(\.json)) }
      Console.out(json)
    } else {
      Console.out(inspection.text)
    }
    if strict, inspection.hasProblems || inspection.findings.contains(where: { $0.kind == .outside }) {
      throw CheckFailed()
    }
  }
}
