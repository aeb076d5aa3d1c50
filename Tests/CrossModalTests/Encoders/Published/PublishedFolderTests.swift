import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Files of published models")
struct PublishedFolderTests {
  private func said(_ path: String, pickles: Bool = false) -> String {
    message { _ = try PublishedFolder(path, pickles: pickles).model() } ?? "nothing"
  }

  private func state() throws -> [(name: String, tensor: Tensor)] { try PublishedToys.clip().state }

  @Test("of several files in a folder the first of their order counts, and shards are one")
  func order() throws {
    let folder = try TemporaryFolder()
    try SafeTensors.write(state(), to: folder.file("open_clip_model.safetensors").path)
    #expect(
      try PublishedFolder(folder.path).files.map(\.lastPathComponent) == ["open_clip_model.safetensors"])
    let all = try state()
    for (number, part) in [all.prefix(10), all.dropFirst(10)].enumerated() {
      try SafeTensors.write(Array(part), to: folder.file("part-\(number).safetensors").path)
    }
    let map = all.enumerated().map { JSON.Member($1.name, .string("part-\($0 < 10 ? 0 : 1).safetensors")) }
    try folder.write((["weight_map": .object(map)] as JSON).text(), to: "model.safetensors.index.json")
    #expect(try PublishedFolder(folder.path).model().tensors.count == all.count)
    try FileManager.default.removeItem(at: folder.file("part-1.safetensors"))
    #expect(said(folder.path).contains("names part-1.safetensors, which is not there"))
    try folder.write("{\"weight_map\": {\"a\": \"../b.safetensors\"}}", to: "model.safetensors.index.json")
    #expect(said(folder.path).contains("no file beside it"))
    try SafeTensors.write(all, to: folder.file("model.safetensors").path)
    #expect(try PublishedFolder(folder.path).files.map(\.lastPathComponent) == ["model.safetensors"])
  }

  @Test("two files of one rank, pickles, what Git leaves and what is not there are told by name")
  func refused() throws {
    let folder = try TemporaryFolder()
    #expect(said(folder.path).contains("holds no weights"))
    #expect(said(folder.path + "/none").contains("no such file"))
    try folder.write("PK", to: "a.pt")
    #expect(said(folder.path).contains("convert it first"))
    try folder.write("PK", to: "b.bin")
    #expect(said(folder.path, pickles: true).contains("holds a.pt and b.bin"))
    try folder.write(
      "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n", to: "model.safetensors")
    #expect(said(folder.path).contains("pointer of Git LFS"))
    try folder.write("nothing of the kind", to: "model.safetensors")
    #expect(said(folder.path).contains("safetensors file"))
    try folder.write("[1, 2]", to: "config.json")
    #expect(said(folder.path).contains("is no JSON object"))
  }

  @Test("a model says where each of its sizes is from, and what is missing")
  func inspection() throws {
    let folder = try TemporaryFolder()
    try PublishedToys.writeFolder(folder)
    let found = try PublishedInspection(folder.path)
    #expect(found.scheme == .huggingface)
    #expect(found.missing == [] && found.warnings == [])
    let width = try #require(found.facts.first { $0.name == "vision.width" })
    #expect(width.value == "32" && width.origin == "vision_model.embeddings.class_embedding")
    #expect(found.facts.first { $0.name == "tokenizer" }?.value.hasPrefix("518 pieces") == true)
    #expect(found.text.contains("text.heads"))
    for name in ["vocab.json", "merges.txt", "preprocessor_config.json"] {
      try FileManager.default.removeItem(at: folder.file(name))
    }
    let poorer = try PublishedInspection(folder.path)
    #expect(poorer.missing.count == 1 && poorer.missing[0].contains("bpe_simple_vocab_16e6.txt.gz"))
    #expect(poorer.warnings.count == 1)
  }
}
