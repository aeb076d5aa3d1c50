import CrossModal
import Testing

@Suite("IMRAM: reference cases")
struct IMRAMReferenceTests {
  @Test(
    "every recorded number of the model comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: ["imram/full_k2_norm", "imram/text_k3_nonorm", "imram/image_k1"])
  func recorded(name: String) { #expect(GoldenFolder.failure(of: name) == nil) }
}
