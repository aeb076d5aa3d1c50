import CrossModalLettering
import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Answers of a run")
struct AnswersTests {
  /// Pictures of one bright quarter each, and what people ask of them.
  static func data(in folder: TemporaryFolder) throws -> DataSet {
    let places = ["top left", "top right", "bottom left", "bottom right"]
    var (pixels, questions, answers, pairs) = ([UInt8](), [String](), [String](), [Int]())
    for picture in 0..<40 {
      let place = picture % 4
      for row in 0..<16 {
        for column in 0..<16 {
          let isIn = row / 8 == place / 2 && column / 8 == place % 2
          for _ in 0..<3 {
            pixels.append(isIn ? UInt8(200 + (picture + row + column) % 50) : UInt8((row * column) % 30))
          }
        }
      }
      for (asked, answer) in [
        ("Where is the light?", places[place]), ("Is it at the top?", place < 2 ? "Yes" : "No"),
      ] {
        pairs += [picture, questions.count]
        questions.append(asked)
        answers.append(answer)
      }
    }
    try folder.write(Tensor(pixels, shape: [40, 16, 16, 3]), to: "pictures.npy")
    try folder.write(questions.joined(separator: "\n") + "\n", to: "questions.txt")
    try folder.write(answers.map { "[\"\($0)\"]\n" }.joined(), to: "answers.jsonl")
    try folder.write(Tensor(pairs, shape: [questions.count, 2]), to: "pairs.npy")
    try folder.write(
      """
      name: lights
      modalities:
        image: { file: pictures.npy, kind: images }
        question: { file: questions.txt, kind: text }
      pairs: pairs.npy
      answers: answers.jsonl
      splits: { train: "0:32", test: "32:40" }
      """, to: "dataset.yaml")
    return try DataSet(at: folder.path)
  }

  static let settings: JSON = [
    "encoder": "patches(8)", "word_dim": 24, "filters": [16, 16, 16], "attention_dim": 24, "dropout": 0,
    "learning_rate": 0.003, "batch_size": 16, "epochs": 100, "hold_back": 0,
  ]

  static func run(_ data: DataSet, into folder: URL) throws -> Run {
    try Run.train(
      SAN.self, settings: RunSettings(settings, keys: SAN.allKeys), data: data, into: folder
    ).run
  }

  @Test(
    "SAN learns where the light is, looks there, is measured beside its priors, and answers and shows new pictures"
  )
  func wholeWay() throws {
    let (folder, runs) = (try TemporaryFolder(), try TemporaryFolder())
    let data = try Self.data(in: folder)
    let run = try Self.run(data, into: runs.file("run"))
    let test = try data.split("test")
    let measured = try run.evaluate(on: test)
    let values = Dictionary(measured.result.measures.map { ($0.name, $0.value) }) { first, _ in first }
    #expect(values["accuracy"] == 100 && values["answer_type.yes/no.accuracy"] == 100)
    // A quarter of the places and half of the yes or no is what the questions alone give.
    #expect(
      measured.result.priors.map(\.name) == ["most frequent answer", "most frequent answer to the question"])
    #expect(measured.result.priors[1].measures.first { $0.name == "accuracy" }?.value == 37.5)
    #expect(measured.cautions == [])
    #expect(measured.json["metrics"]?["per_question_type"]?["where is"]?["n"] == .int(8))
    let page = try run.report(measured, on: test).html
    #expect(page.contains("Where is the light?") && page.contains("Most frequent answer to the question"))

    // One picture, two questions.
    let picture = try test.items(side: 0, at: [3])
    let answers = try run.answers(to: ["where is the light", "Is it at the top?"], about: picture, top: 3)
    #expect(answers.map { $0[0].text } == ["bottom right", "no"] && answers.map(\.count) == [3, 3])
    #expect(throws: AnswerError.noWords("?!")) { try run.answers(to: ["what", "?!"], about: picture) }
    #expect(throws: AnswerError.severalItems(2)) {
      try run.answers(to: ["what"], about: test.items(side: 0, at: [1, 2]))
    }
    #expect(
      run.warning(ofQuery: "Hm zzz?", side: 1)?.contains(
        "no word of the question ('hm' and 'zzz'), so the answer") == true)

    Lettering.registerPango()
    let explanation = try run.explanation(of: test, (3, 6))
    #expect(explanation.evidence.map(\.looks) == [["hop 1", "hop 2"]])
    #expect(explanation.sides[0].grid == PictureGrid(height: 2, width: 2, channels: 192))
    #expect(explanation.outcome?.hasPrefix("bottom right (") == true)
    #expect(explanation.attention?["hops"]?.array?.count == 2 && explanation.attention?["rows"] == .int(2))
    let drawn = try Picture(.bytes(explanation.png(), name: "why")).decoded()
    #expect(drawn.size(along: 1) == 1720)
    let html = try explanation.report().html
    #expect(html.contains("hop 2") && html.contains("The answer: bottom right"))
    #expect(html.components(separatedBy: "data:image/png").count - 1 == 3)
    let new = try run.explanation(
      of: [picture, .texts(["Is it at the top?"])], titled: ["new.png", "Is it at the top?"])
    #expect(new.summary.contains("image ↔ question · no ("))
  }

  @Test(
    "evaluation leaves priors out where what was learned from is gone, and refuses a folder without WordNet")
  func withoutTraining() throws {
    let (folder, other, runs) = (try TemporaryFolder(), try TemporaryFolder(), try TemporaryFolder())
    var quick = Self.settings
    quick["epochs"] = 1
    let run = try Run.train(
      SAN.self, settings: RunSettings(quick, keys: SAN.allKeys), data: Self.data(in: folder),
      into: runs.file("run")
    ).run
    let moved = try Self.data(in: other)
    #expect(try run.evaluate(on: moved.split("test")).result.priors.count == 2)
    try FileManager.default.removeItem(atPath: folder.path)
    #expect(try run.evaluate(on: moved.split("test")).result.priors.count == 0)
    var options = EvaluationOptions()
    options.wordNet = other.file("nowhere")
    #expect(throws: WordNetError.self) { try run.evaluate(on: moved.split("test"), options) }
  }

  @Test("questions without words, and data without answers, are told before anything is learned")
  func refused() throws {
    let (folder, runs) = (try TemporaryFolder(), try TemporaryFolder())
    _ = try Self.data(in: folder)
    let text = try String(contentsOf: folder.file("questions.txt"), encoding: .utf8)
    let lines = text.split(separator: "\n")
    try folder.write(
      (lines.prefix(5) + ["?!"] + lines.dropFirst(6)).joined(separator: "\n") + "\n", to: "questions.txt")
    func told(_ data: DataSet) -> String {
      message { _ = try Self.run(data, into: runs.file("run")) } ?? ""
    }
    #expect(told(try DataSet(at: folder.path)).contains("question 5 has no words"))
    try folder.write(text, to: "questions.txt")
    let yaml = try String(contentsOf: folder.file("dataset.yaml"), encoding: .utf8)
    try folder.write(yaml.replacing("answers: answers.jsonl\n", with: ""), to: "dataset.yaml")
    #expect(told(try DataSet(at: folder.path)).contains("has no answers, which the method needs"))
    #expect(!FileManager.default.fileExists(atPath: runs.file("run").path), "nothing was begun")
  }
}
