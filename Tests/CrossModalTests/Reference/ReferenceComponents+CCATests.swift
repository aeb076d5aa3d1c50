import CrossModal
import Foundation
import Testing

@Suite("CCA: reference cases")
struct CCAReferenceTests {
  @Test(
    "every recorded number of CCA comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: ["basic", "rank_deficient", "ridge_wide", "streaming", "permutation", "multiview3"])
  func recorded(name: String) {
    #expect(GoldenFolder.failure(of: "cca/" + name) == nil)
  }

  @Test("settings that a case lacks or states wrongly are named")
  func badSettings() {
    func compute(_ component: String, _ config: JSON) throws {
      _ = try CCAReference.compute(
        ReferenceCase(
          folder: .init(filePath: "/"), method: "cca", component: component, config: config, inputs: [:]))
    }
    #expect(throws: ReferenceError.badSetting("k", "0", "a whole number from 1")) {
      try compute("ridge", ["k": 0])
    }
    #expect(throws: ReferenceError.badSetting("ridge_mode", "\"absolute\"", "none")) {
      try compute("fit", ["ridge_mode": "absolute"])
    }
    #expect(throws: ReferenceError.missing("input", "x", [])) { try compute("streaming", ["chunks": [1]]) }
  }
}
