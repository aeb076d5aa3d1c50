import Testing
import Torch

@testable import CrossModal

@Suite("Features of items")
struct FeaturesTests {
  @Test("packing takes the padding away, and lengths that cannot be are named")
  func packing() throws {
    let values = try Tensor((0..<12).map(Float.init)).reshaped(3, 4, 1)
    let packed = try Features(values, lengths: [2, 4, 1]).packed()
    #expect(try packed.values.values(as: Int.self) == [0, 1, 4, 5, 6, 7, 8])
    #expect(try packed.items(1..<3).values.values(as: Int.self) == [4, 5, 6, 7, 8])
    for (lengths, item) in [([5, 4, 1], 0), ([2, 4, 0], 2), ([2, -1, 3], 1)] {
      let error = FeatureError.badLength(item: item, length: lengths[item], width: 4)
      #expect(throws: error) { try Features(values, lengths: lengths).packed() }
    }
    #expect(throws: FeatureError.lengthCount(lengths: 2, items: 3)) {
      try Features(values, lengths: [2, 4]).packed()
    }
  }
}
