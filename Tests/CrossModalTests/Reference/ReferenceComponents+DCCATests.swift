import Foundation
import Testing

@testable import CrossModal

@Suite("Reference cases of DCCA")
struct DCCAReferenceTests {
  @Test(
    "each recorded case verifies", .enabled(if: GoldenFolder.path != nil, "no golden folder"),
    arguments: ["loss", "network", "pieces"])
  func verifies(name: String) {
    #expect(GoldenFolder.failure(of: "dcca/" + name) == nil)
  }
}
