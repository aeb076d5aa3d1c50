import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Classes named by sentences")
struct ZeroShotRunTests {
  private static let names = ["cat", "dog", "red house", "sea"]

  /// Numbers that say the class, and its name as a text.
  private static func data() throws -> DataSet {
    let generator = try Generator(seed: 1)
    let labels = (0..<60).map { $0 % 4 }
    let rows = try Tensor(
      labels.flatMap { label in (0..<4).map { $0 == label ? Float(3) : 0 } }, shape: [60, 4])
    return try DataSet(
      name: "toy",
      [
        .init("image", .vectors(try rows + Tensor.normal([60, 4], using: generator) * 0.1)),
        .init("text", .texts(labels.map { "a \(names[$0])" })),
      ], labels: .names(labels.map { names[$0].uppercased() }), splits: ["train": 0..<40, "test": 40..<60])
  }

  @Test("items are put into the class whose sentences lie nearest, and the true one is counted")
  func classes() throws {
    let data = try Self.data()
    let run = try Run.fit(CCA.self, settings: RunSettings(.null), data: data)
    let classifier = try RunClassifier(run, ClassSentences(Self.names, templates: ["a {}", "{}"]))
    #expect(classifier.side == 0 && !classifier.isScaled)
    let test = try data.split("test")
    let found = try classifier.classes(of: test.items(side: 0, rows: 0..<4), most: 2)
    #expect(found.map { $0[0].name } == Self.names)
    #expect(found.allSatisfy { $0.count == 2 && $0[0].cosine >= $0[1].cosine && $0[0].probability == nil })
    let measured = try classifier.evaluate(on: test, from: "names.txt")
    #expect(measured.result.measures.map(\.value) == [100, 100])
    #expect(measured.json["protocol"]?.string == "zero-shot, 4 classes, 2 sentences each")
    #expect(!Resampling(samples: 20).intervals(of: measured.result).isEmpty)
  }

  @Test("a method with a scale gives probabilities that add up to 1")
  func probabilities() throws {
    let run = try Run.learn(CLIP.self, from: Self.data().split("train"), features: ["text": "tfidf"]) {
      $0.embedSize = 4
    } training: {
      $0.epochs = 1
    }
    let classifier = try RunClassifier(run, ClassSentences(Self.names))
    let rows = try classifier.classes(of: Self.data().split("test").items(side: 0, rows: 0..<3), most: 4)
    for row in rows {
      #expect(abs(row.compactMap(\.probability).reduce(0, +) - 1) < 1e-6)
    }
  }

  @Test("classes of data are found by name or by number")
  func places() throws {
    let sentences = ClassSentences(["a", "b", "c"])
    #expect(try sentences.places(of: ["C", "a"], from: "f") == [2, 0])
    #expect(try sentences.places(of: ["0", "2"], from: "f") == [0, 2])
    #expect(try sentences.places(of: ["1", "3"], from: "f") == [0, 2])
    #expect(
      message { _ = try sentences.places(of: ["1", "4"], from: "f") }
        == "f: has 3 lines, but classes of the data are numbered 1 to 4")
    #expect(
      message { _ = try sentences.places(of: ["a", "d"], from: "f") }?.contains("has no line 'd'") == true)
  }

  @Test(
    "files that mean nothing are told",
    arguments: [
      ("", nil, "has no lines"), ("a\nA\n", nil, "line 2: names 'A' once more"),
      ("a\n\nb\n", nil, "line 2: is empty"),
      ("a\n", "it is\n", "line 1: is 'it is', expected {}"),
    ] as [(String, String?, String)])
  func mistakes(names: String, templates: String?, expected: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(names, to: "names.txt")
    let other = try templates.map { try folder.write($0, to: "templates.txt") }
    let said = message { _ = try ClassSentences(file: file.path, templates: other?.path) }
    #expect(said?.contains(expected) == true, "\(said ?? "nothing")")
  }

  @Test("runs without texts and data without labels are told")
  func unfit() throws {
    let data = try Self.data()
    let run = try Run.fit(CCA.self, settings: RunSettings(.null), data: data)
    let unlabeled = try DataSet(name: "plain", [.init("image", .vectors(Tensor.zeros([3, 4])))])
    let classifier = try RunClassifier(run, ClassSentences(Self.names))
    #expect(
      message { _ = try classifier.evaluate(on: unlabeled.split("train"), from: "n") }?.contains(
        "has no labels")
        == true)
    let numbers = try DataSet(
      name: "numbers",
      [
        .init("x", .vectors(Tensor.normal([40, 4], using: Generator(seed: 1)))),
        .init("y", .vectors(Tensor.normal([40, 4], using: Generator(seed: 2)))),
      ])
    let other = try Run.fit(CCA.self, settings: RunSettings(.null), data: numbers)
    #expect(
      message { _ = try RunClassifier(other, ClassSentences(["a"])) }?.contains("has no modality of texts")
        == true)
  }
}
