import Testing

@Suite("Metrics: reference cases")
struct MetricsReferenceTests {
  @Test(
    "every recorded metric comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: [
      "scan/recall5", "vsepp/eval-5cap-cosine", "vsepp/eval-ties", "triplet-center/retrieval-metrics",
      "n-pair/clustering-metrics", "vqa-metrics/accuracy", "vqa-metrics/wups", "locvtp/grounding_eval",
    ])
  func recorded(name: String) {
    #expect(GoldenFolder.failure(of: name) == nil)
  }
}
