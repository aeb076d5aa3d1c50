import ArgumentParser
import CrossModal
import Foundation

struct ClassifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classify",
    abstract: "Put pictures or other items into classes that are named by words.",
    discussion: HelpText.discussion(
      """
      EXAMPLES
        crossmodal classify runs/clip-b32 --labels names.txt a.jpg b.png
        crossmodal classify runs/clip-b32 --labels names.txt \\
          --templates sentences.txt a.jpg --json
        crossmodal classify runs/sentences --labels topics.txt questions.txt

      Nothing is learned: a class is the mean direction of the sentences about it. --templates has a sentence a line, in \
      which {} stands for the name. What a published model gives are probabilities, of SigLIP for each class by itself.
      """))

  @Argument(
    help: ArgumentHelp("The folder of a run with texts in the same space as the items.", valueName: "run"))
  var folder: String

  @Argument(help: "Pictures, texts of one line an item, or .npy of vectors, as the run takes them.")
  var inputs: [String]

  @OptionGroup var classes: ClassOptions

  @Option(help: "Which modality the items are of, where the run has several of a kind.")
  var modality: String?

  @Option(name: .short, help: "How many classes are told of an item.")
  var k = 5

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...100_000).contains(k) else {
      throw ValidationError("-k: \(k) is not a whole number from 1 to 100000")
    }
    guard classes.labels != nil else {
      throw ValidationError("--labels: name a text with the name of a class a line")
    }
  }

  func run() throws {
    let start = ContinuousClock.now
    let run = try Run.open(folder)
    let classifier = try classes.classifier(run, of: modality)
    // Everything is looked at before the first is encoded.
    let items = try inputs.map { try Items(file: $0, as: run.record.data.modalities[classifier.side]) }
    var found: [JSON] = []
    for (input, items) in zip(inputs, items) {
      let rows = try classifier.classes(of: items, most: k)
      for (row, classes) in rows.enumerated() {
        let name = rows.count > 1 ? "\(input) row \(row)" : input
        found.append([
          "input": .string(input), "row": .int(row),
          "classes": .array(
            classes.map { found in
              var json: JSON = ["label": .string(found.name), "cosine": .double(found.cosine)]
              if let probability = found.probability { json["probability"] = .double(probability) }
              return json
            }),
        ])
        guard !output.json else { continue }
        Console.out(name)
        for found in classes {
          let figure =
            found.probability.map { String(format: "%5.1f %%", 100 * $0) }
            ?? String(format: "%7.3f", found.cosine)
          Console.out("  \(figure)  \(found.name)")
        }
      }
    }
    guard output.json else { return }
    Console.out([
      "items": .array(found), "classes": .int(classifier.sentences.names.count),
      "templates": .int(classifier.sentences.templates.count),
      "seconds": .double((ContinuousClock.now - start) / .seconds(1)),
    ])
  }
}
