import CrossModal
import Testing

@Suite("CCA: reference cases", .enabled(if: RecordedCase.root != nil, "the golden folder is not here"))
struct CCAReferenceTests {
  @Test(
    "every recorded number of CCA comes out",
    arguments: ["basic", "rank_deficient", "ridge_wide", "streaming", "permutation", "multiview3"])
  func recorded(name: String) throws {
    let recorded = try RecordedCase("cca/\(name)")
    #expect(try recorded.failures(of: CCAReference.compute(recorded.reference)) == [])
  }
}
