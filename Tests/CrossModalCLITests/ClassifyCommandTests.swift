import Foundation
import Testing

@Suite("Classes by words from the command line")
struct ClassifyCommandTests {
  private static func dataSet(in folder: TemporaryFolder) throws {
    let names = ["cat", "dog", "sea"]
    let rows = (0..<36).map { row in
      (0..<3).map { $0 == row % 3 ? "3.\(row % 7)" : "0.\(row % 5)" }.joined(separator: ",")
    }
    try folder.write(rows.joined(separator: "\n") + "\n", to: "vectors.csv")
    try folder.write((0..<36).map { "a \(names[$0 % 3])" }.joined(separator: "\n") + "\n", to: "texts.txt")
    try folder.write((0..<36).map { "\($0 % 3)" }.joined(separator: "\n") + "\n", to: "labels.csv")
    try folder.write(names.joined(separator: "\n") + "\n", to: "names.txt")
    try folder.write(
      """
      name: animals
      modalities:
        thing: { file: vectors.csv, kind: vector }
        text: { file: texts.txt, kind: text }
      labels: labels.csv
      splits: { train: "0:24", test: "24:36" }
      """, to: "dataset.yaml")
  }

  @Test("train, classify an item, and count what is right")
  func wholeWay() throws {
    let folder = try TemporaryFolder()
    try Self.dataSet(in: folder)
    let trained = try CommandLine.run(
      "train", "--method", "cca", "--data", folder.path("dataset.yaml"), "--out", folder.path("run"),
      "--quiet")
    #expect(trained.status == 0, "\(trained.errors)")
    let measured = try CommandLine.run(
      "evaluate", folder.path("run"), "--protocol", "zero-shot", "--labels", folder.path("names.txt"),
      "--json",
      "--samples", "20", "--against", folder.path("run"))
    #expect(measured.status == 0, "\(measured.errors)")
    let json = try #require(
      JSONSerialization.jsonObject(with: Data(measured.output.utf8)) as? [String: Any])
    #expect((json["metrics"] as? [String: Any])?["top-1"] as? Double == 100)
    #expect(json["protocol"] as? String == "zero-shot, 3 classes, 1 sentence each")
    #expect(json["against"] is [String: Any])

    try numpy(of: [[3.1, 0.2, 0.1], [0.1, 0.2, 2.9]]).write(to: folder.url.appendingPathComponent("two.npy"))
    let classified = try CommandLine.run(
      "classify", folder.path("run"), "--labels", folder.path("names.txt"), folder.path("two.npy"), "-k", "1")
    #expect(classified.status == 0, "\(classified.errors)")
    let lines = classified.output.split(separator: "\n")
    #expect(
      lines.count == 4 && lines[1].hasSuffix("cat") && lines[3].hasSuffix("sea"), "\(classified.output)")
  }

  @Test("what does not go together is a mistake of use")
  func mistakes() throws {
    for arguments in [
      ["classify", "run", "a.png"], ["classify", "run", "--labels", "names.txt"],
      ["evaluate", "run", "--protocol", "zero-shot"], ["evaluate", "run", "--labels", "names.txt"],
      ["classify", "run", "--labels", "names.txt", "-k", "0", "a.png"],
    ] {
      let outcome = try CommandLine.run(arguments)
      #expect(outcome.status == 2, "\(arguments): \(outcome.errors)")
    }
  }
}
