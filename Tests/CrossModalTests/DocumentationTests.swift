import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Documentation")
struct DocumentationTests {
  private static let repository = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let sources = repository.appending(path: "Sources/CrossModal")

  private static func files(_ suffix: String) throws -> [URL] {
    try FileManager.default.subpathsOfDirectory(atPath: sources.path).filter { $0.hasSuffix(suffix) }.sorted()
      .map { sources.appending(path: $0) }
  }

  @Test("every public type stands in the Topics of CrossModal.docc/CrossModal.md, and nothing that is gone")
  func topics() throws {
    let page = try String(
      contentsOf: Self.sources.appending(path: "CrossModal.docc/CrossModal.md"), encoding: .utf8)
    let listed = Set(page.matches(of: /(?m)^- ``([A-Za-z0-9]+)``$/).map { String($0.1) })
    var declared: Set<String> = []
    for file in try Self.files(".swift") {
      let text = try String(contentsOf: file, encoding: .utf8)
      let pattern =
        /(?m)^public (?:final |indirect |nonisolated )*(?:struct|enum|class|protocol|actor) ([A-Za-z0-9]+)/
      declared.formUnion(text.matches(of: pattern).map { String($0.1) })
    }
    #expect(declared.subtracting(listed).sorted() == [], "run scripts/topics to add these")
    #expect(listed.subtracting(declared).sorted() == [], "run scripts/topics to remove these")
  }

  @Test("every article is linked from the first page")
  func articles() throws {
    let page = try String(
      contentsOf: Self.sources.appending(path: "CrossModal.docc/CrossModal.md"), encoding: .utf8)
    for file in try Self.files(".md") where file.lastPathComponent != "CrossModal.md" {
      #expect(page.contains("<doc:\(file.deletingPathExtension().lastPathComponent)>"))
    }
  }

  @Test("the samples of the articles are the code that this file compiles and runs")
  func samples() throws {
    let own = Self.lines(of: try String(contentsOf: URL(filePath: #filePath), encoding: .utf8))
    let readmes = ["README.md", "README.zh-CN.md"].map { Self.repository.appending(path: $0) }
    for file in try Self.files(".md") + readmes {
      let text = try String(contentsOf: file, encoding: .utf8)
      for sample in text.matches(of: /```swift\n([^`]*)```/) {
        let code = Self.lines(of: String(sample.1)).replacing("import CrossModal ", with: "")
        #expect(own.contains(code), "\(file.lastPathComponent): \(sample.1)")
      }
    }
  }

  /// The words of the code, so that indentation and line breaks do not matter.
  private static func lines(of text: String) -> String {
    text.split { $0.isWhitespace }.joined(separator: " ")
  }

  @Test("the first steps of Getting started work and give the field's figures")
  func firstSteps() throws {
    let data = try DataSet(at: BundledData.folder("wikipedia").path)
    let method = try CCA(CCA.Configuration(), for: data.description)
    try method.fit(to: data.split("train"))

    let test = try data.split("test")
    let images = try method.encode(test.items(side: 0), side: 0)
    let texts = try method.encode(test.items(side: 1), side: 1)
    let truth = try RetrievalTruth(
      first: images.count, second: texts.count, labels: (test.labels(side: 0), test.labels(side: 1)))
    let metrics = try RetrievalEvaluation()
      .metrics(of: method, images, texts, truth: truth, modalities: ["image", "text"])
    print(metrics.json.text())

    let scores = try method.similarity(images.items(3..<4), texts)
    let nearest = try scores.top(5).indices
    #expect(nearest.shape == [1, 5])
    let precision = try #require(metrics.forward.summary.meanAveragePrecision)
    #expect(precision > 0.25 && precision < 0.28)
  }

  @Test("the lines of the README learn, save, measure and search")
  func readme() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "readme-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let data = try DataSet(at: BundledData.folder("emoji").path)
    let run = try Run.learn(CLIP.self, from: data.split("train")) {
      $0.embedSize = 128
    } training: {
      $0.epochs = 2
    }
    try run.save(to: folder)
    print(try run.evaluate(on: data.split("test")))
    let pictures = try run.gallery("image", of: data.split("test"))
    for hit in try pictures.search("red heart", top: 5) { print(hit.rank, hit.score, hit.card.label) }

    #expect(try Run.open(folder.path).evaluate(on: data.split("test")).result.measures.count > 10)
    #expect(try pictures.search("red heart", top: 5).map(\.rank) == Array(1...5))
    // A closed form is learned by the same door.
    let linear = try Run.learn(CCA.self, from: data.split("train"), features: ["text": "tfidf"]) {
      $0.k = .fixed(5)
    }
    #expect(try linear.evaluate(on: data.split("test")).retrieval?.rsum ?? 0 > 0)
    #expect(throws: ConfigurationError.self) {
      try Run.learn(CLIP.self, from: data.split("train")) { $0.embedSize = -1 }
    }
  }

  @Test("data in memory need no file")
  func dataFromMemory() throws {
    let features = try Tensor.normal([6, 8], using: Generator(seed: 1))
    let captions = ["a red heart", "a blue heart", "a red car", "a blue car", "a red sun", "a blue sun"]
    let data = try DataSet(
      name: "mine", [.init("image", .vectors(features)), .init("text", .texts(captions))],
      splits: ["train": 0..<4, "test": [5, 4]])
    let test = try data.split("test")
    print(test.count, try test.card(side: 1, row: 0).label)
    #expect(try test.card(side: 1, row: 0).label == "a blue sun")
  }

  @Test("the report of Getting started is written")
  func firstReport() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "documentation-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let table = ReportTable(
      columns: [.init("direction"), .init("mAP", best: .highest)],
      rows: [["image → text", 0.241], ["text → image", 0.197]])
    print(TextTable(table))

    let report = Report(
      title: "Wikipedia",
      blocks: [
        .section("Retrieval"), .table(table, caption: "693 test pairs, same class counts as relevant."),
      ])
    try report.write(to: folder.appending(path: "report.html"))
    #expect(FileManager.default.fileExists(atPath: folder.appending(path: "report.html").path))
  }
}
