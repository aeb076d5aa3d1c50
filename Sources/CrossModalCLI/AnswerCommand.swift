import ArgumentParser
import CrossModal
import Foundation
import Torch

struct AnswerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "answer",
    abstract: "Answer a question about a picture.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal answer runs/san --image a.png --question "what color is it?"
        crossmodal answer runs/san --image a.png --question "is it red?" \\
          --out why.png
        crossmodal answer runs/san --image cells.npy --question "is it red?" --json

      A run on features of cells takes a .npy of one picture's cells, [cells, numbers].
      """))

  /// Answers that are told.
  private static let most = 5

  @Argument(
    help: ArgumentHelp(
      "The folder of a run of a method that answers, as `crossmodal train` wrote it.", valueName: "run"))
  var folder: String

  @Option(help: "A picture, or a .npy of features where the run is on features.")
  var image: String

  @Option(help: "What to ask.")
  var question: String

  @Option(help: "A file to draw what the question looked at into: .png or .html.")
  var out: String?

  @Flag(help: "Replace a file that stands at --out.")
  var force = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let out { try ExplainCommand.checkEnding(of: out) }
  }

  func run() throws {
    let start = ContinuousClock.now
    if let out { try StagedFile.check(out, replacing: force) }
    let run = try Run.open(folder)
    let side = try run.questionSide
    let item = try Items(file: image, as: run.record.data.modalities[1 - side])
    let answers = try run.answers(to: [question], about: item, top: Self.most)[0]
    if let warning = run.warning(ofQuery: question, side: side) { output.warn(warning) }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    var json: JSON = [
      "image": .string(image), "question": .string(question),
      "answers": .array(
        answers.map { ["answer": .string($0.text), "probability": .double($0.probability)] }),
      "seconds": .double(seconds),
    ]
    if out != nil || output.json, run.method is any Explaining {
      let (asked, shown) = (Items.texts([question]), URL(fileURLWithPath: image).lastPathComponent)
      let explanation = try run.explanation(
        of: side == 1 ? [item, asked] : [asked, item],
        titled: side == 1 ? [shown, question] : [question, shown])
      json["attention"] = explanation.attention
      if let out {
        try explanation.write(to: out)
        if out.lowercased().hasSuffix(".png"), let caution = try explanation.fontCaution() {
          output.warn(caution)
        }
        json["file"] = .string(out)
      }
    } else if out != nil {
      throw UsageError("--out: \(run.about.name) has no attention to show")
    }
    guard !output.json else { return Console.out(json) }
    for answer in answers {
      Console.out(String(format: "%5.1f %%  ", 100 * answer.probability) + answer.text)
    }
    if let out { output.note("\(out): what the question looked at") }
  }
}
