import Foundation
import Testing

@Suite("LocVTP from the command line")
struct LocVTPCommandTests {
  /// Videos of twelve rows in which a bell or a dog is heard for three of them.
  private static func dataSet(in folder: TemporaryFolder) throws {
    var (rows, sentences, pairs, moments) = ([String](), [String](), [String](), [String]())
    for video in 0..<24 {
      let start = video * 5 % 9
      for row in 0..<12 {
        let isThere = (start..<start + 3).contains(row)
        rows.append(
          "\(isThere && video % 2 == 0 ? 2 : 0),\(isThere && video % 2 == 1 ? 2 : 0),0.\(video * row % 7)")
      }
      pairs.append("\(video),\(video)")
      sentences.append(video % 2 == 0 ? "a bell rings" : "the dog barks")
      moments.append("\(Double(start) / 2),\(Double(start + 3) / 2)")
    }
    for (lines, name) in [
      (rows, "rows.csv"), (sentences, "text.txt"), (pairs, "pairs.csv"), (moments, "moments.csv"),
    ] {
      try folder.write(lines.joined(separator: "\n") + "\n", to: name)
    }
    try folder.write((0...24).map { "\($0 * 12)" }.joined(separator: "\n") + "\n", to: "offsets.csv")
    try folder.write(
      """
      name: sounds
      modalities:
        sound: { file: rows.csv, kind: sequence, offsets: offsets.csv, rate: 2 }
        text: { file: text.txt, kind: text }
      pairs: pairs.csv
      moments: moments.csv
      splits: { train: "0:18", test: "18:24" }
      """, to: "dataset.yaml")
  }

  private static let small = [
    "hidden=12", "embed_size=8", "word_dim=8", "words=bag", "epochs=6", "batch_size=9",
    "terms=coarse,fine,windows",
  ].flatMap { ["--set", $0] }

  @Test("train, measure beside guesses, find a moment in a new video, explain, and search whole videos")
  func wholeWay() throws {
    let folder = try TemporaryFolder()
    try Self.dataSet(in: folder)
    let trained = try CommandLine.run(
      [
        "train", "--method", "locvtp", "--data", folder.path("dataset.yaml"), "--out", folder.path("run"),
        "--quiet",
      ] + Self.small)
    #expect(trained.status == 0, "\(trained.errors)")
    let measured = try CommandLine.run("evaluate", folder.path("run"), "--json", "--samples", "20")
    let json = try #require(JSONSerialization.jsonObject(with: Data(measured.output.utf8)) as? [String: Any])
    #expect(json["task"] as? String == "grounding" && (json["priors"] as? [String: Any])?.count == 2)
    let intervals = (json["intervals"] as? [String: Any])?["metrics"] as? [String: Any]
    #expect(intervals?["mIoU"] is [Double] && intervals?["R@1,IoU=0.5"] is [Double])

    try folder.write(numpy(of: (0..<12).map { [(3..<6).contains($0) ? 2 : 0, 0, 0.1] }), to: "new.npy")
    let found = try CommandLine.run(
      "ground", folder.path("run"), "--video", folder.path("new.npy"), "--text", "a BELL rings", "-n", "2",
      "--json",
      "--out", folder.path("when.png"))
    #expect(found.status == 0, "\(found.errors)")
    let answer = try #require(JSONSerialization.jsonObject(with: Data(found.output.utf8)) as? [String: Any])
    let moments = try #require(answer["moments"] as? [[String: Double]])
    #expect(moments.count == 2 && moments.allSatisfy { ($0["start"] ?? -1) >= 0 && ($0["end"] ?? 9) <= 6 })
    #expect(answer["duration"] as? Double == 6)
    #expect(((answer["similarity"] as? [String: Any])?["values"] as? [Double])?.count == 12)
    for arguments in [
      [
        "ground", folder.path("run"), "--video", folder.path("new.npy"), "--text", "a dog", "--out",
        folder.path("a.html"),
      ],
      ["explain", folder.path("run"), "--pair", "1,1", "--out", folder.path("why.png")],
      ["explain", folder.path("run"), "--pair", "1,1", "--out", folder.path("why.html")],
      ["evaluate", folder.path("run"), "--protocol", "full"],
      ["search", folder.path("run"), "--from", "text", "--to", "sound", "--query-text", "a bell rings"],
    ] {
      let outcome = try CommandLine.run(arguments)
      #expect(outcome.status == 0 && !outcome.output.isEmpty, "\(arguments): \(outcome.errors)")
    }
    let page = try String(contentsOf: URL(fileURLWithPath: folder.path("why.html")), encoding: .utf8)
    #expect(page.contains("the true moment is from"))

    // What cannot be looked for is told in a sentence.
    try folder.write("", to: "film.mp4")
    try folder.write(numpy(of: [[1, 2], [3, 4]]), to: "narrow.npy")
    for (arguments, said, status) in [
      (["--video", folder.path("film.mp4"), "--text", "a bell"], "learned from features", 1),
      (["--video", folder.url.path, "--text", "a bell"], "learned from features", 1),
      (["--video", folder.path("narrow.npy"), "--text", "a bell"], "3 numbers", 1),
      (["--video", folder.path("new.npy"), "--text", " "], "has no words", 2),
      (["--video", folder.path("new.npy"), "--text", "a bell", "-n", "0"], "1 or more", 2),
      (["--video", folder.path("new.npy"), "--text", "a bell", "--out", "a.gif"], ".png or .html", 2),
    ] as [([String], String, Int32)] {
      let outcome = try CommandLine.run(["ground", folder.path("run")] + arguments)
      #expect(outcome.status == status, "\(arguments): \(outcome.status) \(outcome.errors)")
      #expect(outcome.errors.contains(said) && outcome.output.isEmpty, "\(outcome.errors)")
    }
    let strange = try CommandLine.run(
      "ground", folder.path("run"), "--video", folder.path("new.npy"), "--text", "zebra")
    #expect(strange.status == 0 && strange.errors.contains("zebra"), "\(strange.errors)")
  }
}
