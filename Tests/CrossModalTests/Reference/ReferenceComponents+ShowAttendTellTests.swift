import CrossModal
import Testing

@Suite("Show, attend and tell: reference cases")
struct ShowAttendTellReferenceTests {
  @Test(
    "every recorded number of model, search, maps and optimizers comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: [
      "soft-paper", "soft-official", "soft-port", "hard-paper", "hard-official", "hard-argmax-greedy", "beam",
      "attention-map", "attention-map-small", "optimizer-adam-official", "optimizer-rmsprop",
    ])
  func recorded(name: String) { #expect(GoldenFolder.failure(of: "show-attend-tell/" + name) == nil) }
}
