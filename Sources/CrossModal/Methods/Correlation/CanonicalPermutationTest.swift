import Foundation
import Torch

/// Step-down permutation test of canonical correlations (Winkler et al., NeuroImage 2020; `cca.md` section 6).
///
/// For hypothesis k (correlations k, k + 1, … are zero) the first k canonical variates of both views are
/// dropped before rows of the second view are permuted, which keeps the test valid for k > 0.
public struct CanonicalPermutationTest: Sendable {
  /// -ln Λ of each hypothesis on the pairs as they are, `[T]`.
  public let observed: [Double]
  /// The same of each permutation, `[B, T]`.
  public let null: Tensor
  /// (1 + permutations that reach the observed statistic) / (1 + B).
  public let uncorrected: [Double]
  /// Running maximum of ``uncorrected``: controls the error over all hypotheses.
  public let stepDown: [Double]

  /// - Parameters:
  ///   - x: canonical variates of the first view, all of its rank, unit variance, float64 `[n, rank x]`.
  ///   - y: those of the second view, `[n, rank y]`.
  ///   - tests: hypotheses k = 0 ..< tests, at most the smaller rank.
  ///   - permutations: rows of y for each row of x, int64 `[B, n]`.
  /// - Complexity: O(B · n · rank x · rank y).
  public init(_ x: Tensor, _ y: Tensor, tests: Int, permutations: Tensor) throws {
    let degrees = Double(x.size(along: 0) - 1)
    guard tests >= 1, tests <= min(x.size(along: 1), y.size(along: 1)) else {
      throw ConfigurationError.badValue(
        key: "tests", value: "\(tests)",
        expected: "from 1 to the smaller rank, \(min(x.size(along: 1), y.size(along: 1)))")
    }
    let left = try x.transposed() / degrees
    observed = try CanonicalPermutationTest.statistics(
      left.matmul(y).unsqueezed(at: 0), tests: tests
    ).values()
    // As many permutations at a time as keep the products small.
    let product = max(1, x.size(along: 1) * y.size(along: 1))
    let block = max(1, (1 << 21) / product)
    var rows: [Tensor] = []
    for start in stride(from: 0, to: permutations.size(along: 0), by: block) {
      let part = try permutations[start..<min(start + block, permutations.size(along: 0))]
      let products = try (0..<part.size(along: 0)).map { try left.matmul(y.rows(at: part[$0])) }
      rows.append(try CanonicalPermutationTest.statistics(Tensor.stacked(products), tests: tests))
    }
    null = rows.isEmpty ? try Tensor.zeros([0, tests], .float64) : try Tensor.concatenated(rows)
    let reached = try (null .>= Tensor(observed)).to(.float64).sum(along: 0).values(as: Double.self)
    let count = Double(null.size(along: 0))
    let single = reached.map { (1 + $0) / (1 + count) }
    uncorrected = single
    stepDown = single.indices.map { single[...$0].max() ?? 1 }
  }

  /// -Σ ln(1 - s²) of the singular values of the products without their first k rows and columns, for each k.
  private static func statistics(_ products: Tensor, tests: Int) throws -> Tensor {
    let (p, q) = (products.size(along: 1), products.size(along: 2))
    return try Tensor.stacked(
      (0..<tests).map { k in
        let rest = try products.narrowed(to: k..<p, along: 1).narrowed(to: k..<q, along: 2)
        let squares = try rest.singularValues().squared().clamped(to: 1)
        return try -((-squares).log1p().sum(along: -1))
      }, along: 1)
  }

  /// Random orders of `rows` rows, int64 `[count, rows]`.
  ///
  /// - Parameter blocks: a number for each row; rows change places only with rows of the same number.
  public static func permutations(_ count: Int, rows: Int, blocks: [Int]? = nil, seed: UInt64) throws
    -> Tensor
  {
    let generator = try Generator(seed: seed)
    let groups = blocks.map { blocks in
      Dictionary(grouping: blocks.indices) { blocks[$0] }.sorted { $0.key < $1.key }.map(\.value)
    }
    let orders = try (0..<count).map { _ -> Tensor in
      guard let groups else { return try Tensor.permutation(rows, using: generator) }
      var order = Array(0..<rows)
      for group in groups {
        let shuffled = try Tensor.permutation(group.count, using: generator).values(as: Int.self)
        for (place, source) in zip(group, shuffled) { order[place] = group[source] }
      }
      return try Tensor(order)
    }
    return orders.isEmpty ? try Tensor([Int](), shape: [0, rows]) : try Tensor.stacked(orders)
  }
}
