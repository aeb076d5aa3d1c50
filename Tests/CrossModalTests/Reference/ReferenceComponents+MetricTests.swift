import CrossModal
import Foundation
import Testing

@Suite("Metric learning: reference cases")
struct MetricReferenceTests {
  @Test(
    "every recorded number of the metric-learning losses and networks comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: [
      "contrastive/pairs", "contrastive/siamese-conv", "contrastive/cross-modal-all-pairs",
      "contrastive/pml-linear-cross",
      "triplet-center/loss", "triplet-center/joint", "triplet-center/author-variant", "n-pair/mc",
      "n-pair/ovo",
      "n-pair/tuplet", "n-pair/labels-first-pair", "n-pair/soft-targets", "n-pair/hard-class-mining",
      "extensions-metric/clip", "extensions-metric/clip-multi-positive", "extensions-metric/siglip",
      "extensions-metric/circle", "extensions-metric/multi-similarity",
      "extensions-metric/multi-similarity-mined", "extensions-metric/supcon",
      "extensions-metric/triplet-margin",
      "extensions-metric/triplet-batch-hard", "extensions-metric/xbm",
      "structure-preserving/topk-loss", "structure-preserving/paper-objective",
      "structure-preserving/branch-train", "structure-preserving/branch-eval",
      "structure-preserving/text-attend",
    ])
  func recorded(name: String) {
    #expect(GoldenFolder.failure(of: name) == nil)
  }
}
