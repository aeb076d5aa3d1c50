import Testing
import Torch

@testable import CrossModal

@Suite("LeadingEigenvectors")
struct LeadingEigenvectorsTests {
  private func random(_ shape: [Int], seed: UInt64 = 1) throws -> Tensor {
    try Tensor.normal(shape, .float64, using: Generator(seed: seed))
  }

  @Test("the largest eigenvalues and their vectors are those of the full decomposition")
  func leading() throws {
    let factor = try random([120, 120])
    let matrix = try factor.matmul(factor.transposed())
    let found = try LeadingEigenvectors(
      4, of: .init { try matrix.matmul($0) }, start: random([120, 6], seed: 2), dimension: 120)
    let (values, vectors) = try matrix.symmetricEigen()
    #expect(found.hasConverged)
    #expect(try found.values.distance(to: values[116..<120].reversed(along: 0)) < 1e-9)
    let overlap = try vectors.narrowed(to: 116..<120, along: 1).transposed().matmul(found.vectors)
    #expect(try overlap.matmul(overlap.transposed()).distance(to: Tensor.identity(4, .float64)) < 1e-9)
  }

  @Test("an operator of small rank is done after as many vectors")
  func smallRank() throws {
    let factor = try random([60, 3])
    let matrix = try factor.matmul(factor.transposed())
    let found = try LeadingEigenvectors(
      5, of: .init { try matrix.matmul($0) }, start: random([60, 8], seed: 2), dimension: 60)
    #expect(found.hasConverged)
    #expect(found.values.count >= 3)
    #expect(try found.values[0..<3].distance(to: factor.singularValues().squared()) < 1e-10)
  }

  @Test("clustered singular values come out as the full decomposition gives them")
  func clusters() throws {
    let u = try random([300, 300]).qr().q
    let v = try random([300, 300], seed: 2).qr().q
    let s = try Tensor((0..<300).map { 1 - 1e-4 * Double($0) })
    let matrix = try (u * s).matmul(v.transposed())
    let found = try leadingSingularVectors(matrix, 3)
    #expect(try found.s.distance(to: s[0..<3]) < 1e-10)
    #expect(try (found.u * found.s).distance(to: matrix.matmul(found.v)) < 1e-9)
  }
}
