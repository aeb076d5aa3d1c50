import CrossModal
import Foundation
import Testing
import Torch

@Suite("KCCA: reference cases")
struct KCCAReferenceTests {
  @Test(
    "every recorded number of KCCA comes out",
    .enabled(if: GoldenFolder.path != nil, "the folder of reference cases is not here"),
    arguments: ["exact_rbf", "pgso", "feature_maps", "ratings"])
  func recorded(name: String) {
    #expect(GoldenFolder.failure(of: "kcca/" + name) == nil)
  }

  @Test("settings that a case lacks or states wrongly are named")
  func badSettings() throws {
    func compute(_ component: String, _ config: JSON, _ inputs: [String: Tensor] = [:]) throws {
      _ = try KCCAReference.compute(
        ReferenceCase(
          folder: .init(filePath: "/"), method: "kcca", component: component, config: config, inputs: inputs))
    }
    #expect(throws: ReferenceError.missing("input", "x", [])) { try compute("pgso", [:]) }
    let x = try Tensor.zeros([3, 2])
    let rows = ["x": x, "y": x, "x_test": x, "y_test": x]
    #expect(throws: ReferenceError.badSetting("k", "0", "a whole number from 1")) {
      try compute("pgso", ["k": 0], rows)
    }
    #expect(
      throws: ReferenceError.badSetting("kernel_x", "\"bubble\"", "a kernel: {type, gamma, coef0, degree}")
    ) {
      try compute("exact", ["k": 1, "kernel_x": "bubble"], rows)
    }
  }
}
