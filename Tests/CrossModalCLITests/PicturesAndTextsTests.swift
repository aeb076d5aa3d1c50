import CrossModal
import Foundation
import Testing

@testable import CrossModalCLI

@Suite("Pictures and texts as they come")
struct PicturesAndTextsTests {
  private static let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Data/emoji").path

  @Test(
    "clip learns emoji pictures and their captions without a setting, and finds pictures by words and files")
  func emoji() throws {
    let folder = try TemporaryFolder()
    let out = folder.url.path + "/run"
    // Two epochs with small networks: enough to be far above chance.
    let trained = try CommandLine.run(
      "train", "--method", "clip", "--data", Self.data, "--out", out, "--set", "epochs=2", "--set",
      "hidden=32",
      "--set", "pictures.size=16", "--set", "text.word_dim=32", "--set", "learning_rate=0.005", "--set",
      "threads=1",
      "--quiet")
    #expect(trained.status == 0, "\(trained.errors)")
    let evaluated = try CommandLine.run("evaluate", out, "--json")
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let metrics = try #require(JSON(yaml: evaluated.output)["metrics"])
    // Ten of 296 pictures by chance: 3.4 percent.
    for direction in ["image_to_text", "text_to_image"] {
      #expect(try #require(metrics[direction]?["R@10"]?.double) > 15)
    }
    let found = try CommandLine.run(
      "search", out, "--query-text", "red heart", "--split", "test", "-k", "3", "--json")
    #expect(found.status == 0, "\(found.errors)")
    #expect(try JSON(yaml: found.output)["results"]?.array?.map { $0["split"] } == ["test", "test", "test"])
    // The whole collection is searched, and a word that no text had is said.
    let everywhere = try CommandLine.run(
      "search", out, "--from", "text", "--to", "image", "--query-text", "red xyzzy", "-k", "2225")
    #expect(everywhere.status == 0 && everywhere.errors.contains("lacks 'xyzzy';"))
    let lines = everywhere.output.split(separator: "\n")
    #expect(lines.count == 2225)
    #expect(
      lines.contains { $0.contains(" val 161 ") && $0.contains(" red heart  ") && $0.hasSuffix(".jpg") })
    let row = try CommandLine.run(
      "search", out, "--from", "text", "--to", "image", "--query-row", "0", "--split", "all")
    #expect(row.status == 2 && row.errors.contains("--query-row is a row of one split"))
    #expect(found.errors.isEmpty)
    let some = try CommandLine.run(
      "search", out, "--from", "text", "--to", "image", "--query-text", "red xyzzy", "--json")
    #expect(some.status == 0 && some.errors.contains("warning: the run's vocabulary lacks 'xyzzy';"))
    #expect(try JSON(yaml: some.output).members?.map(\.key) == JSON(yaml: found.output).members?.map(\.key))
    let none = try CommandLine.run(
      "search", out, "--from", "text", "--to", "image", "--query-text", "xyzzy plugh")
    #expect(none.status == 0 && none.errors.contains("has no word of the query ('xyzzy' and 'plugh')"))
    #expect(none.errors.split(separator: "\n").count == 1)
    let picture = Self.data + "/images"
    let file = try #require(FileManager.default.contentsOfDirectory(atPath: picture).sorted().first)
    let captions = try CommandLine.run("search", out, "--query-file", picture + "/" + file, "-k", "2")
    #expect(captions.status == 0, "\(captions.errors)")
    let alike = try CommandLine.run(
      "search", out, "--from", "image", "--to", "image", "--query-file", picture + "/" + file, "--json")
    let first = try JSON(json: Data(alike.output.utf8))["results"]?.array?.first
    #expect(first?["picture"]?.string?.hasSuffix(file) == true, "\(alike.errors)")
    try folder.write("red heart\n\nmoon\n", to: "words.txt")
    let page = folder.url.path + "/found.html"
    let several = try CommandLine.run(
      "search", out, "--queries", folder.url.path + "/words.txt", "-k", "2", "--out", page, "--json")
    let queries = try JSON(json: Data(several.output.utf8))["queries"]?.array ?? []
    #expect(queries.map { $0["query"]?.string } == ["red heart", "moon"])
    #expect(queries.allSatisfy { $0["results"]?.array?.count == 2 })
    #expect(try String(contentsOfFile: page, encoding: .utf8).components(separatedBy: "<img").count == 5)
    #expect(try CommandLine.run("search", out, "--query-text", "moon", "--out", page).status != 0)
  }
}
