import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Sentence encoders")
struct SentenceModelTests {
  private static let rows = [[2, 4, 5, 7, 3], [2, 3], [2, 6, 8, 3], [2, 4, 4, 4, 4, 4, 4, 10, 3]]

  private static func difference(_ a: Tensor, _ b: Tensor) throws -> Double {
    try (a - b).magnitude().max().item()
  }

  @Test(
    "neither the order of a batch nor what else is in it nor padding changes a vector",
    arguments: SentenceArchitecture.Network.allCases, SentenceArchitecture.Pooling.allCases)
  func composition(network: SentenceArchitecture.Network, pooling: SentenceArchitecture.Pooling) throws {
    let model = try SentenceToy.model(SentenceToy.architecture(network, pooling: pooling))
    let all = try model.vectors(of: Self.rows)
    let turned = try model.vectors(of: Self.rows.reversed()).rows(at: [3, 2, 1, 0])
    #expect(try Self.difference(all, turned) < 1e-6)
    for (place, row) in Self.rows.enumerated() {
      let tokens = try Tensor(row, shape: [1, row.count])
      let alone = try model(tokens, mask: Tensor.ones([1, row.count]))
      #expect(try Self.difference(alone[0], all[place]) < 1e-6)
      let padded = row + Array(repeating: model.architecture.sizes.padTokenId, count: 4)
      let mask = row.map { _ in 1 } + [0, 0, 0, 0]
      let wide = try model(
        Tensor(padded, shape: [1, padded.count]), mask: Tensor(mask, shape: [1, mask.count]))
      #expect(try Self.difference(wide[0], all[place]) < 1e-6)
    }
  }

  @Test("a vector of length 1 where the folder normalizes, also of the empty text")
  func normalized() throws {
    let model = try SentenceToy.model(SentenceToy.architecture(normalizes: true))
    let lengths = try model.vectors(of: Self.rows).norm(along: 1).values(as: Double.self)
    #expect(lengths.allSatisfy { abs($0 - 1) < 1e-6 })
    #expect(try model.vectors(of: []).shape == [0, 8])
  }

  @Test(
    "distances share buckets as in the published network",
    arguments: [
      (0, 0), (-1, 1), (-7, 7), (-8, 8), (-12, 9), (-91, 15), (-400, 15), (1, 17), (11, 24), (23, 27),
    ])
  func buckets(distance: Int, bucket: Int) { #expect(MPNetLayers.bucket(distance) == bucket) }

  @Test("texts that are too long and numbers that are too large are errors")
  func limits() throws {
    for network in SentenceArchitecture.Network.allCases {
      let model = try SentenceToy.model(SentenceToy.architecture(network))
      #expect(model.architecture.longest == (network == .mpnet ? 22 : 24))
      #expect(throws: TextEncoderError.self) {
        try model.vectors(of: [Array(repeating: 4, count: model.architecture.longest + 1)])
      }
      #expect(throws: TextEncoderError.self) { try model.vectors(of: [[2, 99, 3]]) }
    }
  }

  @Test("a folder is read from its files alone")
  func folder() throws {
    let folder = try TemporaryFolder()
    try SentenceToy.write(to: folder)
    let read = try SentenceFolder(folder.url)
    #expect((read.architecture.pooling, read.architecture.normalizes) == (.mean, true))
    #expect(read.notes == [])
    let rows = read.numbers(of: ["a red cats", "a red cat runs a dog", ""])
    #expect(rows == [[2, 4, 5, 7, 9, 3], [2, 4, 5, 7, 10, 3], [2, 3]])
    let expected = try SentenceToy.model(SentenceToy.architecture(normalizes: true)).vectors(of: rows)
    #expect(try Self.difference(read.model().vectors(of: rows), expected) == 0)
    #expect(try SentenceFolder(folder.url, prompt: "a ").numbers(of: ["dog"]) == [[2, 4, 8, 3]])
    #expect(SentenceFolder.isOne(folder.url))
  }

  @Test("without a list of modules the mean is taken, and that is said")
  func plain() throws {
    let folder = try TemporaryFolder()
    try SentenceToy.write(to: folder)
    try FileManager.default.removeItem(at: folder.file("modules.json"))
    let read = try SentenceFolder(folder.url)
    #expect((read.architecture.pooling, read.architecture.normalizes) == (.mean, false))
    #expect(read.notes.count == 1)
  }

  @Test(
    "what is wrong with a folder is one sentence",
    arguments: [
      ("modules.json", #"[{"type": "x.Dense", "path": ""}]"#, "module 0 is 'Dense'"),
      ("modules.json", #"[{"type": "x.Pooling", "path": "../.."}]"#, "lies outside the folder"),
      ("modules.json", "{}", "is no list of modules"),
      (
        "1_Pooling/config.json", #"{"pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": true}"#,
        "asks for"
      ),
      ("1_Pooling/config.json", #"{"pooling_mode": "lasttoken"}"#, "'pooling_mode' is \"lasttoken\""),
      ("config.json", #"{"hidden_size": 9, "num_attention_heads": 2}"#, "'hidden_size' is 9"),
      ("config.json", "{}", "does not say how many heads"),
      ("config.json", #"{"num_attention_heads": 3}"#, "which 3 heads do not divide"),
      ("config.json", #"{"num_attention_heads": 2, "hidden_act": "swish"}"#, "is 'swish'"),
      ("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n", "has no piece '[SEP]'"),
      (
        "vocab.txt", SentenceToy.words.joined(separator: "\n") + "\nmore\n",
        "its tokenizer has 12 pieces, its weights 11"
      ),
      (
        "model.safetensors", "version https://git-lfs.github.com/spec/v1\nsize 9\n", "is a pointer of Git LFS"
      ),
      ("model.safetensors", "{}", "model.safetensors"),
    ])
  func mistakes(file: String, text: String, expected: String) throws {
    let folder = try TemporaryFolder()
    try SentenceToy.write(to: folder)
    try folder.write(text, to: file)
    let said = message { _ = try SentenceFolder(folder.url).model() }
    #expect(said?.contains(expected) == true, "\(said ?? "nothing")")
  }

  @Test("a pickle, a missing shard, a missing tokenizer are told")
  func missing() throws {
    let folder = try TemporaryFolder()
    try SentenceToy.write(to: folder)
    try FileManager.default.removeItem(at: folder.file("vocab.txt"))
    #expect(message { _ = try SentenceFolder(folder.url) }?.contains("has no tokenizer") == true)
    try FileManager.default.moveItem(
      at: folder.file("model.safetensors"), to: folder.file("pytorch_model.bin"))
    #expect(message { _ = try SentenceFolder(folder.url) }?.contains("convert it first") == true)
    try folder.write(#"{"weight_map": {"x": "model-1.safetensors"}}"#, to: "model.safetensors.index.json")
    #expect(
      message { _ = try SentenceFolder(folder.url) }?.contains(
        "names model-1.safetensors, which is not there") == true)
  }
}
