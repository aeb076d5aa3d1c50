import CrossModal
import Testing

@Suite("SAN: reference cases")
struct SANReferenceTests {
  @Test(
    "every recorded number of model and optimizer comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: [
      "san/lstm-2hop-paper", "san/lstm-1hop-paper", "san/lstm-2hop-official", "san/cnn-2hop-paper",
      "san/cnn-2hop-official", "san/optimizer-sgd",
    ])
  func recorded(name: String) { #expect(GoldenFolder.failure(of: name) == nil) }
}
