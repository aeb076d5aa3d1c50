import CrossModal
import Foundation
import Testing
import Torch

@Suite("Permutation test of canonical correlations")
struct CanonicalPermutationTestTests {
  private func variates(_ views: [Tensor]) throws -> [Tensor] {
    var joint = try JointCovariance(views: ["x", "y"], widths: views.map { $0.size(along: 1) })
    try joint.add(views)
    let solution = try CanonicalSolver().solve(joint, full: true)
    return try views.indices.map { try (views[$0] - joint.means[$0]).matmul(solution.weights[$0]) }
  }

  @Test("shared directions are found and the rest is not")
  func finds() throws {
    let z = try variates(correlatedRows(150, 5, 4, shared: 1))
    let orders = try CanonicalPermutationTest.permutations(99, rows: 150, seed: 2)
    let test = try CanonicalPermutationTest(z[0], z[1], tests: 4, permutations: orders)
    #expect(test.stepDown[0] == 0.01)
    #expect(test.stepDown[1] > 0.05)
    #expect(test.stepDown == test.stepDown.sorted())
    #expect(test.null.shape == [99, 4])
  }

  @Test("the order as it is gives the observed statistic, the one of Wilks")
  func identity() throws {
    let views = try correlatedRows(40, 4, 3)
    let z = try variates(views)
    let test = try CanonicalPermutationTest(
      z[0], z[1], tests: 3, permutations: Tensor.range(0..<40).unsqueezed(at: 0))
    #expect(test.uncorrected == [1, 1, 1])
    let rho = try z[0].transposed().matmul(z[1]).singularValues().values(as: Double.self).map { $0 / 39 }
    let significance = try CanonicalSignificance(correlations: rho, ranks: [4, 3], rows: 40)
    for (statistic, wilks) in zip(test.observed, significance.wilks) {
      #expect(abs(statistic + log(wilks)) < 1e-9)
    }
  }

  @Test("restricted permutations stay within their blocks, and a seed fixes them")
  func blocks() throws {
    let blocks = (0..<20).map { $0 % 3 }
    let a = try CanonicalPermutationTest.permutations(5, rows: 20, blocks: blocks, seed: 4)
    let b = try CanonicalPermutationTest.permutations(5, rows: 20, blocks: blocks, seed: 4)
    #expect(try a.values(as: Int.self) == b.values(as: Int.self))
    for order in 0..<5 {
      let places = try a[order].values(as: Int.self)
      #expect(places.sorted() == Array(0..<20))
      #expect(zip(places, blocks).allSatisfy { $0 % 3 == $1 })
    }
  }

  @Test("more tests than correlations are refused")
  func errors() throws {
    let z = try variates(correlatedRows(40, 4, 3))
    #expect(throws: ConfigurationError.self) {
      try CanonicalPermutationTest(z[0], z[1], tests: 4, permutations: Tensor([Int](), shape: [0, 40]))
    }
  }
}
