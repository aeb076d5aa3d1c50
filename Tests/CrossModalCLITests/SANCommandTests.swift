import Foundation
import Testing

@Suite("SAN from the command line")
struct SANCommandTests {
  /// Cells of pictures, one of which has a mark, and what people ask of them.
  private static func dataSet(in folder: TemporaryFolder) throws {
    let colors = ["red", "green", "blue"]
    var (cells, questions, answers, pairs) = ([String](), [String](), [String](), [String]())
    for picture in 0..<24 {
      for cell in 0..<4 {
        let isMarked = cell == picture * 3 % 4
        cells.append(
          (0..<4).map { $0 == 3 ? (isMarked ? "1" : "0") : isMarked && $0 == picture % 3 ? "1" : "0.\(cell)" }
            .joined(separator: ","))
      }
      for (asked, answer) in [
        ("what color is the mark?", colors[picture % 3]),
        ("is the mark red?", picture % 3 == 0 ? "yes" : "no"),
      ] {
        pairs.append("\(picture),\(questions.count)")
        questions.append(asked)
        answers.append("[\"\(answer)\"]")
      }
    }
    try folder.write(cells.joined(separator: "\n") + "\n", to: "cells.csv")
    try folder.write((0...24).map { "\($0 * 4)" }.joined(separator: "\n") + "\n", to: "offsets.csv")
    try folder.write(questions.joined(separator: "\n") + "\n", to: "questions.txt")
    try folder.write(answers.joined(separator: "\n") + "\n", to: "answers.jsonl")
    try folder.write(pairs.joined(separator: "\n") + "\n", to: "pairs.csv")
    try folder.write(
      """
      name: marks
      modalities:
        image: { file: cells.csv, kind: set, offsets: offsets.csv }
        question: { file: questions.txt, kind: text }
      pairs: pairs.csv
      answers: answers.jsonl
      splits: { train: "0:18", test: "18:24" }
      """, to: "dataset.yaml")
  }

  private static let small = [
    "word_dim=8", "filters=[6,6,6]", "attention_dim=8", "epochs=2", "batch_size=12",
  ].flatMap { ["--set", $0] }

  @Test("train, evaluate beside priors and against another run, answer, and explain")
  func wholeWay() throws {
    let folder = try TemporaryFolder()
    try Self.dataSet(in: folder)
    for (name, seed) in [("one", "1"), ("two", "2")] {
      let outcome = try CommandLine.run(
        [
          "train", "--method", "san", "--data", folder.path("dataset.yaml"), "--out", folder.path(name),
          "--quiet",
          "--seed", seed,
        ] + Self.small)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    let measured = try CommandLine.run(
      "evaluate", folder.path("one"), "--against", folder.path("two"), "--json", "--samples", "20")
    #expect(measured.status == 0, "\(measured.errors)")
    let json = try #require(
      JSONSerialization.jsonObject(with: Data(measured.output.utf8)) as? [String: Any])
    #expect((json["priors"] as? [String: Any])?.count == 2 && json["task"] as? String == "answering")
    #expect((json["metrics"] as? [String: Any])?["per_answer_type"] is [String: Any])
    let intervals = (json["intervals"] as? [String: Any])?["metrics"] as? [String: Any]
    #expect(intervals?["answer_type.yes/no.accuracy"] is [Double])
    #expect((json["against"] as? [String: Any])?["metrics"] is [String: Any])

    // One picture of its own: four cells.
    let cells = folder.path("cells.npy")
    try Self.cells(at: cells)
    let answered = try CommandLine.run(
      "answer", folder.path("one"), "--image", cells, "--question", "is the mark RED?", "--json")
    #expect(answered.status == 0, "\(answered.errors)")
    let answer = try #require(
      JSONSerialization.jsonObject(with: Data(answered.output.utf8)) as? [String: Any])
    let answers = try #require(answer["answers"] as? [[String: Any]])
    #expect(answers.count == 5 && answers.allSatisfy { $0["answer"] is String })
    let sum = answers.compactMap { $0["probability"] as? Double }.reduce(0, +)
    #expect(abs(sum - 1) < 1e-5)
    #expect(((answer["attention"] as? [String: Any])?["hops"] as? [[Double]])?.map(\.count) == [4, 4])

    for arguments in [
      [
        "answer", folder.path("one"), "--image", cells, "--question", "what color is the mark?", "--out",
        folder.path("a.png"),
      ],
      ["explain", folder.path("one"), "--pair", "1,3", "--out", folder.path("why.html")],
    ] {
      let outcome = try CommandLine.run(arguments)
      #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: arguments[arguments.count - 1])).count > 200)
    }
  }

  /// An .npy of float32 `[4, 4]`.
  private static func cells(at path: String) throws {
    let rows = (0..<4).map { row in (0..<4).map { Float((row * 4 + $0) % 5) / 4 } }
    try numpy(of: rows).write(to: URL(fileURLWithPath: path))
  }

  @Test("what cannot be asked is told in one sentence; words that nobody knows are named")
  func badQuestions() throws {
    let folder = try TemporaryFolder()
    try Self.dataSet(in: folder)
    let trained = try CommandLine.run(
      [
        "train", "--method", "san", "--data", folder.path("dataset.yaml"), "--out", folder.path("run"),
        "--quiet",
      ]
        + Self.small)
    #expect(trained.status == 0, "\(trained.errors)")
    let cells = folder.path("cells.npy")
    try Self.cells(at: cells)
    try folder.write("no picture", to: "words.txt")
    for (arguments, said, status) in [
      (["--image", cells, "--question", " ? "], "has no words", 2),
      (["--image", folder.path("nothing.npy"), "--question", "what?"], "no such file", 1),
      (["--image", folder.path("words.txt"), "--question", "what?"], "words.txt", 1),
      (["--image", cells, "--question", "what?", "--out", folder.path("a.gif")], ".png or .html", 2),
    ] as [([String], String, Int32)] {
      let outcome = try CommandLine.run(["answer", folder.path("run")] + arguments)
      #expect(outcome.status == status, "\(arguments): \(outcome.status) \(outcome.errors)")
      #expect(outcome.errors.contains(said) && outcome.output.isEmpty, "\(outcome.errors)")
    }
    let strange = try CommandLine.run(
      "answer", folder.path("run"), "--image", cells, "--question", "zebra quagga?")
    #expect(strange.status == 0 && strange.errors.contains("no word of the question ('zebra' and 'quagga')"))
    let other = try CommandLine.run(
      "evaluate", folder.path("run"), "--ties", "mean")
    #expect(other.status == 2 && other.errors.contains("is for retrieval"), "\(other.errors)")
  }
}
