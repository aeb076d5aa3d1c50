import CrossModal
import Testing

@Suite("SCM: reference cases")
struct SCMReferenceTests {
  @Test(
    "every recorded number of SCM comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: ["cm_sm_scm", "wikipedia"])
  func recorded(name: String) {
    #expect(GoldenFolder.failure(of: "scm/" + name) == nil)
  }
}
