import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Word pieces")
struct WordPieceTokenizerTests {
  private static let vocabulary = Fixtures.path("text/vocab.txt")

  private static func recorded(_ name: String) throws -> [[Int]] {
    let file = try SafeTensors.read(Fixtures.path("text/wordpiece.safetensors"))
    let numbers = try #require(file["\(name).numbers"]).values(as: Int.self)
    var at = 0
    return try #require(file["\(name).lengths"]).values(as: Int.self).map { length in
      defer { at += length }
      return Array(numbers[at..<at + length])
    }
  }

  private static func differences(
    _ texts: [String], _ name: String, _ settings: WordPieceTokenizer.Settings
  ) throws -> [String] {
    let tokenizer = try WordPieceTokenizer(file: vocabulary, settings: settings)
    let recorded = try recorded(name)
    #expect(texts.count == recorded.count)
    return zip(texts, recorded).filter { tokenizer.numbers(of: $0) != $1 }.map { text, numbers in
      "\(text.debugDescription): \(tokenizer.numbers(of: text)), recorded \(numbers)"
    }
  }

  @Test(
    "numbers of 500 emoji names in eight languages and odd texts are Hugging Face's",
    arguments: [
      ("own", WordPieceTokenizer.Settings()), ("own-cased", .init(lowercases: false)),
      ("own-together", .init(separatesChinese: false)),
    ])
  func own(name: String, settings: WordPieceTokenizer.Settings) throws {
    let json = try JSON(json: Data(contentsOf: URL(fileURLWithPath: Fixtures.path("text/sentences.json"))))
    let texts = (json.array ?? []).compactMap(\.string)
    #expect(texts.count > 500)
    let differences = try Self.differences(texts, name, settings)
    #expect(differences.isEmpty, "\(differences.joined(separator: "; "))")
  }

  @Test(
    "numbers of 1,000 captions in English, German and French are Hugging Face's",
    .enabled(if: SharedData.exists))
  func captions() throws {
    let sources = [
      "multi30k/val.en.gz", "multi30k/val.de.gz", "multi30k/val.fr.gz", "flickr8k_captions/caption.txt",
    ]
    let texts = try sources.flatMap { source in
      let lines = try TextLines(URL(fileURLWithPath: SharedData.path(source)), limits: .standard).all()
        .filter { !$0.isEmpty }
      return (0..<250).map { lines[$0 * (lines.count / 250)] }
    }
    let differences = try Self.differences(texts, "shared", WordPieceTokenizer.Settings())
    #expect(differences.isEmpty, "\(differences.joined(separator: "; "))")
  }

  private static let small = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "a", "##a", "!", "é", "e",
  ]

  @Test("a word is cut into its longest pieces, or is unknown as a whole; marks end it within the limit")
  func pieces() throws {
    let tokenizer = try WordPieceTokenizer(pieces: Self.small)
    #expect(tokenizer.tokens(of: "Unaffable! b").map(\.text) == ["un", "##aff", "##able", "!", "b"])
    #expect(tokenizer.numbers(of: "Unaffable! unb") == [2, 4, 5, 6, 9, 1, 3])
    #expect(tokenizer.numbers(of: "a a a a", limit: 4) == [2, 7, 7, 3])
    #expect(tokenizer.numbers(of: "", limit: 4) == [2, 3])
    #expect(tokenizer.numbers(of: String(repeating: "a", count: 100)).count == 102)
    #expect(tokenizer.numbers(of: String(repeating: "a", count: 101)) == [2, 1, 3])
    // Spellings of one letter are pieces of their own.
    let cased = try WordPieceTokenizer(pieces: Self.small, settings: .init(lowercases: false))
    #expect(cased.numbers(of: "é e\u{301}") == [2, 10, 1, 3])
    #expect(tokenizer.numbers(of: "é e\u{301}") == [2, 11, 11, 3])
  }

  @Test("a run folder's tokenizer.json makes the same tokeniser")
  func stored() throws {
    let folder = try TemporaryFolder()
    let settings = WordPieceTokenizer.Settings(lowercases: false, separatesChinese: false)
    let tokenizer = try WordPieceTokenizer(pieces: Self.small, settings: settings)
    let file = try folder.write(tokenizer.json.text(), to: "tokenizer.json").path
    let again = try WordPieceTokenizer(file: file)
    #expect(again.pieces == Self.small && again.settings == settings)
    // A vocab.txt with the line ends of Windows is the same.
    try folder.write(Self.small.joined(separator: "\r\n") + "\r\n", to: "vocab.txt")
    #expect(try WordPieceTokenizer(file: folder.path + "/vocab.txt").pieces == Self.small)
  }

  @Test(
    "a file that is no vocabulary of pieces is refused in a sentence",
    arguments: [
      ("a\nb\n", "has no piece '[UNK]'"), ("", "has no piece '[UNK]'"),
      (
        #"{"model": {"type": "BPE", "vocab": {}}}"#,
        "is no WordPiece tokenizer (an object with 'model.vocab')"
      ),
      (#"{"model": {"vocab": {"a": 1}}}"#, "gives 'a' the number 1, expected each of 0 to 0 once"),
      ("{", "is no JSON"),
    ])
  func malformed(text: String, reason: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(text, to: "vocab.txt").path
    #expect(message { _ = try WordPieceTokenizer(file: file) } == "\(file): \(reason)")
  }

  @Test("the featurizer reads its vocabulary, keeps to the limit, and is made again from a run folder")
  func featurizer() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Self.small.joined(separator: "\n"), to: "vocab.txt").path
    let configuration = try WordPieceFeaturizer.Configuration(
      overrides: ["vocab_file": .string(file), "max_length": 4, "do_lower_case": false])
    let source = FeaturizerSource(.texts(["a"]))
    let featurizer = try WordPieceFeaturizer(fittedTo: source, configuration)
    guard case .tokens(let numbers, let lengths) = try featurizer.featurized(.texts(["a", "a a A"])) else {
      Issue.record("no tokens")
      return
    }
    #expect(lengths == [3, 4])
    #expect(try numbers.values(as: Int.self) == [2, 7, 3, 0, 2, 7, 7, 3])
    #expect(featurizer.output(named: "text").vocabulary == Self.small.count)
    let again = try Featurizers.make(
      "wordpiece", settings: featurizer.settings, state: [:], document: featurizer.document)
    #expect((again as? WordPieceFeaturizer)?.tokens(of: "A a é") == featurizer.tokens(of: "A a é"))
    #expect(
      message { _ = try WordPieceFeaturizer(fittedTo: source, .init()) }
        == "vocabulary: null is not a file: the featurizer 'wordpiece' needs the vocab.txt of its BERT")
  }
}
