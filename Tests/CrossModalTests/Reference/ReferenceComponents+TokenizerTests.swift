import CrossModal
import Foundation
import Testing

@Suite("Tokenisers: reference cases")
struct TokenizerReferenceTests {
  @Test(
    "recorded tokens come out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: ["scan/tokenize", "dime/wordpiece"])
  func recorded(name: String) {
    #expect(GoldenFolder.failure(of: name) == nil)
  }
}
