import CrossModal
import Testing

@Suite("Metrics: reference cases")
struct MetricsReferenceTests {
  @Test(
    "every recorded metric comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: [
      "scan/recall5", "vsepp/eval-5cap-cosine", "vsepp/eval-ties", "vsepp/loss-cosine-max",
      "vsepp/loss-cosine-sum", "vsepp/loss-order-max", "vsepp/model-precomp-gru",
      "vsepp/train-adam-clip", "triplet-center/retrieval-metrics",
      "n-pair/clustering-metrics", "vqa-metrics/accuracy", "vqa-metrics/wups", "locvtp/grounding_eval",
    ])
  func recorded(name: String) {
    #expect(GoldenFolder.failure(of: name) == nil)
  }

  @Test(
    "every recorded metric of captions comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: ["caption-metrics/ptb-tokenizer", "caption-metrics/flickr8k-human-test"])
  func recordedCaptions(name: String) {
    #expect(GoldenFolder.failure(of: name) == nil)
  }

  @Test(
    "METEOR with synonyms comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    .enabled(if: (try? SynonymTable()) != nil, "WordNet's files are not here"),
    arguments: [
      "caption-metrics/small", "caption-metrics/edge", "caption-metrics/single-image",
      "caption-metrics/flickr8k-human-test-synonym",
    ])
  func recordedSynonyms(name: String) {
    #expect(GoldenFolder.failure(of: name) == nil)
  }
}
