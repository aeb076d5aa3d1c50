import ArgumentParser
import CrossModal
import Foundation

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Train, evaluate, search and explain on the bundled data, and write a report.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal demo
        crossmodal demo --out my-demo

      Three data sets: pictures and texts of Wikipedia articles, beside the published figures; emoji, whose \
      pictures are found by words; and scenes of emoji, in which every word of a caption says what it looks at.
      """))

  @Option(help: "The folder for the runs and the report.")
  var out = "demo-output"

  @OptionGroup var output: OutputOptions

  func run() throws {
    let start = ContinuousClock.now
    let folder = URL(fileURLWithPath: out)
    let wikipedia = try WikipediaDemo(folder: folder) { output.note($0) }
    let emoji = try EmojiDemo(folder: folder) { output.note($0) }
    let scenes = try ScenesDemo(folder: folder) { output.note($0) }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let report = try DemoReport(
      wikipedia: wikipedia, emoji: emoji, scenes: scenes, seconds: seconds, folder: out
    ).page()
    let file = folder.appendingPathComponent("report.html")
    try report.write(to: file)
    if output.json {
      Console.out([
        "report": .string(file.path), "wikipedia": wikipedia.evaluation.json, "emoji": emoji.evaluation.json,
        "emoji_cca": emoji.linear.evaluation.json, "scenes": scenes.evaluation.json,
        "words": ["named": .int(scenes.named.words), "right": .int(scenes.named.right)],
        "searches": .array(emoji.searches.map(\.json)), "seconds": .double(seconds),
      ])
    } else {
      Console.out(summary(wikipedia, emoji, scenes, seconds))
    }
  }

  /// Commands that go on from what the demo leaves.
  static func next(_ folder: String) -> [String] {
    [
      "./crossmodal search \(folder)/emoji --query-text \"red heart\" --out found.html",
      "./crossmodal search \(folder)/emoji --from image --to text --query-file Data/emoji/images/2764.jpg",
      "./crossmodal explain \(folder)/scenes --pair 7,21 --out why.png",
      "./crossmodal evaluate \(folder)/emoji --against \(folder)/emoji-cca",
      "./crossmodal train --method cca --data genes.csv,proteins.csv --out runs/mine",
      "./crossmodal methods",
    ]
  }

  private func summary(
    _ wikipedia: WikipediaDemo, _ emoji: EmojiDemo, _ scenes: ScenesDemo, _ seconds: Double
  ) -> String {
    let precision = WikipediaDemo.precision(wikipedia.retrieval).map { text($0) }.joined(separator: " and ")
    let paper =
      wikipedia.published.first { $0.method == "cca" }
      .map { " (published \($0.precision.map { text($0) }.joined(separator: " and ")))" } ?? ""
    func recall(_ result: RetrievalResult) -> String {
      text(result.retrieval.backward.summary.recalls?[2] ?? 0, 0) + " %"
    }
    let found = emoji.searches[1]
    return """
      Wikipedia   cca    mAP picture to text and back \(precision)\(paper)
      Emoji       clip   \(recall(emoji.retrieval)) of 296 names never seen find their picture among ten; cca \(recall(emoji.linear.retrieval))
                         "\(found.query)" finds \(found.found.prefix(3).map(\.card.label).joined(separator: ", "))
      Scenes      scan   \(scenes.named.right) of \(scenes.named.words) words look at the emoji they mean, which nobody told them

      Report: \(out)/report.html  (\(text(seconds, 0)) s)
      Next:   \(Self.next(out).joined(separator: "\n        "))
      """
  }

  private func text(_ number: Double, _ decimals: Int = 3) -> String {
    String(format: "%.\(decimals)f", number)
  }
}
