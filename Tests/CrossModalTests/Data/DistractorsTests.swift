import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Distractors")
struct DistractorsTests {
  /// Twelve rows of x and of y, of which every third is in no pair.
  private func data(keeping: Bool) throws -> DataSet {
    let pairs = (0..<12).filter { $0 % 3 != 2 }.map { [$0, $0] }
    let x = try Tensor((0..<24).map(Float.init), shape: [12, 2])
    return try DataSet(
      name: "few", [.init("x", .vectors(x)), .init("y", .texts((0..<12).map { "item \($0)" }))], pairs: pairs,
      keepsDistractors: keeping, splits: ["train": 0..<6, "test": 6..<12])
  }

  private func texts(_ split: Split) throws -> [String] {
    guard case .texts(let texts) = try split.items(side: 1) else { return [] }
    return texts
  }

  @Test(
    "rows in no pair of any split are searched in each of them, in their places, and nothing is learned from them"
  )
  func kept() throws {
    let dropped = try data(keeping: false).split("test")
    #expect(try texts(dropped) == [6, 7, 9, 10].map { "item \($0)" })
    let kept = try data(keeping: true).split("test")
    #expect(try texts(kept) == [2, 5, 6, 7, 8, 9, 10, 11].map { "item \($0)" })
    #expect(kept.count(side: 0) == 6 && kept.count == 4)
    #expect(kept.pairs.map { Array($0.y) } == [2, 3, 5, 6])
    #expect(kept.distractors(side: 1) == [0, 1, 4, 7] && kept.distractors(side: 0).isEmpty)
    #expect(try texts(kept.withoutDistractors()) == texts(dropped))
    #expect(try texts(kept.narrowed(to: [0, 1])) == [2, 5, 6, 7, 8, 11].map { "item \($0)" })
    let truth = try RetrievalTruth(kept, [0, 1])
    #expect(truth.second == 8 && truth.captions == 1...1)
  }

  @Test(
    "in dataset.yaml distractors is keep or drop, needs pairs, and inspection says what becomes of the rows")
  func file() throws {
    let folder = try TemporaryFolder()
    func write(_ text: String, _ name: String) throws {
      try Data(text.utf8).write(to: folder.url.appendingPathComponent(name))
    }
    try write((0..<10).map { "\($0),\($0 * $0)\n" }.joined(), "x.csv")
    try write((0..<10).map { "words of \($0)\n" }.joined(), "y.txt")
    try write((0..<8).map { "\($0),\($0 + 1)\n" }.joined(), "pairs.csv")
    func yaml(_ lines: String) throws -> String {
      try write(
        """
        modalities: { x: { file: x.csv, kind: vector }, y: { file: y.txt, kind: text } }
        splits: { train: "0:4", test: "4:10" }
        \(lines)
        """, "dataset.yaml")
      return folder.url.path
    }
    let kept = try DataSet(at: yaml("pairs: pairs.csv\ndistractors: keep"), checksNumbers: false)
    #expect(try texts(kept.split("test")) == [0, 5, 6, 7, 8, 9].map { "words of \($0)" })
    let findings = try DataInspection(kept).findings
    #expect(findings.contains { $0.sentence.hasSuffix("y.txt are in no pair; they are searched too") })
    #expect(!findings.contains { $0.kind == .leakage })
    let dropped = try DataSet(at: yaml("pairs: pairs.csv\ndistractors: drop"), checksNumbers: false)
    #expect(try texts(dropped.split("test")) == [5, 6, 7, 8].map { "words of \($0)" })
    #expect(
      try DataInspection(dropped).findings.contains {
        $0.sentence.hasSuffix("are in no pair and left out (distractors: keep searches them too)")
      })
    for (lines, reason) in [
      ("pairs: pairs.csv\ndistractors: kep", "expected keep"), ("distractors: keep", "needs 'pairs'"),
    ] {
      let error = #expect(throws: DataError.self) { try DataSet(at: yaml(lines)) }
      #expect(error?.errorDescription?.contains(reason) == true)
    }
  }

  @Test("a run is measured among them, and learns what it learns without them")
  func measured() throws {
    let results = try [false, true].map { keeping in
      let generator = try Generator(seed: 5)
      let x = try Tensor.normal([80, 3], using: generator)
      let y = try x + Tensor.normal([80, 3], using: generator) * 0.3
      let data = try DataSet(
        name: "pairs", [.init("x", .vectors(x)), .init("y", .vectors(y))],
        pairs: (0..<80).filter { $0 % 4 > 0 }.map { [$0, $0] }, keepsDistractors: keeping,
        splits: ["train": 0..<40, "test": 40..<80])
      let run = try Run.fit(CCA.self, settings: RunSettings(["k": 2]), data: data)
      let result = try #require(try run.evaluate(on: data.split("test")).result as? RetrievalResult)
      return (result, try (run.method as? CCA)?.weightX.values(as: Double.self))
    }
    #expect(results[0].1 == results[1].1 && results[0].1 != nil)
    #expect(results.map { $0.0.retrieval.counts } == [[40, 30], [40, 50]])
    let ranks = results.map { $0.0.retrieval.forward.queries.compactMap(\.rank) }
    #expect(ranks[0].count == 30 && ranks[1].count == 30)
    #expect(zip(ranks[0], ranks[1]).allSatisfy { $0 <= $1 } && ranks[0] != ranks[1])
    #expect(results[1].0.retrieval.backward.withoutPair == 20)
  }

  @Test("a distractor whose picture cannot be read is left out like any other picture")
  func damaged() throws {
    let folder = try TemporaryFolder()
    for row in 0..<6 {
      let pixels = try Tensor.integers(in: 0..<256, [8, 8, 3], using: Generator(seed: UInt64(row)))
      let png = try Picture.png(pixels.to(.uint8))
      try (row == 5 ? png.prefix(png.count / 2) : png).write(
        to: folder.url.appendingPathComponent("\(row).png"))
    }
    func write(_ text: String, _ name: String) throws {
      try Data(text.utf8).write(to: folder.url.appendingPathComponent(name))
    }
    try write((0..<6).map { "\($0).png\n" }.joined(), "list.txt")
    try write("one\ntwo\nthree\nfour\n", "texts.txt")
    try write("0,0\n1,1\n2,2\n3,3\n", "pairs.csv")
    try write(
      """
      modalities: { text: { file: texts.txt, kind: text }, image: { file: ., list: list.txt, kind: images } }
      pairs: pairs.csv
      distractors: keep
      splits: { test: "0:4" }
      """, "dataset.yaml")
    let (split, damaged) = try DataSet(at: folder.url.path).split("test").withoutDamagedPictures()
    #expect(split.count(side: 1) == 5 && split.count == 4 && damaged.count == 1)
  }
}
