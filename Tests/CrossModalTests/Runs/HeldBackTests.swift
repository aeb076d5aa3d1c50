import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Pairs held back from learning")
struct HeldBackTests {
  private func data(_ splits: KeyValuePairs<String, any Sequence<Int>>) throws -> DataSet {
    let generator = try Generator(seed: 5)
    let x = try Tensor.normal([140, 4], using: generator)
    let y =
      try x.matmul(Tensor.normal([4, 3], using: generator)) + Tensor.normal([140, 3], using: generator)
    return try DataSet(
      name: "pairs", [.init("x", .vectors(x)), .init("y", .vectors(y))],
      labels: .numbers((0..<140).map { $0 % 4 }), splits: splits)
  }

  private func learned(_ data: DataSet, hold: Double? = nil) throws -> (run: Run, notes: [String]) {
    let notes = Locked<[String]>([])
    let run = try Run.learn(CLIP.self, from: data.split("train")) {
      $0.networks.embedSize = 4
    } training: {
      $0.epochs = 2
      if let hold { $0.holdBack = hold }
    } observe: {
      if case .note(let text) = $0 { notes.append(text) }
    }
    return (run, notes.value)
  }

  @Test("without a split to choose weights by, a tenth is held back, and the record says which")
  func held() throws {
    let data = try data(["train": 0..<120, "test": 120..<140])
    let (run, notes) = try learned(data)
    #expect(run.record.heldBack.count == 12)
    #expect(notes.contains { $0.hasPrefix("holding back 12 of 120 pairs") })
    let read = try RunRecord(run.record.json(), file: "config.yaml")
    #expect(read == run.record)
    #expect(run.record.heldBackFacts.first?.value.hasPrefix("12 rows of x in the split `train`") == true)
    #expect(try learned(data).run.record.heldBack == run.record.heldBack)
    #expect(try learned(data, hold: 0).run.record.heldBack == [])
  }

  @Test("where there is a split val, or too few pairs, all are learned from")
  func none() throws {
    #expect(try learned(data(["train": 0..<120, "val": 120..<140])).run.record.heldBack == [])
    #expect(try learned(data(["train": 0..<60, "test": 120..<140])).run.record.heldBack == [])
  }

  @Test(
    "an evaluation of data with classes says whether pairs or classes were learned, and how to learn the other"
  )
  func relation() throws {
    let data = try data(["train": 0..<120, "test": 120..<140])
    let linear = try Run.fit(CCA.self, settings: RunSettings(.null), data: data)
    let evaluation = try linear.evaluate(on: data.split("test"))
    #expect(evaluation.json["learned"]?["from"] == "pairs")
    #expect(
      evaluation.text().contains("Learned from pairs, not from the classes that mAP goes by; ridge_mode=auto")
    )
    let classes = try Run.fit(SCM.self, settings: RunSettings(.null), data: data)
    #expect(try classes.evaluate(on: data.split("test")).json["learned"]?["from"] == "classes")
  }

  @Test(
    "texts that share their words have one vocabulary, translations have two, and a setting decides before both"
  )
  func words() throws {
    let nouns = ["dog", "cat", "boat", "tree", "house", "car", "road", "lake"]
    let texts = (0..<40).map { "a \(nouns[$0 % 8]) near the \(nouns[($0 / 8 + 3) % 8])" }
    let same = texts.map { $0 + " today" }
    let other = (0..<40).map {
      "ein \(String(nouns[$0 % 8].reversed())) und \(String(nouns[($0 / 8 + 3) % 8].reversed()))"
    }
    func record(_ second: [String], _ settings: JSON = .null) throws -> RunRecord {
      let data = try DataSet(name: "texts", [.init("one", .texts(texts)), .init("two", .texts(second))])
      return try Run.fit(CCA.self, settings: RunSettings(settings), data: data).record
    }
    let shared = try record(same)
    #expect(shared.features["one"]?["shared"] == true)
    #expect(shared.features["one"]?["words"] == shared.features["two"]?["words"])
    let apart = try record(other)
    #expect(apart.features["two"]?["shared"] == false)
    #expect(apart.features["one"]?["words"] != apart.features["two"]?["words"])
    #expect(try record(same, ["features": ["shared": false]]).features["one"]?["shared"] == false)
    #expect(try record(other, ["features": ["shared": true]]).features["one"]?["shared"] == true)
    #expect(throws: ConfigurationError.self) {
      try record(same, ["features": ["shared": true, "one": ["name": "tfidf", "size": 3]]])
    }
  }
}
