import Foundation
import Testing

@testable import CrossModal

@Suite("Vocabulary")
struct VocabularyTests {
  @Test("marks come first, then frequent words, then the alphabet; rare words are unknown")
  func counts() {
    let vocabulary = Vocabulary(counts: ["b": 3, "a": 3, "c": 5, "d": 2, "<unk>": 9], threshold: 3)
    #expect(vocabulary.words == ["<pad>", "<start>", "<end>", "<unk>", "c", "a", "b"])
    #expect(vocabulary.numbers(of: ["a", "d", "c"]) == [1, 5, 3, 4, 2])
    #expect(vocabulary["d"] == nil)
  }

  @Test("what is written is read, as JSON of the field's programs")
  func roundTrip() throws {
    let folder = try TemporaryFolder()
    let vocabulary = Vocabulary(counts: ["größe": 1, "\"": 2, "a": 1], threshold: 1)
    let file = try folder.write(vocabulary.json.text(), to: "vocabulary.json")
    #expect(try Vocabulary(file: file.path) == vocabulary)
    let read = try JSON(json: Data(contentsOf: file))
    #expect(read["word2idx"]?["größe"]?.int == vocabulary["größe"])
    #expect(read["idx2word"]?["4"]?.string == "\"")
    #expect(read["idx"]?.int == 7)
  }

  @Test("numbers of a published vocabulary stay in any order, and marks may stand anywhere")
  func published() throws {
    let vocabulary = try Vocabulary(
      json: ["word2idx": ["dog": 1, "<unk>": 0, "<end>": 2, "<start>": 3, "<pad>": 4]], from: "v.json")
    #expect(vocabulary.numbers(of: ["dog", "cat"]) == [3, 1, 0, 2])
    #expect(vocabulary.padding == 4)
  }

  @Test(
    "a pickle of Python 2 or 3 is the same vocabulary, and none of it is executed",
    arguments: ["protocol0", "protocol2", "python2", "literals"])
  func pickles(name: String) throws {
    let file = Fixtures.path("text/vocabulary-\(name).pkl")
    let vocabulary = try Vocabulary(file: file)
    #expect(vocabulary.words == ["<pad>", "<start>", "<end>", "<unk>", "dog", "it's", "café"])
  }

  @Test(
    "a file that is no vocabulary is refused in a sentence",
    arguments: [
      (#"{"word2idx": {"a": 0}}"#, "has no word '<pad>'"),
      (#"{"word2idx": {"a": 5}}"#, "gives 'a' the number 5, expected 0 to 0"),
      (#"{"word2idx": {"a": 0, "b": 0}}"#, "gives the number 0 to 'a' and to 'b'"),
      (#"{"word2idx": {"a": "x"}}"#, "'word2idx' is to give every word a whole number"),
      (#"{"words": []}"#, "is no vocabulary (an object with 'word2idx' and 'idx2word')"),
      (#"{"word2idx": {"a": 0}, "idx2word": {"0": "b"}}"#, "'word2idx' and 'idx2word' differ at 0"),
      (#"{"word2idx": "#, "is no JSON"),
      ("hello", "the pickle refers to a value that was not given"),
      ("", "the pickle ends too early"),
    ])
  func malformed(text: String, reason: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(text, to: "v.json").path
    #expect(message { _ = try Vocabulary(file: file) } == "\(file): \(reason)")
    #expect(message { _ = try Vocabulary(file: file + "x") } == "\(file)x: there is no such file")
  }
}

/// Files beside the tests that Python wrote.
enum Fixtures {
  static func path(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)").path
  }
}
