import Foundation
import Testing
import Torch

@testable import CrossModal

/// Captions as data sets publish them.
@Suite("Tables of captions")
struct PublishedTablesTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for name in ["a.jpg", "b.jpg"] {
      try folder.write(Picture.png(Tensor.zeros([2, 3, 3], .uint8)), to: "pics/" + name)
    }
  }

  private func imported(
    _ text: Data, _ name: String, _ options: [String: String] = [:]
  ) throws -> (data: DataSet, notes: [String]) {
    let file = try folder.write(text, to: name)
    let out = folder.file("out-\(UUID().uuidString)")
    let notes = try Importers.run(
      "images-and-captions",
      ImportRequest(
        source: folder.file("pics"), options: options.merging(["captions": file.path]) { own, _ in own }),
      into: out)
    return (try DataSet(at: out.path), notes)
  }

  private func captions(
    _ text: String, _ name: String, _ options: [String: String] = [:]
  ) throws -> [String] {
    let data = try imported(Data(text.utf8), name, options).data
    #expect(data.part("train")?.table.columns[0].count == 2)
    guard case .texts(let texts)? = try data.part("train")?.table.columns[1].items(in: 0..<4) else {
      return []
    }
    return texts
  }

  private static let wanted = ["a thing, one", "two", "three", "four"]

  @Test(
    "headers, separators, blanks and letter case are as the file has them",
    arguments: [
      ("c.csv", "image,caption\na.jpg,\"a thing, one\"\na.jpg,two\nb.jpg,three\nb.jpg,four\n"),
      (
        "c.csv",
        "\u{FEFF}Image,Caption\r\na.jpg,\"a thing, one\"\r\na.jpg,two\r\nb.jpg,three\r\nb.jpg,four\r\n"
      ),
      ("c.csv", "image, caption\na.jpg, \"a thing, one\"\na.jpg, two\nb.jpg, three\nb.jpg, four\n"),
      (
        "results.csv",
        "image_name| comment_number| comment\na.jpg| 0| a thing, one\na.jpg| 1| two\nb.jpg| 0   three\nb.jpg| 1| four\n"
      ),
      (
        "c.txt",
        "image_name,comment_number,comment\na.jpg,0,\"a thing, one\"\na.jpg,1,two\nb.jpg,0,three\nb.jpg,1,four\n"
      ),
      ("c.csv", "image;caption\na.jpg;a thing, one\na.jpg;two\nb.jpg;three\nb.jpg;four\n"),
      ("c.csv", "image,caption\ra.jpg,\"a thing, one\"\ra.jpg,two\rb.jpg,three\rb.jpg,four\r"),
      (
        "c.tsv",
        "caption\tn\tfilename\na thing, one\t0\ta.jpg\ntwo\t1\ta.jpg\nthree\t0\tb.jpg\nfour\t1\tb.jpg\n"
      ),
      ("c.txt", "a.jpg#0\ta thing, one\na.jpg#1\ttwo\nb.jpg.1#0\tthree\nb.jpg#1\tfour\n"),
    ])
  func published(name: String, text: String) throws {
    #expect(try captions(text, name) == Self.wanted)
  }

  @Test("options name the columns, and a header without any that is known is told with what it holds")
  func columns() throws {
    let text = "foto,bar,worte\na.jpg,0,one\na.jpg,0,two\nb.jpg,0,three\nb.jpg,0,four\n"
    #expect(try captions(text, "c.csv", ["image": "foto", "caption": "Worte"])[0] == "one")
    let said = message { _ = try captions(text, "c.csv") } ?? ""
    #expect(said.contains("c.csv: line 1: names no columns 'image' and 'caption': it is 'foto,bar,worte'"))
  }

  @Test("a picture that is not there is named by file and line, or left out on request")
  func missing() throws {
    let text = Data("a.jpg#0\tone\ngone.jpg#0\ttwo\nb.jpg#0\tthree\n".utf8)
    let said = message { _ = try imported(text, "c.txt") } ?? ""
    #expect(said.contains("c.txt: line 2: names 'gone.jpg', which is not in "))
    let (data, notes) = try imported(text, "c.txt", ["missing": "skip"])
    #expect(data.part("train")?.table.columns[0].count == 2)
    #expect(notes.count == 1 && notes[0].contains("1 pictures of") == true)
  }

  @Test("names lead nowhere else", arguments: ["../pics/a.jpg", "/etc/hostname", "x/../../a.jpg"])
  func outside(name: String) {
    let said = message { _ = try imported(Data("\(name)\tone\n".utf8), "c.txt") }
    #expect(said?.contains("c.txt: line 1: names '\(name)', which leads out of ") == true)
  }

  @Test("two pictures whose names look alike stay two")
  func exactNames() throws {
    let names = ["caf\u{E9}.jpg", "cafe\u{301}.jpg"]
    for (at, name) in names.enumerated() {
      try folder.write(Picture.png(Tensor.full([2, 3, 3], Double(at), .uint8)), to: "pics/" + name)
    }
    guard try FileManager.default.contentsOfDirectory(atPath: folder.file("pics").path).count == 4 else {
      return
    }
    let (data, _) = try imported(Data("\(names[0])\tone\n\(names[1])\ttwo\n".utf8), "c.txt")
    #expect(data.part("train")?.table.columns[0].count == 2)
  }
}
