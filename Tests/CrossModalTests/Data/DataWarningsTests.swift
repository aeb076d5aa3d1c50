import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("What is unusual in data")
struct DataWarningsTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func noise(_ width: Int, seed: UInt64) throws -> Tensor {
    try Tensor.integers(in: 0..<1_000_000, [40, width], using: Generator(seed: seed)).to(.float64)
  }

  /// A data set of the two files, whose splits are rows.
  private func open(_ x: String, _ y: String, strict: Bool = false) throws -> DataSet {
    try folder.write(
      """
      modalities: { x: { file: '\(x)', kind: vector }, y: { file: '\(y)', kind: vector } }
      splits: { train: "0:30", test: "30:40" }
      """, to: "dataset.yaml")
    return try DataSet(at: folder.path, strict: strict)
  }

  @Test(
    "a column that counts the rows is told, wherever it stands; strict refuses it", arguments: [0, 1, 800])
  func counts(from first: Int) throws {
    let count = try Tensor((first..<first + 40).map(Double.init), shape: [40, 1])
    try folder.write(Tensor.concatenated([noise(2, seed: 1), count], along: 1), to: "x.npy")
    try folder.write(noise(3, seed: 2), to: "y.npy")
    let data = try open("x.npy", "y.npy")
    #expect(data.warnings.count == 1)
    #expect(
      data.warnings[0].contains("column 2 of") && data.warnings[0].contains("counts the rows from \(first)"))
    #expect(throws: DataError.self) { try open("x.npy", "y.npy", strict: true) }
    let found = try DataInspection(DataSet(at: folder.path, checksNumbers: false)).findings
    #expect(found.contains { $0.kind == .rowNumbers && $0.severity == .problem })
  }

  @Test("a column that two modalities share is told")
  func shared() throws {
    let (x, y) = (try noise(3, seed: 1), try noise(2, seed: 2))
    try folder.write(x, to: "x.npy")
    try folder.write(y, to: "y.npy")
    #expect(try open("x.npy", "y.npy").warnings == [])
    try folder.write(Tensor.concatenated([y, x.narrowed(to: 1..<2, along: 1)], along: 1), to: "y.npy")
    let said = try open("x.npy", "y.npy").warnings
    #expect(said.count == 1 && said[0].contains("have a column in common (column 1 of") == true)
  }

  @Test("files outside the folder are read and named once; strict refuses them")
  func outside() throws {
    let other = try TemporaryFolder()
    try other.write(noise(3, seed: 1), to: "x.npy")
    try folder.write(noise(2, seed: 2), to: "y.npy")
    try FileManager.default.createSymbolicLink(
      at: folder.file("link.npy"), withDestinationURL: other.file("x.npy"))
    for path in ["link.npy", other.file("x.npy").path, "../\(other.url.lastPathComponent)/x.npy"] {
      let said = try open(path, "y.npy").warnings
      #expect(said.count == 1 && said[0].hasPrefix("names files outside its folder: ") == true, "\(path)")
      #expect(throws: DataError.self) { try open(path, "y.npy", strict: true) }
    }
    try FileManager.default.createDirectory(at: folder.file("sub"), withIntermediateDirectories: true)
    try folder.write(noise(3, seed: 1), to: "sub/x.npy")
    #expect(try open("sub/../sub/x.npy", "y.npy", strict: true).warnings == [])
  }

  @Test("pictures of a list that lie outside the folder are named")
  func picturesOutside() throws {
    let other = try TemporaryFolder()
    let picture = try Picture.png(Tensor.zeros([2, 2, 3], .uint8))
    try other.write(picture, to: "a.png")
    for name in ["p/0.png", "p/1.png"] { try folder.write(picture, to: name) }
    try folder.write("one\ntwo\nthree\n", to: "t.txt")
    try folder.write("0.png\n1.png\n../../\(other.url.lastPathComponent)/a.png\n", to: "list.txt")
    try folder.write(
      """
      modalities: { image: { file: p, list: list.txt, kind: images }, text: { file: t.txt, kind: text } }
      splits: { train: "0:3" }
      """, to: "dataset.yaml")
    #expect(try DataSet(at: folder.path).warnings.count == 1)
    try folder.write("0.png\n1.png\n../p/0.png\n", to: "list.txt")
    #expect(try DataSet(at: folder.path).warnings == [])
  }

  @Test("a thousand splits of the same rows are told in a few sentences")
  func manySplits() throws {
    try folder.write(noise(3, seed: 1), to: "x.npy")
    let splits = (0..<1000).map { "s\($0): '0:40'" }.joined(separator: ", ")
    try folder.write(
      "modalities: { x: { file: x.npy, kind: vector } }\nsplits: { \(splits) }\n", to: "dataset.yaml")
    let said = try DataSet(at: folder.path).warnings
    #expect(said.count == 17 && said.last == "983 more splits overlap others")
  }

  @Test("a pipe is no file", .timeLimit(.minutes(1)))
  func pipe() throws {
    #expect(mkfifo(folder.file("x.npy").path, 0o600) == 0)
    try folder.write(noise(2, seed: 2), to: "y.npy")
    let said = message { _ = try open("x.npy", "y.npy") }
    #expect(said?.hasSuffix("x.npy: cannot be read: is no regular file") == true)
  }

  @Test("classes and words are told apart by their bytes, as in other programs")
  func exactTexts() throws {
    let (one, two) = ("caf\u{E9}", "cafe\u{301}")
    try folder.write("\(one)\n\(two)\n", to: "l.txt")
    try folder.write(Tensor.zeros([2, 2]), to: "x.npy")
    try folder.write(
      "modalities: { x: { file: x.npy, kind: vector } }\nlabels: l.txt\nsplits: { train: '0:2' }\n",
      to: "dataset.yaml")
    #expect(try DataSet(at: folder.path).classNames.count == 2)
    let tree = try JSON(json: Data("{\"\(one)\": 1, \"\(two)\": 2}".utf8))
    #expect(tree.members?.count == 2)
    let vocabulary = Vocabulary(counts: [ExactText(one): 2, ExactText(two): 1], threshold: 1)
    #expect(vocabulary.count == 6 && vocabulary[one] == 4 && vocabulary[two] == 5)
  }

  @Test("a character that JSON escapes in two halves is one in YAML, too")
  func surrogates() throws {
    #expect(try JSON(yaml: #"name: "a \ud83d\ude00""#)["name"] == "a \u{1F600}")
    #expect(try JSON(json: Data(#"["a \ud83d\ude00"]"#.utf8)).array == ["a \u{1F600}"])
    #expect(throws: (any Error).self) { try JSON(json: Data(#"["\ud83d"]"#.utf8)) }
  }
}
