import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Data sets")
struct DataSetTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Twelve rows of two modalities, in files of their own.
  private func makePlain(yaml: String? = nil) throws {
    try folder.write(Tensor((0..<36).map(Float.init), shape: [12, 3]), to: "x.npy")
    try folder.write(Tensor((0..<24).map(Float.init), shape: [12, 2]), to: "y.npy")
    try folder.write(
      yaml ?? """
        name: plain
        modalities:
          x: { file: x.npy, kind: vector }
          y: { file: y.npy, kind: vector }
        splits: { train: "0:8", test: ["8:10", 11] }
        """, to: "dataset.yaml")
  }

  @Test("rows of a range and of a list are the rows they name")
  func rows() throws {
    try makePlain()
    let data = try DataSet(at: folder.path)
    #expect(data.splitNames == ["train", "test"])
    #expect(data.description.modalities.map(\.size) == [3, 2])
    let train = try data.split("train")
    #expect(train.count == 8)
    let test = try data.split("test")
    #expect(test.count == 3)
    guard case .vectors(let rows) = try test.items(side: 1) else { return }
    #expect(try rows.values(as: Float.self) == [16, 17, 18, 19, 22, 23])
    let batch = try test.batch(at: [2, 0])
    guard case .vectors(let x) = batch.items[0] else { return }
    #expect(try x.values(as: Float.self) == [33, 34, 35, 24, 25, 26])
    #expect(batch.rows == [[2, 0], [2, 0]])
  }

  @Test("captions belong to their item, in order")
  func captions() throws {
    try folder.write(Tensor((0..<4).map(Float.init), shape: [4, 1]), to: "x.npy")
    try folder.write((0..<8).map { "caption \($0)" }.joined(separator: "\n") + "\n", to: "captions.txt")
    try folder.write(
      """
      modalities: { x: { file: x.npy, kind: vector }, text: { file: captions.txt, kind: text } }
      captions_per_item: 2
      splits: { test: [3, 1] }
      """, to: "dataset.yaml")
    let split = try DataSet(at: folder.path).split("test")
    #expect(split.count(side: 0) == 2)
    #expect(split.count(side: 1) == 4)
    #expect(split.pairs?.map(\.x) == [0, 0, 1, 1])
    #expect(split.pairs?.map(\.y) == [0, 1, 2, 3])
    guard case .texts(let texts) = try split.items(side: 1) else { return }
    #expect(texts == ["caption 6", "caption 7", "caption 2", "caption 3"])
    #expect(try split.card(side: 1, row: 2).text == "caption 2")
  }

  @Test("pairs of a file carry answers, moments and classes with them")
  func pairs() throws {
    try makePlain()
    try folder.write(Tensor([8, 2, 9, 0, 8, 3, 1, 1], shape: [4, 2]), to: "pairs.npy")
    try folder.write("[\"a\"]\n[\"b\", \"c\"]\n[\"d\"]\n[\"e\"]\n", to: "answers.jsonl")
    try folder.write(Tensor([0.0, 1, 2, 3, 4, 5, 6, 7], shape: [4, 2]), to: "moments.npy")
    try folder.write(Tensor((0..<12).map { 10 + $0 % 3 }), to: "labels.npy")
    try folder.write(
      """
      name: paired
      modalities: { x: { file: x.npy, kind: vector }, y: { file: y.npy, kind: vector } }
      pairs: pairs.npy
      answers: answers.jsonl
      moments: moments.npy
      labels: labels.npy
      splits: { train: "0:8", test: "8:12" }
      """, to: "dataset.yaml")
    let data = try DataSet(at: folder.path)
    #expect(data.classNames == ["10", "11", "12"])
    let test = try data.split("test")
    #expect(test.count == 3)
    #expect(test.count(side: 0) == 4)
    #expect(test.count(side: 1) == 3)
    #expect(test.pairs?.map(\.x) == [0, 1, 0])
    #expect(test.pairs?.map(\.y) == [1, 0, 2])
    #expect(test.answers == [["a"], ["b", "c"], ["d"]])
    #expect(test.labels(side: 0) == [2, 0, 1, 2])
    #expect(test.labels(side: 1) == [0, 2, 2])
    let batch = try test.batch(at: [2, 1])
    #expect(batch.moments == [4...5, 2...3])
    #expect(batch.labels == [2, 0])
    #expect(batch.rows == [[0, 1], [2, 0]])
  }

  @Test("offsets cut a long array into items, padded to the longest of a batch")
  func ragged() throws {
    try folder.write(Tensor((0..<12).map(Float.init), shape: [6, 2]), to: "all.npy")
    try folder.write(Tensor([0, 3, 4, 6]), to: "offsets.npy")
    try folder.write(
      """
      modalities: { x: { file: all.npy, offsets: offsets.npy, kind: sequence, rate: 25 } }
      splits: { test: "0:3" }
      """, to: "dataset.yaml")
    let split = try DataSet(at: folder.path).split("test")
    guard case .sequences(let rows, let lengths) = try split.items(side: 0, at: [1, 2]) else { return }
    #expect(lengths == [1, 2])
    #expect(try rows.values(as: Float.self) == [6, 7, 0, 0, 8, 9, 10, 11])
    #expect(split.rate(side: 0) == 25)
  }

  @Test("a split with files of its own, and rows of files that follow one another")
  func ownFiles() throws {
    try makePlain(
      yaml: """
        modalities: { x: { file: [x.npy, more.npy], kind: vector }, y: { file: [y.npy, y.npy], kind: vector } }
        splits:
          train: "10:14"
          test: { x: more.npy, y: y.npy, labels: names.txt }
        """)
    try folder.write(Tensor((100..<136).map(Float.init), shape: [12, 3]), to: "more.npy")
    try folder.write((0..<12).map { $0 % 2 == 0 ? "cat" : "ape" }.joined(separator: "\n"), to: "names.txt")
    let data = try DataSet(at: folder.path)
    guard case .vectors(let rows) = try data.split("train").items(side: 0) else { return }
    #expect(try rows.values(as: Float.self) == [30, 31, 32, 33, 34, 35, 100, 101, 102, 103, 104, 105])
    #expect(try data.split("test").labels?.prefix(3) == [1, 0, 1])
    #expect(data.classNames == ["ape", "cat"])
  }

  @Test("the fingerprint changes with the data and with nothing else")
  func fingerprint() throws {
    try makePlain()
    let first = try DataSet(at: folder.path).fingerprint()
    #expect(first.count == 16)
    #expect(try DataSet(at: folder.path).fingerprint() == first)
    try folder.write(Tensor((0..<36).map { Float($0 == 35 ? 0 : $0) }, shape: [12, 3]), to: "x.npy")
    #expect(try DataSet(at: folder.path).fingerprint() != first)
  }

  @Test("a number that is not finite is named with its row and column")
  func notFinite() throws {
    try makePlain()
    try folder.write(Tensor((0..<36).map { $0 == 16 ? Float.nan : Float($0) }, shape: [12, 3]), to: "x.npy")
    let data = try DataSet(at: folder.path)
    #expect(throws: Never.self) { try data.split("test") }
    let said = message { _ = try data.split("train") } ?? ""
    #expect(said.hasSuffix("x.npy: row 5, column 1 is NaN; every number must be finite"))
    #expect(throws: Never.self) { try DataSet(at: folder.path, checksNumbers: false).split("train") }
  }

  @Test("a finite number that nothing can be computed with is named with its row and column")
  func tooLarge() throws {
    try makePlain()
    let numbers = (0..<36).map { $0 == 16 ? -1e300 : Double($0) }
    try folder.write(Tensor(numbers, shape: [12, 3]), to: "x.npy")
    let said = message { _ = try DataSet(at: folder.path).split("train") } ?? ""
    #expect(
      said.hasSuffix(
        "x.npy: row 5, column 1 is -1e+300, too large to compute with; make the numbers smaller than 1e+38, "
          + "as scale does in dataset.yaml"))
    try makePlain(
      yaml: """
        modalities: { x: { file: x.npy, kind: vector, scale: 1e-290 }, y: { file: y.npy, kind: vector } }
        splits: { train: "0:8", test: "8:12" }
        """)
    try folder.write(Tensor(numbers, shape: [12, 3]), to: "x.npy")
    #expect(throws: Never.self) { try DataSet(at: folder.path).split("train") }
  }

  @Test("numbers too small to be brought to size are refused with what to do, and zeros are not")
  func tooSmall() throws {
    try makePlain()
    let numbers = try Tensor((0..<36).map { Double($0) * 1e-160 }, shape: [12, 3])
    try folder.write(numbers, to: "x.npy")
    #expect(throws: Never.self) { try DataSet(at: folder.path).split("train") }
    try folder.write(numbers * 1e-140, to: "x.npy")
    let said = message { _ = try DataSet(at: folder.path).split("train") } ?? ""
    #expect(
      said.hasSuffix(
        "x.npy: its numbers are at most 2.3e-299, too small to compute with; make them larger, as scale does in dataset.yaml"
      ))
    try folder.write(Tensor([Double](repeating: 0, count: 36), shape: [12, 3]), to: "x.npy")
    #expect(throws: Never.self) { try DataSet(at: folder.path).split("train") }
    try makePlain(
      yaml: """
        modalities: { x: { file: x.npy, kind: vector, scale: 1e150 }, y: { file: y.npy, kind: vector } }
        splits: { train: "0:8", test: "8:12" }
        """)
    try folder.write(numbers * 1e-140, to: "x.npy")
    #expect(throws: Never.self) { try DataSet(at: folder.path).split("train") }
  }

  @Test("splits that overlap warn, and are refused when reading strictly")
  func overlap() throws {
    try makePlain(
      yaml: """
        modalities: { x: { file: x.npy, kind: vector }, y: { file: y.npy, kind: vector } }
        splits: { train: "0:8", test: "5:12" }
        """)
    #expect(
      try DataSet(at: folder.path).warnings
        == ["the splits 'train' and 'test' overlap: 3 rows are in both, the first is row 5"])
    #expect(throws: DataError.self) { try DataSet(at: folder.path, strict: true) }
  }

  @Test(
    "what is wrong is said in one sentence that names the file and the place",
    arguments: [
      (
        "kind: vector }", "kind: vectr }",
        "'modalities.x.kind' is 'vectr', expected one of vector, set, sequence, "
          + "text, tokens, images; did you mean 'vector'?"
      ),
      (
        "file: x.npy", "fil: x.npy",
        "unknown key 'modalities.x.fil'; did you mean 'file' or 'field'? Known keys: file, kind"
      ),
      ("file: x.npy", "file: z.npy", "z.npy: there is no such file or folder"),
      ("\"0:8\"", "\"0:13\"", "'splits.train' (\"0:13\") names row 12, but rows are 0 to 11"),
      ("\"0:8\"", "\"8:0\"", "'splits.train' is \"8:0\", which is no range of rows"),
      ("\"0:8\"", "\"0:99999999999999999999\"", "is \"0:99999999999999999999\", which is no range of rows"),
      ("11]", "9]", "'splits.test' names row 9 twice"),
      ("11]", "9223372036854775807]", "'splits.test' is 9223372036854775807, which is no row"),
      ("kind: vector }", "kind: set }", "has shape [12, 3], expected [n, l, d] for kind set, or 'offsets'"),
      ("name: plain", "nam: plain", "unknown key 'nam'; did you mean 'name'?"),
      ("splits:", "captions_per_item: 5\nsplits:", "and captions_per_item is 5, so it needs 60"),
      (
        "splits:", "captions_per_item: 9223372036854775807\nsplits:",
        "has 12 and captions_per_item is 9223372036854775807, so it needs"
      ),
      ("splits: {", "splits: 3 #", "'splits' must be a mapping of keys to values"),
      (
        "kind: vector }", "kind: vector, lengths: x.npy }",
        "'modalities.x.lengths' means nothing for kind vector"
      ),
    ])
  func badInput(find: String, replacement: String, says: String) throws {
    try makePlain()
    let yaml = try String(contentsOf: folder.file("dataset.yaml"), encoding: .utf8)
    let at = try #require(yaml.range(of: find))
    try folder.write(yaml.replacingCharacters(in: at, with: replacement), to: "dataset.yaml")
    let said = message { _ = try DataSet(at: folder.path) } ?? "nothing"
    #expect(said.contains(says), "said: \(said)")
    #expect(!said.contains("\n"))
  }

  @Test("modalities of unequal counts are refused")
  func unequal() throws {
    try makePlain()
    try folder.write(Tensor.zeros([11, 2]), to: "y.npy")
    let said = message { _ = try DataSet(at: folder.path) } ?? ""
    #expect(said.contains("y.npy: has 11 rows, but"))
    #expect(said.hasSuffix("x.npy has 12"))
  }

  @Test(
    "every folder of the shared data opens, and all its splits read", .enabled(if: SharedData.exists),
    arguments: SharedData.dataSets.filter { !$0.contains("matlab") })
  func shared(name: String) throws {
    let data = try DataSet(at: SharedData.path(name))
    #expect(data.warnings.isEmpty)
    for name in data.splitNames {
      let split = try data.split(name)
      let batch = try split.batch(at: Array(0..<min(3, split.count)))
      #expect(batch.items.allSatisfy { $0.count == batch.count })
      for (side, items) in batch.items.enumerated() {
        #expect(items.kind == data.description.modalities[side].kind)
        _ = try split.card(side: side, row: split.count(side: side) - 1)
      }
      if case .pictures(let pictures) = batch.items[0] {
        #expect(try pictures[0].decoded().size(along: 2) == 3)
      }
    }
  }
}
