import Foundation
import Testing
import Torch

@testable import CrossModal

/// A score for each answer of the list from the vector of a picture: the smallest method that answers.
private final class AnswerScores: Trainable {
  static let description = MethodDescription(
    name: "answer-scores", family: .attention, task: .answering, summary: "", citation: "",
    accepts: [.vector, .text])
  static let targets: [Target] = [.answers, .captions(side: 1)]

  struct Configuration: MethodConfiguration {
    static let keys: [ConfigurationKey] = []
  }

  let configuration: Configuration
  let scores: Linear
  /// How often a word begins a question.
  @Buffer var firstWords: Tensor

  init(_ configuration: Configuration, for data: DataDescription) throws {
    self.configuration = configuration
    scores = try Linear(
      from: data.modalities[0].size ?? 0, to: data.target("answers")?.count ?? 0, using: Generator(seed: 0))
    firstWords = try Tensor.zeros([data.target("captions")?.count ?? 0])
  }

  static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    (training.epochs, training.batchSize, training.learningRate) = (2, 3, 0.1)
    return training
  }

  /// Without pairs whose answers are all outside of the list.
  func sampler(for data: some TrainingSet, _ training: TrainingConfiguration) throws -> any BatchSampler {
    let known = (data.targets("answers") ?? []).indices.filter {
      data.targets("answers")?[$0].isEmpty == false
    }
    return ListedSampler(places: known)
  }

  func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let numbers = (batch.targets["answers"] ?? []).map { $0[0] }
    if step.isTraining {
      for words in batch.targets["captions"] ?? [] {
        let isFirst = (0..<firstWords.shape[0]).map { $0 == words[1] ? Float(1) : 0 }
        firstWords = try firstWords + Tensor(isFirst)
      }
    }
    let rows = try (batch.items[0].tensor ?? Tensor.zeros([0])).to(.float32)
    let chosen = try scores(rows).logSoftmax(along: 1).gathered(Tensor(numbers).unsqueezed(at: 1), along: 1)
    return try Loss(-chosen.mean())
  }

  private struct ListedSampler: BatchSampler {
    let places: [Int]
    let batchesPerEpoch = 1
    func batches(epoch: Int, seed: UInt64) throws -> [[Int]] { [places] }
  }
}

@Suite("Runs with targets")
struct TargetRunTests {
  private static func data(_ answers: [[String]]? = nil, texts: [String]? = nil) throws -> DataSet {
    try DataSet(
      name: "questions",
      [
        .init("picture", .vectors(try Tensor.identity(6))),
        .init(
          "question",
          .texts(texts ?? ["what is it", "what colour is it", "is it red", "is it", "what", "it"])),
      ],
      answers: answers ?? [["Red", "red"], ["blue"], ["red"], ["violet"], ["a red"], ["blue"]],
      splits: ["train": 0..<4, "val": 4..<6])
  }

  private static let settings: JSON = [
    "targets": ["answers": ["count": 2], "captions": ["threshold": 1]], "threads": 1,
  ]

  private static func trained(
    _ data: DataSet, into folder: URL, _ settings: JSON = settings, start: RunStart = .new
  ) throws -> Run {
    try Run.train(
      AnswerScores.self, settings: RunSettings(settings), data: data, into: folder, start: start
    ).run
  }

  @Test(
    "targets are fitted to the training part, sized for the method, stand in batches, and come back with the run"
  )
  func wholeWay() throws {
    let folder = try TemporaryFolder()
    let data = try Self.data()
    let trained = try Self.trained(data, into: folder.file("run"))
    let run = try Run.open(folder.file("run").path, methods: [AnswerScores.self])
    #expect(run.record == trained.record)
    let answers = try #require(run.targets.first?.encoder as? AnswerList)
    #expect(answers.answers == ["red", "blue"])
    #expect(run.targets.map(\.output.name) == ["answers", "captions"])
    // Held-out pairs have the numbers of the training part.
    let held = try run.pairs(of: data.split("val"))
    #expect(held.targets("answers") == [[0], [1]])
    let batch = try held.batch(at: [1])
    #expect(batch.targets["answers"] == [[1]] && batch.answers == [["blue"]])
    let words = try #require(batch.targets["captions"]?[0])
    #expect(run.targets[1].output.text(of: words) == "it")
    #expect(held.description.target("answers")?.count == 2)
    #expect(try run.pairs(of: data.split("train")).targets("answers") == [[0, 0], [1], [0], []])
    let method = try #require(run.method as? AnswerScores)
    #expect(method.scores.weight.shape == [2, 6])
    #expect(method.firstWords.shape == [run.targets[1].output.count])
    // Three pairs an epoch: the fourth has no answer in the list.
    #expect(try method.firstWords.sum().item(as: Int.self) % 3 == 0)
  }

  @Test("the record says what was set and fitted, and its settings make the same run")
  func record() throws {
    let folder = try TemporaryFolder()
    let data = try Self.data()
    let run = try Self.trained(data, into: folder.file("run"))
    let answers = run.record.targets["answers"]
    #expect(answers?["count"] == 2 && answers?["normalize"] == true && answers?["file"] == "answers.json")
    #expect(run.record.settings["targets"]?["answers"] == ["count": 2, "normalize": true])
    let again = try Self.trained(data, into: folder.file("again"), run.record.settings)
    #expect(again.record == run.record)
    let cca = try DataSet(
      name: "plain",
      [.init("x", .vectors(try Tensor.identity(4))), .init("y", .vectors(try Tensor.identity(4)))])
    let plain = try Run.fit(CCA.self, settings: RunSettings(.null), data: cca).record
    #expect(try plain.json()["targets"] == nil)
  }

  @Test("a run is not resumed with other answers")
  func changes() throws {
    let folder = try TemporaryFolder()
    _ = try Self.trained(Self.data(), into: folder.file("run"))
    let other = try Self.data([["green"], ["blue"], ["red"], ["violet"], ["a red"], ["blue"]])
    let error = #expect(throws: TrainingError.self) {
      try Self.trained(other, into: folder.file("run"), start: .resuming)
    }
    #expect(error?.errorDescription?.contains("targets.answers.checksum") == true)
  }

  @Test("what is missing, mistyped or damaged is told")
  func misfits() throws {
    let folder = try TemporaryFolder()
    let data = try Self.data()
    func failure(_ data: DataSet, _ targets: JSON) -> String? {
      message { _ = try Self.trained(data, into: folder.file("other"), ["targets": targets, "threads": 1]) }
    }
    let words: JSON = ["threshold": 1]
    let mute = try DataSet(
      name: "mute",
      [.init("picture", .vectors(try Tensor.identity(2))), .init("question", .texts(["a", "b"]))])
    #expect(
      failure(mute, ["captions": words])
        == "mute: the split 'train' has no answers, which the method needs for its target 'answers'")
    #expect(failure(data, ["answer": ["count": 2]])?.contains("did you mean 'targets.answers'?") == true)
    #expect(
      failure(data, ["answers": ["count": 0], "captions": words])
        == "targets.answers.count: 0 is not 1 or more")
    #expect(message { _ = try Run.fit(CCA.self, settings: RunSettings(["targets": [:]]), data: data) } != nil)
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/other"))
    _ = try Self.trained(data, into: folder.file("run"))
    try folder.write("{\"answers\": [\"red\", \"green\"]}", to: "run/answers.json")
    #expect(
      message { _ = try Run.open(folder.file("run").path, methods: [AnswerScores.self]) }?.hasSuffix(
        "answers.json: was changed or is damaged; it is not what was written") == true)
  }
}
