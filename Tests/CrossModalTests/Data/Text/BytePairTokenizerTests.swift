import Foundation
import Testing

@testable import CrossModal

@Suite("Byte pairs")
struct BytePairTokenizerTests {
  /// `c a t</w>` becomes one piece in two merges, `'s</w>` and `th` in one.
  private static let merges = ["a t</w>", "c at</w>", "t h", "' s</w>", "th e</w>"]
  private static let text = "header\n" + merges.joined(separator: "\n") + "\n"

  private static func tokenizer(
    _ folder: TemporaryFolder, _ clean: TextCleaning = .openai, length: Int = 12
  ) throws -> BytePairTokenizer {
    try BytePairTokenizer(
      merges: folder.write(text, to: "bpe.txt"), .init(clean: clean, contextLength: length))
  }

  @Test("numbers are bytes, bytes at the end of a word, joined pieces in order, and the two marks")
  func numbers() throws {
    let tokenizer = try Self.tokenizer(TemporaryFolder())
    #expect(tokenizer.vocabularySize == 512 + 5 + 2)
    #expect((tokenizer.start, tokenizer.end) == (517, 518))
    // 'cat' is joined to its end; 'the' is 'th' and then 'the'.
    #expect(tokenizer.numbers(of: "The cat") == [517, 516, 513, 518])
    // '!' is the first byte that is seen, and with the end of a word the 256th.
    #expect(tokenizer.numbers(of: "!") == [517, 256, 518])
    #expect(tokenizer.numbers(of: "cat's") == [517, 513, 515, 518])
    #expect(tokenizer.numbers(of: "") == [517, 518])
    #expect(
      tokenizer.tokens(of: "the é").map(\.text) == [
        "<|startoftext|>", "the", "\u{FFFD}", "\u{FFFD}", "<|endoftext|>",
      ])
  }

  @Test("a long text is cut and keeps its end; a short one is padded")
  func rows() throws {
    let folder = try TemporaryFolder()
    let batch = try Self.tokenizer(folder, length: 4).encode(["the the the the", "the"])
    #expect(batch.tokens == [[517, 516, 516, 518], [517, 516, 518, 0]])
    #expect(batch.lengths == [4, 3])
    // Hugging Face pads with the mark of the end.
    #expect(
      try Self.tokenizer(folder, .huggingface, length: 4).encode(["the"]).tokens == [[517, 516, 518, 518]])
  }

  @Test(
    "marks that are written in a text become the marks, exactly written ones only in Hugging Face's style")
  func marks() throws {
    let folder = try TemporaryFolder()
    let (own, other) = (try Self.tokenizer(folder), try Self.tokenizer(folder, .huggingface))
    #expect(own.numbers(of: "cat <|ENDOFTEXT|>cat") == [517, 513, 518, 513, 518])
    #expect(other.numbers(of: "cat<|endoftext|>cat") == [517, 513, 518, 513, 518])
    #expect(other.numbers(of: "<|ENDOFTEXT|>").count == 12)
  }

  @Test(
    "texts are cleaned as each program does",
    arguments: [
      ("  A\tB \n", TextCleaning.openai, "a b"), ("Σ ΟΔΟΣ", .openai, "σ οδος"),
      ("Σ ΟΔΟΣ", .huggingface, "σ οδοσ"),
      ("&lt;b&gt; &amp;amp; &copy 5", .openai, "<b> & © 5"), ("&lt;", .huggingface, "&lt;"),
      ("P&EACUTE;REZ &#39;x&#x27;", .openai, "pérez 'x'"), ("“q” ‘s’", .openai, "\"q\" 's'"),
      ("ﬁ Ｆｕ ŉ", .openai, "fi fu 'n"), ("ﬁ", .huggingface, "ﬁ"), ("\u{1B}[31mred\u{7}", .openai, "red"),
      ("a\u{85}b", .openai, "a…b"), ("A_B, c!", .canonicalize, "a b c"), ("A  B", .whitespace, "A B"),
      ("<i>\n&eacute;", .openai, "<i> é"), ("&#0; &#x80;", .openai, "\u{FFFD} €"),
      ("e\u{301}", .huggingface, "é"),
    ])
  func cleaning(text: String, clean: TextCleaning, expected: String) {
    let found = clean.cleaned(text)
    #expect(found.hasSameBytes(as: expected), "\(found)")
  }

  @Test("the same tokenizer comes out of vocab.json with merges.txt, and of tokenizer.json")
  func files() throws {
    let folder = try TemporaryFolder()
    let own = try Self.tokenizer(folder)
    try folder.write(
      JSON.object(own.pieces.map { .init($0.piece, .int($0.number)) }).text(), to: "vocab.json")
    try folder.write("#version: 0.2\n\n" + Self.merges.joined(separator: "\n") + "\n", to: "merges.txt")
    let pair = try BytePairTokenizer(
      vocabulary: folder.file("vocab.json"), .init(clean: .openai, contextLength: 12))
    let stored = try PublishedTokenizers.make(own.document)
    for text in ["the cat's", "Ünïcode 🌉!", "a 42 &amp; b"] {
      #expect(pair.numbers(of: text) == own.numbers(of: text))
      #expect(stored.numbers(of: text) == own.numbers(of: text))
    }
    #expect(stored.contextLength == 12 && stored.padding == 0)
  }

  @Test("what a folder holds is found, with the style of its program")
  func folders() throws {
    let folder = try TemporaryFolder()
    #expect(try PublishedTokenizers.load(from: folder.url) == nil)
    try folder.write(Self.text, to: "bpe_simple_vocab_16e6.txt")
    let plain = try #require(try PublishedTokenizers.load(from: folder.url) as? BytePairTokenizer)
    #expect((plain.clean, plain.contextLength, plain.marks[0]) == (.openai, 77, "<|startoftext|>"))
    try folder.write(plain.document.text(), to: "tokenizer.json")
    var document = plain.document
    document["crossmodal"] = nil
    try folder.write(document.text(), to: "tokenizer.json")
    let face = try #require(try PublishedTokenizers.load(from: folder.url) as? BytePairTokenizer)
    #expect(face.clean == .huggingface)
    // open_clip's program has its own tokenizer, whatever files stand beside its weights.
    try folder.write(
      #"{"model_cfg": {"text_cfg": {"context_length": 64, "tokenizer_kwargs": {"clean": "canonicalize"}}}}"#,
      to: "open_clip_config.json")
    let open = try #require(try PublishedTokenizers.load(from: folder.url) as? BytePairTokenizer)
    #expect(
      (open.clean, open.contextLength, open.padding, open.marks[0]) == (
        .canonicalize, 64, 0, "<start_of_text>"
      ))
  }

  @Test(
    "files that are damaged or of another kind are named with what is wrong",
    arguments: [
      (
        "bpe.txt", "header\na b c\n",
        "bpe.txt: line 2: is 'a b c', expected two pieces and a blank between them"
      ),
      (
        "bpe.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n",
        "bpe.txt: is a pointer of Git LFS"
      ),
      ("vocab.json", #"{"a": 0}"#, "vocab.json: needs merges.txt beside it, and there is none"),
      ("tokenizer.json", "{", "tokenizer.json: is no JSON object"),
      (
        "tokenizer.json", #"{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}"#,
        "tokenizer.json: joins byte pairs in another way than CLIP"
      ),
      (
        "tokenizer.json",
        #"{"model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {"a": "x"}, "merges": []}}"#,
        #"tokenizer.json: gives 'a' the number "x", expected a whole one"#
      ),
      (
        "tokenizer.json",
        #"{"model": {"end_of_word_suffix": "</w>", "vocab": {"<|startoftext|>": 0, "<|endoftext|>": 1}, "merges": ["a b"]}}"#,
        "tokenizer.json: has no piece 'ab', which merge 0 gives"
      ),
      (
        "tokenizer.json", #"{"model": {"type": "WordLevel"}}"#,
        "tokenizer.json: has a tokenizer of type 'WordLevel'"
      ),
    ])
  func damage(name: String, text: String, expected: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(text, to: name)
    let said = message { _ = try PublishedTokenizers.load(from: file) }
    #expect(said?.contains(expected) == true, "\(said ?? "nothing")")
  }
}
