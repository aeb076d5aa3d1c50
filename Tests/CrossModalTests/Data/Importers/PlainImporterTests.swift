import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Importers of features, tables and folders")
struct PlainImporterTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.file(name).path }

  private func imported(_ name: String, _ source: String, _ options: [String: String] = [:]) throws -> DataSet
  {
    let out = folder.file("out-\(UUID().uuidString.prefix(4))")
    try Importers.run(name, ImportRequest(source: folder.file(source), options: options), into: out)
    return try DataSet(at: out.path)
  }

  private func texts(_ split: Split) throws -> [String] {
    guard case .texts(let texts) = try split.items(side: 1) else { return [] }
    return texts
  }

  private func numbers(_ split: Split, _ side: Int = 0) throws -> [Double] {
    switch try split.items(side: side) {
    case .vectors(let rows), .sets(let rows, _): try rows.values(as: Double.self)
    default: []
    }
  }

  @Test("features: two files, with splits and classes")
  func features() throws {
    try folder.write(Tensor((0..<20).map(Float.init), shape: [10, 2]), to: "a.npy")
    try folder.write((0..<10).map { "text \($0)" }.joined(separator: "\n"), to: "b.txt")
    try folder.write(Tensor((0..<10).map { $0 % 2 }), to: "l.npy")
    let data = try imported(
      "features", "a.npy",
      [
        "with": path("b.txt"), "names": "image,text", "labels": path("l.npy"),
        "splits": "train=0:8;test=8:10",
      ])
    #expect(data.description.modalities.map(\.name) == ["image", "text"])
    #expect(try texts(data.split("test")) == ["text 8", "text 9"])
    #expect(try data.split("test").labels == [0, 1])
    #expect(try numbers(data.split("test")) == [16, 17, 18, 19])
    let plain = try imported("features", "a.npy", ["with": path("b.txt")])
    #expect(try plain.splitNames.map { try plain.split($0).count } == [8, 1, 1])
  }

  @Test("csv: two groups of columns, a class and a split")
  func csv() throws {
    try folder.write(
      "a,b,word,kind,part\n1,2,\"red, big\",x,train\n3,4,blue,y,test\n5,6,green,x,train\n", to: "t.csv")
    let data = try imported(
      "csv", "t.csv", ["first": "a,b", "second": "word", "labels": "kind", "split": "part", "names": "n,w"])
    let train = try data.split("train")
    #expect(try numbers(train) == [1, 2, 5, 6])
    #expect(try texts(train) == ["red, big", "green"])
    #expect(train.labels == [0, 0])
    #expect(data.classNames == ["x", "y"])
    let said = message { _ = try imported("csv", "t.csv", ["first": "a,word", "second": "b"]) }
    #expect(said?.contains("row 0, column 2: is 'red, big', expected a number") == true)
    try folder.write(Data("a,word\n1,one\n2,caf".utf8) + [0xE9, 0x0A], to: "t.csv")
    let latin = message { _ = try imported("csv", "t.csv", ["first": "a", "second": "word"]) }
    #expect(latin?.hasSuffix("t.csv: row 1: is not valid UTF-8") == true)
  }

  @Test("csv: the name of a split may be anything, and nothing is written outside the new folder")
  func namesOfSplits() throws {
    let rows = (0..<6).map { "\($0),\($0),\($0 % 2 == 0 ? "train" : "../../e")\n" }.joined()
    try folder.write("a,b,part\n" + rows, to: "in/t.csv")
    let data = try imported("csv", "in/t.csv", ["first": "a", "second": "b", "split": "part"])
    #expect(data.splitNames == ["train", "../../e"])
    #expect(try numbers(data.split("../../e")) == [1, 3, 5])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2)
    let said = message {
      _ = try imported("csv", "in/t.csv", ["first": "a", "second": "b", "names": "../x,y"])
    }
    #expect(said == "--set names=… must be two names, such as image,text")
  }

  @Test("idx: whole pictures, and halves")
  func idx() throws {
    for (prefix, count) in [("train", 6), ("t10k", 2)] {
      let pixels = (0..<count * 8).map { UInt8($0) }
      try folder.write(
        Data([0, 0, 8, 3, 0, 0, 0, UInt8(count), 0, 0, 0, 2, 0, 0, 0, 4] + pixels),
        to: "m/\(prefix)-images-idx3-ubyte")
      try folder.write(
        Data([0, 0, 8, 1, 0, 0, 0, UInt8(count)] + (0..<count).map { UInt8($0 % 3) }),
        to: "m/\(prefix)-labels-idx1-ubyte")
    }
    let halves = try imported("idx", "m", ["halves": "true", "val": "2"])
    #expect(halves.splitNames == ["train", "val", "test"])
    #expect(try halves.split("val").count == 2)
    #expect(try numbers(halves.split("test"), 1).prefix(4).map { ($0 * 255).rounded() } == [2, 3, 6, 7])
    let whole = try imported("idx", "m", ["val": "2"])
    #expect(whole.description.modalities[0].shape == [2, 4, 1])
    #expect(try whole.split("test").labels == [0, 1])
  }

  @Test("scan-precomp: five captions a picture, also where pictures are repeated")
  func scanPrecomp() throws {
    let captions = (0..<10).map { "c\($0)" }.joined(separator: "\n") + "\n"
    for split in ["train", "dev", "test"] { try folder.write(captions, to: "p/\(split)_caps.txt") }
    let rows = try Tensor((0..<12).map(Float.init), shape: [2, 2, 3])
    try NPYWriter.write(rows, to: path("p/train_ims.npy"))
    try NPYWriter.write(rows.repeated(5, along: 0), to: path("p/dev_ims.npy"))
    try NPYWriter.write(rows, to: path("p/test_ims.npy"))
    try NPYWriter.write(Tensor.ones([2, 2, 4]), to: path("p/test_boxes.npy"))
    try NPYWriter.write(Tensor.ones([10, 2, 4]) * 3.0, to: path("p/dev_boxes.npy"))
    try folder.write(
      #"{"word2idx": {"<pad>": 0}, "idx2word": {"0": "<pad>"}, "idx": 1}"#, to: "vocab/p_vocab.json")
    let data = try imported("scan-precomp", "p")
    #expect(data.splitNames == ["train", "val", "test"])
    #expect(try data.split("val").count(side: 0) == 2)
    #expect(try numbers(data.split("val")) == (0..<12).map(Double.init))
    #expect(try data.split("test").pairs?.map(\.x) == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    #expect(try data.split("test").boxes(side: 0, row: 1)?.shape == [2, 4])
    #expect(try data.split("val").boxes(side: 0, row: 1)?.values() == [Float](repeating: 3, count: 8))
    let vocabulary = URL(fileURLWithPath: try #require(data.path)).deletingLastPathComponent()
      .appendingPathComponent("vocabulary.json")
    #expect(try JSON(json: Data(contentsOf: vocabulary))["word2idx"]?["<pad>"] == 0)
  }

  @Test("images-and-captions: lines, tables and .jsonl", arguments: ["txt", "table.txt", "csv", "jsonl"])
  func captionedFolder(kind: String) throws {
    for (at, name) in ["pics/a.png", "pics/b.png"].enumerated() {
      try folder.write(Picture.png(Tensor.full([4, 5, 3], Double(10 * at), .uint8)), to: name)
    }
    let text =
      switch kind {
      case "csv", "table.txt": "image,caption\na.png,one\na.png,\"two, more\"\nb.png,three\nb.png,four\n"
      case "jsonl":
        "{\"image\": \"a.png\", \"caption\": \"one\"}\n{\"image\": \"a.png\", \"caption\": \"two, more\"}\n"
          + "{\"file_name\": \"b.png\", \"text\": \"three\"}\n{\"image\": \"b.png\", \"caption\": \"four\"}\n"
      default: "a.png#0\tone\na.png#1\ttwo, more\nb.png#0\tthree\nb.png#1\tfour\n"
      }
    try folder.write(text, to: "c.\(kind)")
    // A bare name is looked for among the pictures too.
    try folder.write("a.png\ttrain\nb.png\ttest\n", to: "pics/s.txt")
    let data = try imported("images-and-captions", "pics", ["captions": path("c.\(kind)"), "split": "s.txt"])
    #expect(try texts(data.split("train")) == ["one", "two, more"])
    #expect(try texts(data.split("test")) == ["three", "four"])
    guard case .pictures(let pictures) = try data.split("test").items(side: 0) else { return }
    #expect(try pictures[0].decoded().values(as: UInt8.self) == [UInt8](repeating: 10, count: 60))
  }

  @Test("a failed import leaves nothing behind, and says what was wrong")
  func failures() throws {
    try folder.write(Tensor.zeros([3, 2]), to: "a.npy")
    try folder.write(Tensor.zeros([4, 2]), to: "b.npy")
    let said = message { _ = try imported("features", "a.npy", ["with": path("b.npy")]) } ?? ""
    #expect(said == "\(path("b.npy")): has 4 rows, but \(path("a.npy")) has 3")
    try folder.write(Tensor.zeros([5]), to: "l.npy")
    let labels = message {
      _ = try imported("features", "a.npy", ["with": path("a.npy"), "labels": path("l.npy")])
    }
    #expect(labels?.hasSuffix("cannot become a data set: labels.npy: has 5 rows, but x.npy has 3") == true)
    try FileManager.default.removeItem(at: folder.file("l.npy"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["a.npy", "b.npy"])
    #expect(
      message { _ = try imported("features", "a.npy") }
        == "--set with=… must be the file of the other modality")
  }
}
