import ArgumentParser
import CrossModal
import Foundation
import Torch

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract:
      "Show why two items match, what a question looked at, or where the words of a caption were looked for.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal explain runs/scan --pair 3,17 --out why.png
        crossmodal explain runs/scan --pair 3,17 --split val --out why.html
        crossmodal explain runs/densecl --pair 3,17 --threshold 0.9 --out places.png

      A pair is a row of the first modality and a row of the second, counted from 0 within the split; two rows of the same \
      for a method of one modality.
      """))

  @OptionGroup var options: RunOptions

  @Option(help: ArgumentHelp("The two rows.", valueName: "i,j"))
  var pair: String

  @Option(help: "The file to write: .png or .html.")
  var out: String

  @Option(help: "Show places of two pictures whose cosine is at least this (densecl).")
  var threshold = -1.0

  @Flag(help: "Replace a file that stands at --out.")
  var force = false

  @OptionGroup var output: OutputOptions

  private var rows: [Int] {
    pair.split(separator: ",", omittingEmptySubsequences: false).compactMap {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
  }

  func validate() throws {
    guard rows.count == 2, pair.split(separator: ",", omittingEmptySubsequences: false).count == 2 else {
      throw ValidationError("--pair: '\(pair)' is not of the form 3,17")
    }
    try Self.checkEnding(of: out)
  }

  static func checkEnding(of out: String) throws {
    guard ["png", "html"].contains(URL(fileURLWithPath: out).pathExtension.lowercased()) else {
      throw ValidationError("--out: '\(out)' does not end in .png or .html")
    }
  }

  func run() throws {
    try StagedFile.check(out, replacing: force)
    let run = try options.open()
    // Two items are read, and rows keep their numbers: nothing is left out.
    let split = try RunOptions.dataSet(of: run, data: options.data, strict: options.strict, output)
      .split(options.split)
    for (side, row) in zip([run.comparedSides.first, run.comparedSides.second], rows)
    where !(0..<split.count(side: side)).contains(row) {
      throw UsageError(
        "--pair \(pair): split '\(options.split)' has rows 0 to \(split.count(side: side) - 1) of \(run.modalities[side])"
      )
    }
    let explanation = try run.explanation(of: split, (rows[0], rows[1]), threshold: threshold)
    try explanation.write(to: out)
    if out.lowercased().hasSuffix(".png"), let caution = try explanation.fontCaution() {
      output.warn(caution)
    }
    if output.json {
      var json = explanation.json
      json["file"] = .string(out)
      json["rows"] = .array(rows.map(JSON.int))
      if let attention = explanation.attention { json["attention"] = attention }
      if let links = explanation.links { json["places"] = links.json }
      Console.out(json)
    } else {
      Console.out("\(out): \(explanation.summary)")
    }
  }
}
