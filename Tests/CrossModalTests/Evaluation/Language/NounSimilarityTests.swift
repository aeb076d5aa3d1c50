import CrossModal
import Foundation
import Testing

@Suite("Noun similarity")
struct NounSimilarityTests {
  /// entity <- animal <- (dog, cat), entity <- thing, with dog also a thing.
  private static func write(in folder: TemporaryFolder) throws {
    let lines = [
      ("entity", []), ("animal", ["entity"]), ("thing", ["entity"]), ("dog", ["animal", "thing"]),
      ("cat", ["animal"]), ("woman", ["animal"]),
    ]
    var offsets: [String: Int] = [:]
    var data = "  1 A licence.\n"
    func padded(_ offset: Int) -> String {
      String(repeating: "0", count: 8 - "\(offset)".count) + "\(offset)"
    }
    for (word, parents) in lines {
      let offset = data.utf8.count
      offsets[word] = offset
      let pointers = parents.map { " @ \(padded(offsets[$0] ?? 0)) n 0000" }.joined()
      data += "\(padded(offset)) 03 n 01 \(word) 0 00\(parents.count)\(pointers) | a gloss | with a bar\n"
    }
    try data.write(to: folder.url.appending(path: "data.noun"), atomically: true, encoding: .utf8)
    let index = lines.map { "\($0.0) n 1 1 @ 1 0 \(padded(offsets[$0.0] ?? 0))  \n" }.joined()
    try ("  1 A licence.\n" + index).write(
      to: folder.url.appending(path: "index.noun"), atomically: true, encoding: .utf8)
    try "kitties cat\n".write(
      to: folder.url.appending(path: "noun.exc"), atomically: true, encoding: .utf8)
  }

  @Test("equal words are 1, related ones by the depth of what they share, unknown ones 0")
  func similarity() throws {
    let folder = try TemporaryFolder()
    try Self.write(in: folder)
    let nouns = try NounSimilarity(folder: folder.url)
    // animal is one edge below the root: 2 * 2 / (1 + 1 + 2 * 2).
    #expect(try nouns.similarity("dog", "cat") == 4.0 / 6)
    #expect(try nouns.similarity("Dogs", "kitties") == 4.0 / 6)
    #expect(try nouns.similarity("women", "dog") == 4.0 / 6)
    // Both parents of dog are equally deep; of cat and thing only the root is common: 2 * 1 / (2 + 1 + 2).
    #expect(try nouns.similarity("cat", "thing") == 2.0 / 5)
    #expect(try nouns.similarity("xyzzy", "xyzzy") == 1)
    #expect(try nouns.similarity("xyzzy", "dog") == 0)
    #expect(try nouns.score("dog", "cat", threshold: 0.9) == 0.1 * (4.0 / 6))
    #expect(try nouns.score(["dog", "cat"], ["cat"], threshold: 0) == 4.0 / 6)
  }

  @Test(
    "the known value of dog and cat", .enabled(if: SharedData.exists, "the shared data are not here"))
  func knownValue() throws {
    let nouns = try NounSimilarity(folder: URL(filePath: SharedData.path("wordnet-mini")))
    #expect(abs(try nouns.similarity("dog", "cat") - 0.857142857) < 1e-9)
    let metrics = try AnsweringMetrics(predictions: ["cat"], answers: [["dog"]], nouns: nouns)
    #expect(metrics.values.map(\.name) == ["accuracy", "WUPS@0.9", "WUPS@0.0"])
  }

  @Test("missing and broken files are named")
  func errors() throws {
    let folder = try TemporaryFolder()
    #expect(throws: WordNetError.notFound([folder.url.path])) { try NounSimilarity(folder: folder.url) }
    try Self.write(in: folder)
    try "dog n 1 1 @ 1 0 00000007\ncat n 9\n".write(
      to: folder.url.appending(path: "index.noun"), atomically: true, encoding: .utf8)
    let nouns = try NounSimilarity(folder: folder.url)
    #expect(throws: WordNetError.badLine(file: "data.noun", place: 7)) { try nouns.similarity("dog", "dogs") }
    #expect(throws: WordNetError.badLine(file: "index.noun", place: 29)) {
      try nouns.similarity("cat", "dog")
    }
  }
}
