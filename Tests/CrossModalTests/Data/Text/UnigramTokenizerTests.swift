import Foundation
import Testing

@testable import CrossModal

@Suite("Unigram pieces")
struct UnigramTokenizerTests {
  private typealias Piece = SentencePieceModel.Piece

  private static let pieces: [Piece] = [
    Piece(text: "<unk>", kind: .unknown), Piece(text: "</s>", kind: .control), Piece(text: "▁a", score: -1),
    Piece(text: "▁cat", score: -2), Piece(text: "▁", score: -3), Piece(text: "c", score: -4),
    Piece(text: "at", score: -2), Piece(text: "a", score: -3), Piece(text: "t", score: -3),
  ]

  private static func tokenizer(_ settings: UnigramTokenizer.Settings = .init()) throws -> UnigramTokenizer {
    try UnigramTokenizer(
      SentencePieceModel(pieces: pieces, characterMap: [], removesExtraBlanks: true), settings, 8, "toy")
  }

  /// The bytes of a model as the training program writes them.
  private static func file(_ pieces: [Piece]) -> Data {
    var data = Data()
    for piece in pieces {
      var own = Data([0x0A, UInt8(piece.text.utf8.count)]) + Data(piece.text.utf8) + Data([0x15])
      withUnsafeBytes(of: piece.score.bitPattern.littleEndian) { own += Data($0) }
      if piece.kind != .normal { own += Data([0x18, UInt8(piece.kind.rawValue)]) }
      data += Data([0x0A, UInt8(own.count)]) + own
    }
    return data
  }

  @Test("the cut of the largest sum is taken; rows end with the mark and are padded with it")
  func cut() throws {
    let tokenizer = try Self.tokenizer()
    #expect(tokenizer.numbers(of: "A Cat!") == [2, 3, 1])
    // '▁', 'c', 'at' cost more than '▁cat'.
    #expect(tokenizer.numbers(of: "cat at") == [3, 2, 8, 1])
    #expect(tokenizer.numbers(of: "cat cat") == [3, 3, 1])
    // Neighboring unknown characters are one piece.
    #expect(tokenizer.numbers(of: "xyz a xt") == [4, 0, 2, 4, 0, 8, 1])
    #expect(tokenizer.numbers(of: "  ") == [1])
    let batch = try tokenizer.encode(["cat", "a a a a a a a a a a"])
    #expect(batch.tokens == [[3, 1, 1, 1, 1, 1, 1, 1], [2, 2, 2, 2, 2, 2, 2, 1]])
    #expect(batch.lengths == [8, 8])
    let plain = try Self.tokenizer(.init(lowercases: false, removesPunctuation: false))
    #expect(plain.numbers(of: "A!") == [4, 0, 1])
  }

  @Test("a file gives the same pieces, and so does what a run keeps")
  func files() throws {
    let folder = try TemporaryFolder()
    let own = try Self.tokenizer()
    let file = try folder.write(Self.file(Self.pieces), to: "spiece.model")
    let read = try UnigramTokenizer(file: file, contextLength: 8)
    let stored = try PublishedTokenizers.make(own.document)
    for text in ["a cat", "xyz at", "日本 a"] {
      #expect(read.numbers(of: text) == own.numbers(of: text))
      #expect(stored.numbers(of: text) == own.numbers(of: text))
    }
    #expect(try PublishedTokenizers.load(from: folder.url)?.readsPadding == true)
  }

  @Test("a file that is cut short anywhere is an error or a smaller model, never a trap")
  func damage() throws {
    let folder = try TemporaryFolder()
    let whole = Self.file(Self.pieces)
    for length in 0..<whole.count {
      let file = try folder.write(whole.prefix(length), to: "spiece.model")
      let said = message { _ = try UnigramTokenizer(file: file) }
      #expect(said == nil || said?.contains("spiece.model") == true)
    }
    let map = [UInt8](repeating: 0xFF, count: 4)
    #expect(CharacterMap(map) == nil)
    // A trie whose nodes lead nowhere.
    #expect(CharacterMap([4, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0])?.applied(to: "aé") == "aé")
  }

  @Test("a model of byte pairs is told by name")
  func otherKind() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Self.file(Self.pieces) + Data([0x12, 2, 0x18, 2]), to: "spiece.model")
    #expect(message { _ = try UnigramTokenizer(file: file) }?.contains("as SigLIP 2 has") == true)
  }
}
