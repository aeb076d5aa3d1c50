import CrossModal
import Foundation
import Testing
import Torch

@Suite("Kernels")
struct KernelTests {
  private let x = [[1.0, 2], [0, -1], [3, 0.5]]

  private func tensor(_ rows: [[Double]]) throws -> Tensor {
    try Tensor(rows.flatMap { $0 }, shape: [rows.count, rows[0].count])
  }

  private typealias Definition = @Sendable ([Double], [Double]) -> Double

  private static let cases: [(KernelSetting, Definition)] = [
    (KernelSetting(.linear), dot),
    (KernelSetting(.poly, gamma: 0.5, coef0: 2, degree: 3), { u, v in pow(0.5 * dot(u, v) + 2, 3) }),
    (KernelSetting(.rbf, gamma: 0.3), { u, v in exp(-0.3 * distance(u, v, 2)) }),
    (KernelSetting(.laplacian, gamma: 0.3), { u, v in exp(-0.3 * distance(u, v, 1)) }),
    (KernelSetting(.cosine), { u, v in dot(u, v) / (dot(u, u) * dot(v, v)).squareRoot() }),
    (KernelSetting(.sigmoid, gamma: 0.1, coef0: 0.2), { u, v in tanh(0.1 * dot(u, v) + 0.2) }),
    (
      KernelSetting(.product, of: [KernelSetting(.linear), KernelSetting(.rbf, gamma: 0.3)]),
      { u, v in dot(u, v) * exp(-0.3 * distance(u, v, 2)) }
    ),
    (
      KernelSetting(.sum, of: [KernelSetting(.linear), KernelSetting(.rbf, gamma: 0.3)]),
      { u, v in dot(u, v) + exp(-0.3 * distance(u, v, 2)) }
    ),
  ]

  @Sendable private static func dot(_ u: [Double], _ v: [Double]) -> Double { zip(u, v).map(*).reduce(0, +) }

  private static func distance(_ u: [Double], _ v: [Double], _ power: Double) -> Double {
    zip(u, v).map { pow(abs($0 - $1), power) }.reduce(0, +)
  }

  @Test("values are those of the definitions", arguments: cases.indices)
  func definitions(place: Int) throws {
    let (setting, value) = KernelTests.cases[place]
    let kernel = try #require(try setting.kernel())
    let rows = try tensor(x)
    let gram = try kernel.gram(rows)
    let expected = try Tensor(x.flatMap { u in x.map { value(u, $0) } }, shape: [3, 3])
    #expect(try gram.distance(to: expected) < 1e-12)
    #expect(try kernel.values(rows, rows[1..<3]).distance(to: expected.narrowed(to: 1..<3, along: 1)) < 1e-12)
    #expect(try kernel.diagonal(rows).distance(to: expected.diagonal()) < 1e-12)
    let columns = try kernel.columns(rows)
    #expect(try columns(2).distance(to: expected.selected(2, along: 1)) < 1e-12)
  }

  @Test("an rbf matrix is exactly 1 on its diagonal and does not change far from the origin")
  func translation() throws {
    let rows = try correlatedRows(30, 4, 4)[0]
    let kernel = RBFKernel(gamma: 0.2)
    let gram = try kernel.gram(rows)
    #expect(try gram.diagonal().distance(to: Tensor.ones([30], .float64)) == 0)
    #expect(try kernel.gram(rows + 1e5).distance(to: gram) < 1e-9)
    #expect(try kernel.values(rows + 1e5, rows + 1e5).distance(to: gram) < 1e-9)
  }

  @Test("the median distance is that of the distinct pairs, of odd and of even number")
  func median() throws {
    // Distances 1, 3, 2 and 1, 4, 6, 3, 5, 2.
    #expect(try medianDistance(tensor([[0], [1], [3]])) == 2)
    #expect(try abs(medianDistance(tensor([[0], [1], [4], [6]])) - 3.5) < 1e-12)
    #expect(try medianDistance(tensor([[0, 0], [1, 1], [3, 3]]), order: 1) == 4)
    // More than half of the pairs are equal rows: the mean of the others.
    #expect(try medianDistance(tensor([[0], [0], [0], [0], [4]])) == 4)
    #expect(throws: KernelError.allEqual) { try medianDistance(tensor([[2], [2], [2]])) }
  }

  @Test("a kernel is stated by a name or by its numbers, and what it leaves open comes from the rows")
  func settings() throws {
    #expect(try JSON.string("rbf").decoded(as: KernelSetting.self) == KernelSetting(.rbf))
    let stated: JSON = ["type": "poly", "gamma": 0.5, "coef0": 0.0, "degree": 2]
    let poly = try stated.decoded(as: KernelSetting.self)
    #expect(poly == KernelSetting(.poly, gamma: 0.5, coef0: 0, degree: 2))
    #expect(try JSON(encoding: poly).decoded(as: KernelSetting.self) == poly)
    #expect(try JSON(encoding: KernelSetting(.cosine)) == "cosine")
    let rows = try tensor([[0], [1], [3]])
    #expect(try KernelSetting(.rbf).completed(for: rows).gamma == 0.125)
    #expect(try KernelSetting(.rbf).completed(gamma: 7, for: rows).gamma == 7)
    #expect(
      try KernelSetting(.poly).completed(for: rows) == KernelSetting(.poly, gamma: 1, coef0: 1, degree: 3))
  }

  @Test("centred rows sum to 0, centring again and adding a constant change nothing")
  func centring() throws {
    let rows = try correlatedRows(20, 3, 3)[0]
    let gram = try RBFKernel(gamma: 0.3).gram(rows)
    let centered = try CenteredGram(gram)
    #expect(try centered.values.sum(along: 0).magnitude().max().item(as: Double.self) < 1e-12)
    #expect(try CenteredGram(centered.values).values.distance(to: centered.values) < 1e-14)
    #expect(try CenteredGram(gram + 5).values.distance(to: centered.values) < 1e-13)
    #expect(try centered.centered(gram).distance(to: centered.values) < 1e-13)
    #expect(try centered.centered(gram[3..<4]).distance(to: centered.values[3..<4]) < 1e-13)
  }
}
