import CrossModal
import Testing

@Suite("SCAN: reference cases")
struct SCANReferenceTests {
  @Test(
    "every recorded number of model and attention comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: ["scan/t2i_lse_maxviol", "scan/i2t_avg_sum", "scan/attention_variants"])
  func recorded(name: String) { #expect(GoldenFolder.failure(of: name) == nil) }
}
