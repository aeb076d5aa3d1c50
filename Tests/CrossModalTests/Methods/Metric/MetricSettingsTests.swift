import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Settings of metric learning that do not go together")
struct MetricSettingsTests {
  private func refusal(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch { return error.localizedDescription }
  }

  @Test("cosines are of unit vectors, whatever is said of the vectors")
  func cosine() throws {
    let data = try MetricMethodsTests.data()
    let batch = try data.batch(at: Array(0..<12))
    let losses = try [true, false].map {
      try Contrastive(
        .init(overrides: ["kind": "cosine", "normalize": .bool($0)]), for: data.description
      ).loss(batch, Step()).total.item()
    }
    #expect(losses[0] == losses[1] && losses[0] > 0)
  }

  @Test(
    "a margin is checked by the objective that reads it",
    arguments: [
      (["margin": 0.3, "kind": "linear"], "margin: 0.3 is not null: kind linear"),
      (["margin": "auto", "kind": "squared_distance_margin", "normalize": false], "margin: auto is not for"),
      (["margin": "auto"], "margin: auto is not for"), (["margin": 0], "margin: 0.0 is not"),
      (["margin": 0.1, "objective": "supcon"], "margin: 0.1 is not null: supcon"),
      (["objective": "triplet_margin", "triplets": "batch_hard", "smooth": true, "margin": 0], nil),
      (["objective": "circle", "margin": 0], nil), (["margin": "auto", "normalize": false], nil),
    ] as [(JSON, String?)])
  func margins(settings: JSON, expected: String?) {
    let told = refusal { _ = try Contrastive.Configuration(overrides: settings) }
    #expect((told == nil) == (expected == nil), "\(told ?? "")")
    #expect(expected.map { told?.hasPrefix($0) == true } ?? true, "\(told ?? "")")
  }

  @Test(
    "gradient caching is refused where a network normalises by the batch",
    arguments: [
      ["preset": "vse-infinity"], ["preset": "vse-infinity", "image_encoder": "auto"],
      ["image_encoder": "resnet18", "finetune": true],
    ] as [JSON])
  func caching(settings: JSON) throws {
    var chunked = settings
    chunked["chunk_size"] = 4
    let told = refusal { _ = try VSEPlusPlus.Configuration(overrides: chunked) }
    #expect(told?.hasPrefix("chunk_size: 4 is not 0 where a network normalises by the batch") == true)
    #expect(refusal { _ = try VSEPlusPlus.Configuration(overrides: settings) } == nil)
  }

  @Test("pictures that a network cannot take are told before training")
  func pictures() throws {
    let data = try MetricItemsTests.data()
    func told(_ settings: JSON, shape: [Int]? = nil) -> String? {
      var description = data.description
      description.modalities[0].shape = shape
      var all: JSON = ["encoder": ["vgg19", "mlp"]]
      for member in settings.members ?? [] { all[member.key] = member.value }
      return refusal { _ = try CLIP(.init(overrides: all), for: description) }
    }
    #expect(
      told(["pictures": ["size": 16], "encoder": ["resnet18", "mlp"]])
        == "pictures.size: 16 is not 32 or more, which resnet18 needs")
    #expect(
      told(["encoder": ["resnet18", "mlp"]], shape: [32, 32, 4])
        == "encoder: resnet18 is not possible: pictures of x have 4 channels, not 1 or 3")
    #expect(told(["encoder": ["resnet18", "mlp"]], shape: [32, 32, 1]) == nil)
  }

  @Test("sizes beyond any machine are refused, not multiplied")
  func sizes() throws {
    let data = try MetricMethodsTests.data()
    let method = try NPair(.init(overrides: ["sampler": "hard_classes"]), for: data.description)
    var training = TrainingConfiguration()
    training.batchSize = 1 << 62
    #expect(try method.sampler(for: data, training).batches(epoch: 0, seed: 1)[0].count == 10)
    for settings: JSON in [
      ["hidden": .int(1 << 62)], ["embed_size": .int(1 << 62)], ["text": ["layers": .int(1 << 62)]],
    ] {
      #expect(throws: ConfigurationError.self) { try CLIP.Configuration(overrides: settings) }
    }
    #expect(
      refusal { _ = try StructurePreserving.Configuration(overrides: ["dim_embed": .int(1 << 62)]) }
        == "dim_embed: 4611686018427387904 is not at most 1048576")
    #expect(throws: TorchError.self) { try GRU(from: 2, to: 1 << 62, using: Generator(seed: 1)) }
  }

  @Test("the paper's update of the centres, which pushes the nearest, does not go with the mean over all")
  func centers() {
    let told = refusal {
      _ = try TripletCenter.Configuration(
        overrides: ["center_update": "count_normalised", "negatives": "all_mean"])
    }
    #expect(
      told?.hasPrefix("center_update: count_normalised is not autograd with negatives all_mean") == true)
  }
}
