import Foundation
import Testing

@testable import Torch

@Suite("What wrappers put before names")
struct WrapperPrefixesTests {
  private static let plain = [
    "img_enc.fc.weight", "img_enc.fc.bias", "txt_enc.embed.weight", "txt_enc.rnn.weight_ih_l0",
  ]

  @Test(
    "wrappers are taken off in any nesting",
    arguments: [
      "", "module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.",
      "model._orig_mod.module.",
    ])
  func around(prefix: String) {
    #expect(WrapperPrefixes.takenOff(Self.plain.map { prefix + $0 }) == Self.plain)
  }

  @Test("wrappers around parts are taken off", arguments: ["module.", "_orig_mod.", "module._orig_mod."])
  func parts(prefix: String) {
    let names = Self.plain.map {
      $0.hasPrefix("img") ? $0.replacing("img_enc.", with: "img_enc." + prefix) : $0
    }
    #expect(WrapperPrefixes.takenOff(names) == Self.plain)
    #expect(
      WrapperPrefixes.takenOff(["0.module.fc.weight", "1.fc.weight"]) == ["0.fc.weight", "1.fc.weight"])
  }

  @Test("names that are no wrappers' stay")
  func own() {
    for names in [
      ["model.a", "head.b"], ["a.module.b", "a.c"], ["module", "b"], ["a.b", "a._orig_mod.b"],
    ] {
      #expect(WrapperPrefixes.takenOff(names) == names)
    }
  }

  @Test("a file of tensors is read like a checkpoint")
  func safeTensors() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "\(UUID().uuidString).safetensors")
    defer { try? FileManager.default.removeItem(at: file) }
    try SafeTensors.write(
      [("module.a.weight", Tensor([1.0, 2])), ("module.b", Tensor([3.0]))], to: file.path)
    #expect(try TorchCheckpoint(file.path).weights.map(\.name).sorted() == ["a.weight", "b"])
  }
}
