import CrossModal
import Foundation
import Testing

@Suite("Caption files")
struct CaptionFileTests {
  private func file(_ text: String, _ name: String, in folder: TemporaryFolder) throws -> CaptionFile {
    try folder.write(text, to: name)
    return try CaptionFile(folder.file(name).path)
  }

  @Test("lines, JSON lines, COCO's results and annotations of the same captions measure the same")
  func forms() throws {
    let folder = try TemporaryFolder()
    let said = try file("a red dog\ntwo cats\n", "said.txt", in: folder)
    let first = try file("A red dog runs.\nTwo cats\n", "first.txt", in: folder)
    let second = try file("a dog\ncats sleep\n", "second.txt", in: folder)
    let lines = try CaptionMetrics(of: said, references: [first, second])
    let results = try file(
      "[{\"image_id\": 7, \"caption\": \"a red dog\"}, {\"image_id\": 9, \"caption\": \"two cats\"}]",
      "said.json", in: folder)
    let annotations = try file(
      """
      {"images": [{"id": 9}], "annotations": [
        {"image_id": 9, "id": 1, "caption": "Two cats"}, {"image_id": 7, "id": 2, "caption": "A red dog runs."},
        {"image_id": 9, "id": 3, "caption": "cats sleep"}, {"image_id": 7, "id": 4, "caption": "a dog"}]}
      """, "people.json", in: folder)
    #expect(try CaptionMetrics(of: results, references: [annotations]) == lines)
    let listed = try file(
      "[\"A red dog runs.\", \"a dog\"]\n{\"captions\": [\"Two cats\", \"cats sleep\"]}\n", "people.jsonl",
      in: folder)
    #expect(try CaptionMetrics(of: said, references: [listed]) == lines)
    #expect(lines.exact == [0, 1])
  }

  @Test("what does not belong together is told in one sentence")
  func bad() throws {
    let folder = try TemporaryFolder()
    let said = try file("a\nb\n", "said.txt", in: folder)
    let named = try file("[{\"image_id\": 1, \"caption\": \"a\"}]", "named.json", in: folder)
    func told(_ captions: CaptionFile, _ references: [CaptionFile]) -> String {
      let error = #expect(throws: EvaluationError.self) {
        try CaptionMetrics(of: captions, references: references)
      }
      return error?.errorDescription ?? ""
    }
    #expect(
      told(said, [try file("a\n", "one.txt", in: folder)]).contains("2 captions in said.txt and 1 lines"))
    #expect(told(said, [named]) == "named.json names its images and said.txt does not")
    let other = try file("[{\"image_id\": 2, \"caption\": \"a\"}]", "other.json", in: folder)
    #expect(told(named, [other]) == "image 1 of named.json has no reference in other.json")
    let twice = try file(
      "[{\"image_id\": 1, \"caption\": \"a\"}, {\"image_id\": 1, \"caption\": \"b\"}]", "twice.json",
      in: folder)
    #expect(told(twice, [named]) == "twice.json: image 1 has 2 captions, expected one")
    for (text, name, reason) in [
      ("[{\"image_id\": 1}]", "x.json", "element 0"), ("{\"a\": 1}", "y.json", "annotations"),
      ("[3]", "z.json", "element 0"), ("{oops\n", "w.jsonl", "line 1"),
      ("[\"a\", {\"id\": 1, \"caption\": \"b\"}]", "v.json", "some of its images"),
    ] {
      let error = #expect(throws: DataError.self) { try file(text, name, in: folder) }
      #expect(error?.errorDescription?.contains(reason) == true, "\(name)")
    }
  }
}
