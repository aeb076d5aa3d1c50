import Foundation
import Testing
import Torch

@testable import CrossModal

/// Methods of metric learning on the data that comes with the repository.
enum MetricBounds {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../../../Data").standardizedFileURL

  /// What a method comes to on the test part: means over seeds.
  struct Figures {
    var forward = 0.0
    var backward = 0.0
  }

  /// Means over some seeds on the data set of a name.
  static func figures<Kind: Trainable & JointEmbedding>(
    _ kind: Kind.Type, _ settings: JSON, on set: String, seeds: Range<UInt64> = 0..<3
  ) throws -> Figures {
    let data = try DataSet(at: folder.appending(path: set).path(percentEncoded: false))
    let (train, test) = (try data.split("train"), try data.split("test"))
    var settings = settings
    for member in recipe(set).members ?? [] { settings[member.key] = member.value }
    var figures = Figures()
    let share = 1 / Double(seeds.count)
    for seed in seeds {
      let metrics = try metrics(kind, settings, train, test, seed: seed)
      figures.forward += share * (metrics.forward.summary.meanAveragePrecision ?? 0)
      figures.backward += share * (metrics.backward.summary.meanAveragePrecision ?? 0)
    }
    return figures
  }

  /// The inputs of section 12 of the specifications.
  private static func recipe(_ set: String) -> JSON {
    set == "wikipedia" ? ["transform": ["sqrt", "log"]] : ["standardize_epsilon": 1e-3]
  }

  static func metrics<Kind: Trainable & JointEmbedding>(
    _ kind: Kind.Type, _ settings: JSON, _ train: Split, _ test: Split, seed: UInt64
  ) throws -> RetrievalMetrics {
    let plan = try Kind.plan(settings, pairs: train.count)
    let method = try #require(plan.make(train.description) as? Kind)
    var training = try #require(plan.training)
    training.evaluateEvery = 0
    try Trainer(method, training: training, data: train, seed: seed).run()
    return try withoutGradient {
      try RetrievalEvaluation().metrics(
        of: method, method.encode(test.items(side: 0), side: 0), method.encode(test.items(side: 1), side: 1),
        truth: RetrievalTruth(
          first: test.count(side: 0), second: test.count(side: 1), pairs: test.pairs.map(Array.init),
          labels: (test.labels(side: 0), test.labels(side: 1))),
        modalities: test.description.modalities.map(\.name))
    }
  }
}

/// A row of section 12 of a specification: mean average precision that a PyTorch script measured.
struct Bound: Sendable, CustomTestStringConvertible {
  let name: String
  let set: String
  /// First to second modality, and back.
  let expected: (Double, Double)
  let deviations: (Double, Double)
  let figures: @Sendable () throws -> MetricBounds.Figures

  init<Kind: Trainable & JointEmbedding>(
    _ kind: Kind.Type, _ settings: JSON, _ set: String, _ expected: (Double, Double),
    _ deviations: (Double, Double)
  ) {
    name = "\(kind.description.name) \(settings.text())"
    self.set = set
    self.expected = expected
    self.deviations = deviations
    figures = { try MetricBounds.figures(kind, settings, on: set) }
  }

  var testDescription: String { "\(name) on \(set)" }

  /// Two standard deviations below, or 0.02, whichever is farther.
  var lowest: (Double, Double) {
    (expected.0 - max(0.02, 2 * deviations.0), expected.1 - max(0.02, 2 * deviations.1))
  }

  /// The recipe for data with classes, with other settings over it.
  private static func vse(_ own: JSON) -> JSON {
    var settings = VSEPlusPlus.recipes.first { $0.name == "vsepp-classes" }?.settings ?? [:]
    for member in own.members ?? [] { settings[member.key] = member.value }
    return settings
  }

  /// Two-branch networks as the other methods have them: no batch normalization, small.
  private static let ranking: JSON = [
    "dim_embed": 128, "metric_dim": 32, "batch_norm": false, "dropout": 0, "sample_size": 1, "margin": 0.1,
    "im_loss_factor": 2, "sent_only_loss_factor": 0, "lr_gamma": 1, "text_lr_multi": 1, "epochs": 30,
    "batch_size": 128, "learning_rate": 1e-3,
    "weight_decay": 1e-4,
  ]
  /// The same with items of one class as neighbors within each modality.
  private static let neighbors: JSON = [
    "dim_embed": 128, "metric_dim": 32, "batch_norm": false, "dropout": 0, "sample_size": 1, "margin": 0.1,
    "im_loss_factor": 2, "im_only_loss_factor": 0.1, "sent_only_loss_factor": 0.2, "neighbourhood": "labels",
    "lr_gamma": 1, "text_lr_multi": 1, "epochs": 30, "batch_size": 128, "learning_rate": 1e-3,
    "weight_decay": 1e-4,
  ]

  // The measured script adds both directions of N-pair, so its penalty weighs half as much beside them.
  static let all: [Bound] = [
    Bound(Contrastive.self, [:], "wikipedia", (0.230, 0.189), (0.008, 0.006)),
    Bound(Contrastive.self, ["positives": "class"], "wikipedia", (0.263, 0.213), (0.004, 0.001)),
    Bound(Contrastive.self, [:], "digits-halves", (0.607, 0.608), (0.003, 0.004)),
    Bound(Contrastive.self, ["positives": "class"], "digits-halves", (0.691, 0.697), (0.003, 0.001)),
    Bound(TripletCenter.self, [:], "wikipedia", (0.265, 0.206), (0.008, 0.005)),
    Bound(TripletCenter.self, [:], "digits-halves", (0.599, 0.601), (0.017, 0.009)),
    Bound(NPair.self, ["l2_reg": 0.01], "wikipedia", (0.201, 0.171), (0.003, 0.002)),
    Bound(NPair.self, ["l2_reg": 0.01, "positives": "class"], "wikipedia", (0.225, 0.187), (0.003, 0.005)),
    Bound(NPair.self, ["l2_reg": 0.01], "digits-halves", (0.539, 0.539), (0.007, 0.003)),
    Bound(
      NPair.self, ["l2_reg": 0.01, "positives": "class"], "digits-halves", (0.726, 0.735), (0.001, 0.009)),
    Bound(StructurePreserving.self, ranking, "wikipedia", (0.168, 0.150), (0.000, 0.005)),
    Bound(StructurePreserving.self, neighbors, "wikipedia", (0.194, 0.153), (0.011, 0.002)),
    Bound(StructurePreserving.self, ranking, "digits-halves", (0.482, 0.480), (0.004, 0.005)),
    Bound(StructurePreserving.self, neighbors, "digits-halves", (0.715, 0.721), (0.001, 0.004)),
    Bound(CLIP.self, [:], "wikipedia", (0.185, 0.158), (0.005, 0.002)),
    Bound(CLIP.self, ["positives": "class"], "wikipedia", (0.245, 0.184), (0.012, 0.011)),
    Bound(CLIP.self, [:], "digits-halves", (0.462, 0.459), (0.003, 0.005)),
    Bound(CLIP.self, ["positives": "class"], "digits-halves", (0.750, 0.750), (0.002, 0.003)),
    Bound(
      VSEPlusPlus.self, vse(["negatives": "sum", "positives": "pair"]), "wikipedia", (0.193, 0.166),
      (0.007, 0.005)),
    Bound(VSEPlusPlus.self, vse(["positives": "pair"]), "wikipedia", (0.171, 0.147), (0.008, 0.009)),
    Bound(VSEPlusPlus.self, vse([:]), "wikipedia", (0.198, 0.157), (0.008, 0.005)),
    Bound(
      VSEPlusPlus.self, vse(["negatives": "sum", "positives": "pair"]), "digits-halves", (0.510, 0.506),
      (0.006, 0.002)),
    Bound(VSEPlusPlus.self, vse(["positives": "pair"]), "digits-halves", (0.440, 0.455), (0.019, 0.015)),
    Bound(VSEPlusPlus.self, vse([:]), "digits-halves", (0.689, 0.683), (0.007, 0.004)),
    Bound(SigLIP.self, [:], "wikipedia", (0.192, 0.163), (0.004, 0.001)),
    Bound(SigLIP.self, [:], "digits-halves", (0.527, 0.524), (0.007, 0.008)),
  ]
}

@Suite("Metric learning on real data")
struct MetricBoundsTests {
  @Test(
    "mean of three seeds: not below what the same training in PyTorch came to", arguments: Bound.all)
  func reachesBounds(bound: Bound) throws {
    let found = try bound.figures()
    #expect(found.forward >= bound.lowest.0 && found.backward >= bound.lowest.1)
  }
}
