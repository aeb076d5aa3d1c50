import ArgumentParser
import CrossModal
import Foundation

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Train, evaluate and search on the bundled data, and write a report.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal demo
        crossmodal demo --out my-demo

      Two data sets: pictures and texts of Wikipedia articles, beside the published figures; and emoji, whose \
      pictures are found by words.
      """))

  @Option(help: "The folder for the two runs and the report.")
  var out = "demo-output"

  @OptionGroup var output: OutputOptions

  func run() throws {
    let start = ContinuousClock.now
    let folder = URL(fileURLWithPath: out)
    let wikipedia = try WikipediaDemo(folder: folder) { output.note($0) }
    let emoji = try EmojiDemo(folder: folder) { output.note($0) }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let report = DemoReport(wikipedia: wikipedia, emoji: emoji, seconds: seconds, folder: out).page()
    let file = folder.appendingPathComponent("report.html")
    try report.write(to: file)
    if output.json {
      Console.out([
        "report": .string(file.path), "wikipedia": wikipedia.evaluation.json, "emoji": emoji.evaluation.json,
        "searches": .array(emoji.searches.map(\.json)), "seconds": .double(seconds),
      ])
    } else {
      Console.out(summary(wikipedia, emoji, seconds))
    }
  }

  private func summary(_ wikipedia: WikipediaDemo, _ emoji: EmojiDemo, _ seconds: Double) -> String {
    let precision = [wikipedia.retrieval.retrieval.forward, wikipedia.retrieval.retrieval.backward]
      .map { $0.summary.meanAveragePrecision ?? 0 }
    let recall = [emoji.retrieval.retrieval.forward, emoji.retrieval.retrieval.backward]
      .map { $0.summary.recalls?[2] ?? 0 }
    let paper =
      wikipedia.published.first { $0.method == "cca" }
      .map { " (published \($0.precision.map { text($0) }.joined(separator: " and ")))" } ?? ""
    let hearts = emoji.searches[0]
    return """
      Wikipedia, CCA   mAP image to text \(text(precision[0])), text to image \(text(precision[1]))\(paper)
      Emoji, CCA       R@10 image to text \(text(recall[0], 1)) %, text to image \(text(recall[1], 1)) % of 296 never seen
      "\(hearts.query)" finds  \(hearts.found.prefix(4).map(\.card.label).joined(separator: ", "))

      Report: \(out)/report.html  (\(text(seconds, 0)) s)
      Next:   ./crossmodal search \(out)/emoji --query-text "red heart"
              ./crossmodal evaluate \(out)/wikipedia
              ./crossmodal methods
      """
  }

  private func text(_ number: Double, _ decimals: Int = 3) -> String {
    String(format: "%.\(decimals)f", number)
  }
}
