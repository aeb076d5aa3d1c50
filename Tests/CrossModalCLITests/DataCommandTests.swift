import CrossModal
import Foundation
import Testing

@Suite("data inspect and data import")
struct DataCommandTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  @Test("a data set is told as JSON and as a page with samples")
  func inspect() throws {
    let data = try BundledData.folder("wikipedia").path
    let outcome = try CommandLine.run("data", "inspect", data, "--json", "--out", folder.path("page.html"))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let found = try JSON(json: Data(outcome.output.utf8))
    #expect(found["modalities"]?.array?.map { $0["shape"]?.array?.first } == [128, 10])
    #expect(found["splits"]?.array?.map { $0["pairs"] } == [2173, 693])
    #expect(found["splits"]?.array?.first?["classes"]?.array?.compactMap(\.int).reduce(0, +) == 2173)
    #expect(found["class_names"]?.array?.count == 10)
    #expect(found["published"]?.array?.first?["mAP"] == [0.249, 0.196])
    let page = try String(contentsOfFile: folder.path("page.html"), encoding: .utf8)
    #expect(page.contains("Samples") && page.contains("pair 0 · class"))
  }

  @Test("problems are said, and end the command with 1 where that is asked for")
  func problems() throws {
    try folder.write(npy(rows: 10, columns: 3) { $0 == 4 && $1 == 1 ? .nan : nil }, to: "x.npy")
    try folder.write(
      "modalities: { x: { file: x.npy, kind: vector } }\nsplits: { all: \"0:10\" }\n", to: "dataset.yaml")
    let outcome = try CommandLine.run("data", "inspect", folder.url.path)
    #expect(outcome.status == 0)
    #expect(
      outcome.output.contains(
        "problem: all, x: 1 items hold NaN, infinity or numbers beyond 1e+38, the first is row 4, column 1"))
    let strict = try CommandLine.run("data", "inspect", folder.url.path, "--strict")
    #expect(strict.status == 1 && strict.errors == "")
  }

  @Test("two files become a data set that a method learns from; a wrong name or option is a usage error")
  func imports() throws {
    try folder.write(npy(rows: 40, columns: 3), to: "x.npy")
    try folder.write(npy(rows: 40, columns: 2), to: "y.npy")
    let words = ["data", "import", "features", folder.path("x.npy"), "--out", folder.path("set")]
    let outcome = try CommandLine.run(words + ["--set", "with=\(folder.path("y.npy"))"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let trained = try CommandLine.run(
      "train", "--method", "cca", "--data", folder.path("set"), "--out", folder.path("run"), "--quiet")
    #expect(trained.status == 0, "\(trained.errors)")
    let option = try CommandLine.run(
      "data", "import", "features", folder.path("x.npy"), "--out", folder.path("other"), "--set", "wiht=y.npy"
    )
    #expect(option.status == 2)
    #expect(option.errors.contains("did you mean 'with'?"))
    let name = try CommandLine.run(
      "data", "import", "karpaty", folder.url.path, "--out", folder.path("other"))
    #expect(name.status == 2)
    #expect(name.errors.contains("did you mean 'karpathy'?"))
    #expect(!folder.exists("other"))
  }
}
