import Foundation
import Testing

@Suite("SCAN from the command line")
struct SCANCommandTests {
  /// Scenes of two digits each, told apart by which of their pixels are bright; a caption names them.
  static func dataSet(in folder: TemporaryFolder) throws {
    let words = ["zero", "one", "two", "three"]
    var (rows, captions): ([String], [String]) = ([], [])
    for item in 0..<24 {
      let digits = [item % 4, (item / 4 + 1 + item % 4) % 4]
      for digit in digits {
        rows.append((0..<8).map { $0 / 2 == digit ? "1" : "0.\($0)" }.joined(separator: ","))
      }
      captions.append("a " + digits.map { words[$0] }.joined(separator: " and "))
      captions.append(digits.reversed().map { words[$0] }.joined(separator: " or "))
    }
    try folder.write(rows.joined(separator: "\n") + "\n", to: "regions.csv")
    try folder.write(captions.joined(separator: "\n") + "\n", to: "captions.txt")
    try folder.write((0...24).map { "\($0 * 2)" }.joined(separator: "\n") + "\n", to: "offsets.csv")
    try folder.write(
      """
      name: digits
      modalities:
        image: { file: regions.csv, kind: set, offsets: offsets.csv }
        text: { file: captions.txt, kind: text }
      captions_per_item: 2
      splits: { train: "0:16", test: "16:24" }
      """, to: "dataset.yaml")
  }

  static func train(_ direction: String, in folder: TemporaryFolder) throws {
    let outcome = try CommandLine.run(
      "train", "--method", "scan", "--data", folder.path("dataset.yaml"), "--out", folder.path(direction),
      "--set", "cross_attn=\(direction)", "--set", "embed_size=8", "--set", "word_dim=4", "--set", "epochs=2",
      "--set", "batch_size=8", "--set", "features.text.threshold=1", "--quiet")
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test("train, evaluate two runs together, score, embed and explain")
  func wholeWay() throws {
    let folder = try TemporaryFolder()
    try Self.dataSet(in: folder)
    try Self.train("t2i", in: folder)
    try Self.train("i2t", in: folder)
    let both = try CommandLine.run(
      "evaluate", folder.path("t2i"), "--models", folder.path("i2t"), "--json")
    #expect(both.status == 0 && both.output.contains("\"scan + scan\""), "\(both.errors)")
    for arguments in [
      ["score", folder.path("t2i"), "--models", folder.path("i2t"), "--out", folder.path("scores.npy")],
      ["embed", folder.path("t2i"), "--modality", "text", "--out", folder.path("words.npz")],
      ["explain", folder.path("t2i"), "--pair", "1,3", "--out", folder.path("why.png")],
      ["explain", folder.path("i2t"), "--pair", "1,3", "--out", folder.path("why.html")],
    ] {
      let outcome = try CommandLine.run(arguments)
      #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
      let file = URL(fileURLWithPath: arguments[arguments.count - 1])
      #expect(try Data(contentsOf: file).count > 200)
    }
    let scores = try Data(contentsOf: URL(fileURLWithPath: folder.path("scores.npy")))
    #expect(scores.count == 128 + 8 * 16 * 4)
    #expect(try String(contentsOfFile: folder.path("why.html"), encoding: .utf8).contains("two or one"))
  }

  @Test("what cannot be explained is said in a sentence, and no file is left")
  func errors() throws {
    let folder = try TemporaryFolder()
    try Self.dataSet(in: folder)
    try Self.train("t2i", in: folder)
    for (arguments, status, words) in [
      (["explain", "t2i", "--pair", "1,99", "--out", "x.png"], 2, "rows 0 to 15"),
      (["explain", "t2i", "--pair", "1", "--out", "x.png"], 2, "3,17"),
      (["explain", "t2i", "--pair", "1,2", "--out", "x.gif"], 2, ".png"),
      (["explain", "t2i", "--pair", "1,2", "--out", "missing/x.png"], 1, "missing"),
      (["embed", "t2i", "--modality", "text", "--out", "x.npy"], 2, ".npz"),
      (["evaluate", "t2i", "--models", "nowhere"], 1, "no run"),
      (["evaluate", "t2i", "--combine", "product"], 2, "mean"),
    ] as [([String], Int32, String)] {
      let outcome = try CommandLine.run(arguments, in: folder.url)
      #expect(outcome.status == status && outcome.errors.contains(words), "\(arguments): \(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count <= 4, "\(outcome.errors)")
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.url.path).allSatisfy { !$0.hasPrefix("x.") })
  }
}
