import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Published weights")
struct PublishedWeightsTests {
  @Test("a list of an image and a text encoder gets their names, other names stay")
  func names() throws {
    let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../../Fixtures/checkpoints").standardizedFileURL
    func names(_ file: String) throws -> [String] {
      let weights = try TorchCheckpoint(fixtures.appending(path: file).path).weights
      return MethodList.ownNames(ofOfficial: weights.map(\.name))
    }
    #expect(try names("nested.pt") == ["img_enc.fc.weight", "img_enc.fc.bias", "txt_enc.embed.weight"])
    #expect(try names("state_dict.pt") == ["fc.weight", "fc.bias"])
  }

  @Test("weights from elsewhere become a run that scores as they do, and weights that do not fit are named")
  func run() throws {
    let folder = try TemporaryFolder()
    try folder.write(Tensor.normal([6, 3, 5], using: Generator(seed: 1)), to: "regions.npy")
    try folder.write((0..<6).map { "word w\($0)\n" }.joined(), to: "captions.txt")
    try folder.write(
      """
      name: toy
      modalities:
        image: { file: regions.npy, kind: set }
        text: { file: captions.txt, kind: text }
      splits: { train: "0:6", test: "0:6" }
      """, to: "dataset.yaml")
    let data = try DataSet(at: folder.path)
    let settings = try RunSettings(
      ["embed_size": 8, "word_dim": 4, "features": ["text": ["name": "words", "threshold": 1]]])
    // Four marks and seven words.
    let source = try SCAN(
      SCAN.Configuration(overrides: ["embed_size": 8, "word_dim": 4]),
      for: DataDescription(
        name: "toy",
        modalities: [
          .init(name: "image", kind: .set, size: 5), .init(name: "text", kind: .tokens, vocabulary: 11),
        ]))
    let weights = source.state.map {
      (
        $0.name.replacingOccurrences(of: "img_enc.", with: "0.").replacingOccurrences(
          of: "txt_enc.", with: "1."), $0.tensor
      )
    }
    let run = try Run.publishing(
      SCAN.self, weights: weights, from: "published.pt", settings: settings, data: data)
    try run.save(to: folder.file("run"))
    let opened = try Run.open(folder.file("run").path)
    let split = try data.split("test")
    let x = try opened.features(of: split, side: 0)
    let y = try opened.features(of: split, side: 1)
    let scores = try opened.alignment().similarity(x, y).values(as: Float.self)
    let own = try source.encode(split.items(side: 0), side: 0)
    #expect(try source.similarity(own, y).values(as: Float.self) == scores)
    let error = #expect(throws: StateError.self) {
      try Run.publishing(
        SCAN.self, weights: Array(weights.dropFirst()), from: "published.pt", settings: settings, data: data)
    }
    #expect(error?.errorDescription?.contains("img_enc.fc.weight") ?? false)
  }
}
