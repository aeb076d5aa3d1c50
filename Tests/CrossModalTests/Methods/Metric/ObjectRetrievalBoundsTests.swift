import CrossModal
import Foundation
import Testing
import Torch

/// Retrieval of pictures within one modality by class, beside raw pixels and a linear map.
enum ObjectBounds {
  struct Figures {
    var mAP = 0.0
    var recall = 0.0
  }

  static func figures<Kind: Trainable & JointEmbedding>(
    _ kind: Kind.Type, _ settings: JSON, _ set: String, epochs: Int, seeds: Range<UInt64> = 0..<1
  ) throws -> Figures {
    let (train, test) = try splits(set)
    let configuration = try Kind.Configuration(overrides: settings)
    var training = Kind.trainingDefaults(configuration, pairs: train.count)
    training.epochs = epochs
    training.evaluateEvery = 0
    var figures = Figures()
    for seed in seeds {
      let method = try Kind(configuration, for: train.description)
      try Trainer(method, training: training, data: train, seed: seed).run()
      let found = try measured(method.encode(test.items(side: 0), side: 0).values, test)
      figures.mAP += found.mAP / Double(seeds.count)
      figures.recall += found.recall / Double(seeds.count)
    }
    return figures
  }

  /// Cosine of the pixels themselves.
  static func pixels(_ set: String) throws -> Figures {
    let (_, test) = try splits(set)
    return try measured(pixels(test), test)
  }

  /// Canonical correlation of the pixels with the classes: a linear map learned from the same labels.
  static func linear(_ set: String) throws -> Figures {
    let (train, test) = try splits(set)
    let labels = train.labels ?? []
    let names = Array(Set(labels)).sorted()
    let classes = try Tensor(labels.map { names.firstIndex(of: $0) ?? 0 }).oneHot(classes: names.count)
    let data = MemorySet([.vectors(try pixels(train)), .vectors(try classes.to(.float32))])
    let method = try CCA(
      .init(overrides: ["k": .int(min(names.count - 1, 60)), "ridge": 0.1]), for: data.description)
    try method.fit(to: data, seed: 0)
    return try measured(method.encode(.vectors(pixels(test)), side: 0).values, test)
  }

  private static func splits(_ set: String) throws -> (Split, Split) {
    let data = try DataSet(at: SharedData.path(set))
    return (try data.split("train"), try data.split("test"))
  }

  private static func pixels(_ split: Split) throws -> Tensor {
    guard case .images(let rows) = try split.items(side: 0) else { return try Tensor.zeros([0, 0]) }
    return try rows.to(.float32).flattened(from: 1)
  }

  private static func measured(_ vectors: Tensor, _ split: Split) throws -> Figures {
    let found = try ObjectRetrieval(
      features: vectors.to(.float64).normalized(along: 1), labels: split.labels ?? [])
    return Figures(mAP: found.mean(\.averagePrecision) ?? 0, recall: found.recall(at: 1))
  }
}

@Suite(
  "Metric learning of pictures within one modality",
  .enabled(if: SharedData.exists, "the data sets are not here"))
struct ObjectRetrievalBoundsTests {
  @Test(
    "objects on a turntable: every method finds views of an object better than pixels do")
  func coil() throws {
    let settings: JSON = ["hidden": 32, "standardize": false]
    let pixels = try ObjectBounds.pixels("coil20")
    let linear = try ObjectBounds.linear("coil20")
    let found = [
      try ObjectBounds.figures(Contrastive.self, settings, "coil20", epochs: 40),
      try ObjectBounds.figures(TripletCenter.self, settings, "coil20", epochs: 40),
      try ObjectBounds.figures(NPair.self, settings, "coil20", epochs: 30),
    ]
    for figures in found { #expect(figures.mAP > max(0.604, pixels.mAP)) }
    #expect(found[0].mAP > linear.mAP, "contrastive is above the linear map of the same labels")
  }

  @Test("characters never seen: every method's nearest neighbour is right more often than the pixels'")
  func omniglot() throws {
    let settings: JSON = ["hidden": 64, "standardize": false, "embed_size": 64]
    let pixels = try ObjectBounds.pixels("omniglot_small")
    #expect(pixels.recall < 49, "what there is to beat")
    let linear = try ObjectBounds.linear("omniglot_small")
    let found = [
      try ObjectBounds.figures(Contrastive.self, settings, "omniglot_small", epochs: 6),
      try ObjectBounds.figures(NPair.self, settings, "omniglot_small", epochs: 6),
    ]
    for figures in found { #expect(figures.recall > max(pixels.recall, linear.recall)) }
  }
}
