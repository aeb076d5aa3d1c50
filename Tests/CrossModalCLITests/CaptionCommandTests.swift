import Foundation
import Testing

@Suite("Captions from the command line")
struct CaptionCommandTests {
  /// Cells of pictures, one of which has a color, and what is said of them.
  private static func dataSet(in folder: TemporaryFolder) throws {
    let colors = ["red", "green", "blue"]
    var (cells, captions) = ([String](), [String]())
    for picture in 0..<24 {
      for cell in 0..<4 {
        let isMarked = cell == picture * 3 % 4
        cells.append(
          (0..<4).map { $0 == 3 ? (isMarked ? "1" : "0") : isMarked && $0 == picture % 3 ? "1" : "0.\(cell)" }
            .joined(separator: ","))
      }
      captions.append("a \(colors[picture % 3]) mark")
    }
    try folder.write(cells.joined(separator: "\n") + "\n", to: "cells.csv")
    try folder.write((0...24).map { "\($0 * 4)" }.joined(separator: "\n") + "\n", to: "offsets.csv")
    try folder.write(captions.joined(separator: "\n") + "\n", to: "captions.txt")
    try folder.write(
      """
      name: marks
      modalities:
        caption: { file: captions.txt, kind: text }
        image: { file: cells.csv, kind: set, offsets: offsets.csv }
      splits: { train: "0:18", test: "18:24" }
      """, to: "dataset.yaml")
  }

  private static func json(_ text: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test("train, evaluate beside the most similar picture, describe one picture and a folder, and explain")
  func wholeWay() throws {
    let folder = try TemporaryFolder()
    try Self.dataSet(in: folder)
    let small = [
      "word_dim=8", "lstm_size=12", "attention_dim=8", "epochs=3", "batch_size=9", "longest=6",
      "targets.captions.threshold=1", "select_by=CIDEr-D", "hold_back=0.2",
    ].flatMap { ["--set", $0] }
    let trained = try CommandLine.run(
      [
        "train", "--method", "show-attend-tell", "--data", folder.path("dataset.yaml"), "--out",
        folder.path("run"), "--quiet",
      ] + small)
    #expect(trained.status == 0, "\(trained.errors)")
    let measured = try CommandLine.run("evaluate", folder.path("run"), "--json", "--samples", "20")
    #expect(measured.status == 0, "\(measured.errors)")
    let found = try Self.json(measured.output)
    let metrics = try #require(found["metrics"] as? [String: Any])
    #expect(
      metrics["exact"] != nil && metrics["CIDEr"] != nil && metrics["CIDEr-D"] != nil
        && metrics["METEOR"] != nil && found["task"] as? String == "captioning")
    #expect((found["priors"] as? [String: Any])?.count == 1)
    #expect(((found["intervals"] as? [String: Any])?["metrics"] as? [String: Any])?["exact"] is [Double])

    // One picture of its own: four cells. And a folder with two.
    try FileManager.default.createDirectory(atPath: folder.path("many"), withIntermediateDirectories: true)
    for name in ["cells.npy", "many/b.npy", "many/a.npy"] { try Self.cells(at: folder.path(name)) }
    try folder.write("no cells", to: "many/notes.txt")
    let said = try CommandLine.run(
      "caption", folder.path("run"), "--image", folder.path("cells.npy"), "--beam", "3", "--n-best", "2",
      "--json", "--out", folder.path("where.png"))
    #expect(said.status == 0, "\(said.errors)")
    let one = try Self.json(said.output)
    let captions = try #require(one["captions"] as? [[String: Any]])
    #expect(captions.count == 2 && captions[0]["caption"] as? String == one["caption"] as? String)
    let attention = try #require(one["attention"] as? [String: Any])
    let shares = try #require(attention["shares"] as? [[Double]])
    #expect(shares.count == (attention["words"] as? [String])?.count)
    #expect(shares.allSatisfy { $0.count == 4 && abs($0.reduce(0, +) - 1) < 1e-5 })
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("where.png"))).count > 200)

    let many = try CommandLine.run(
      "caption", folder.path("run"), "--image", folder.path("many"), "--out", folder.path("drawn"))
    #expect(many.status == 0, "\(many.errors)")
    let lines = many.output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    #expect(lines.map(\.first) == ["a.npy", "b.npy"])
    #expect(FileManager.default.fileExists(atPath: folder.path("drawn/b.png")))
    let drawn = try CommandLine.run(
      "caption", folder.path("run"), "--image", folder.path("cells.npy"), "--sample", "--temperature", "0.5",
      "--seed", "4")
    #expect(drawn.status == 0 && !drawn.output.isEmpty, "\(drawn.errors)")
    let why = try CommandLine.run(
      "explain", folder.path("run"), "--pair", "2,2", "--out", folder.path("why.html"), "--json")
    #expect(why.status == 0, "\(why.errors)")
    #expect(try Self.json(why.output)["caption"] is String)
  }

  @Test("captions of files are measured without a run")
  func files() throws {
    let folder = try TemporaryFolder()
    try folder.write("a red dog\ntwo cats\n", to: "said.txt")
    try folder.write("a red dog runs\ntwo cats\n", to: "first.txt")
    try folder.write("a dog\ncats sleep\n", to: "second.txt")
    let measured = try CommandLine.run(
      "evaluate", "--captions", folder.path("said.txt"), "--references", folder.path("first.txt"),
      folder.path("second.txt"), "--json", "--samples", "20")
    #expect(measured.status == 0, "\(measured.errors)")
    let found = try Self.json(measured.output)
    #expect((found["metrics"] as? [String: Any])?["exact"] as? Double == 0.5)
    #expect((found["n"] as? [String: Any])?["images"] as? Int == 2)
  }

  @Test(
    "what cannot be done is told in one sentence",
    arguments: [
      (["evaluate"], "name a run", 2), (["evaluate", "--captions", "a.txt"], "needs --references", 2),
      (["evaluate", "--captions", "/no/a.txt", "--references", "/no/b.txt"], "a.txt", 1),
      (["caption", "/no/run", "--image", "a.png", "--beam", "0"], "--beam", 2),
      (["caption", "/no/run", "--image", "a.png", "--beam", "2", "--n-best", "3"], "--n-best 3", 2),
      (["caption", "/no/run", "--image", "a.png", "--temperature", "0.5"], "--sample", 2),
      (["caption", "/no/run", "--image", "a.png", "--out", "a.gif"], ".png or .html", 2),
    ] as [([String], String, Int32)])
  func told(arguments: [String], said: String, status: Int32) throws {
    let outcome = try CommandLine.run(arguments)
    #expect(outcome.status == status && outcome.output.isEmpty, "\(outcome.status) \(outcome.errors)")
    #expect(outcome.errors.contains(said), "\(outcome.errors)")
  }

  /// An .npy of float32 `[4, 4]`.
  private static func cells(at path: String) throws {
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 4), }"
    header += String(repeating: " ", count: 63 - (10 + header.count) % 64) + "\n"
    var bytes = Data(
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count & 255), UInt8(header.count >> 8)])
    bytes += Data(header.utf8)
    for number in 0..<16 { withUnsafeBytes(of: Float(number % 5) / 4) { bytes += Data($0) } }
    try bytes.write(to: URL(fileURLWithPath: path))
  }
}
