import CrossModal
import Testing

@Suite("LocVTP: reference cases")
struct LocVTPReferenceTests {
  @Test(
    "every recorded number of objectives, grounding head and measures comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: [
      "locvtp/objective_official", "locvtp/objective_official_quirk", "locvtp/objective_paper",
      "locvtp/grounding_head", "locvtp/grounding_eval",
    ])
  func recorded(name: String) { #expect(GoldenFolder.failure(of: name) == nil) }
}
