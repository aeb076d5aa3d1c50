import CrossModal
import Testing
import Torch

@Suite("Low-rank kernel features")
struct LowRankFeaturesTests {
  private let kernel = RBFKernel(gamma: 0.2)

  @Test("partial Gram-Schmidt equals the definition, pivot by pivot")
  func gramSchmidt() throws {
    let rows = try correlatedRows(25, 3, 3)[0]
    let gram = try kernel.gram(rows).values(as: Double.self)
    var rest = (0..<25).map { gram[$0 * 25 + $0] }
    var columns: [[Double]] = []
    var pivots: [Int] = []
    while rest.reduce(0, +) > 0.05 * 25, columns.count < 12 {
      let pivot = rest.indices.reduce(0) { rest[$1] > rest[$0] ? $1 : $0 }
      let column = (0..<25).map { row in
        (gram[row * 25 + pivot] - columns.map { $0[row] * $0[pivot] }.reduce(0, +)) / rest[pivot].squareRoot()
      }
      columns.append(column)
      pivots.append(pivot)
      rest = rest.indices.map { $0 == pivot ? 0 : max(0, rest[$0] - column[$0] * column[$0]) }
    }
    let map = try PartialGramSchmidt(kernel, rows, eta: 0.05, maxRank: 12)
    #expect(map.pivots == pivots)
    let expected = try Tensor(columns.flatMap { $0 }, shape: [columns.count, 25]).transposed()
    #expect(try map.features.distance(to: expected) < 1e-12)
    #expect(abs(map.residual - rest.reduce(0, +) / 25) < 1e-12)
  }

  @Test("new rows get the features that training rows have")
  func newRows() throws {
    let rows = try correlatedRows(60, 3, 3)[0]
    let map = try PartialGramSchmidt(kernel, rows, eta: 1e-4, maxRank: 40)
    let points = try kernel.points(rows, at: map.pivots)
    #expect(try map.features(ofKernelValues: kernel.values(rows, points)).distance(to: map.features) < 1e-9)
  }

  @Test("the stop test comes before the first pivot, and duplicates never become pivots")
  func stopping() throws {
    let rows = try correlatedRows(20, 3, 3)[0]
    #expect(try PartialGramSchmidt(kernel, rows, eta: 0.9999, maxRank: 9).pivots == [0])
    let twice = try Tensor.concatenated([rows, rows])
    let map = try PartialGramSchmidt(kernel, twice, eta: 0, maxRank: 40)
    #expect(map.pivots.count == 20)
    #expect(map.residual < 1e-12)
    #expect(try map.features.isFinite().all())
  }

  @Test("landmarks at all rows give the kernel matrix back")
  func nystrom() throws {
    let rows = try correlatedRows(30, 3, 3)[0]
    let gram = try kernel.gram(rows)
    let map = try NystromMap(landmarks: gram)
    let features = try map.features(ofKernelValues: gram)
    #expect(try features.matmul(features.transposed()).distance(to: gram) < 1e-7)
  }

  @Test("landmarks are different rows, the same for the same seed", arguments: NystromMap.Sampler.allCases)
  func landmarks(sampler: NystromMap.Sampler) throws {
    let rows = try correlatedRows(50, 3, 3)[0]
    let once = try NystromMap.landmarks(12, of: rows, kernel: kernel, sampler: sampler, seed: 4)
    #expect(Set(once).count == 12)
    #expect(once.allSatisfy { 0..<50 ~= $0 })
    #expect(try NystromMap.landmarks(12, of: rows, kernel: kernel, sampler: sampler, seed: 4) == once)
    #expect(try NystromMap.landmarks(60, of: rows, kernel: kernel, sampler: sampler, seed: 4).count == 50)
  }

  @Test("rows that repeat a landmark are not drawn by k-means++")
  func repeatedRows() throws {
    let rows = try Tensor.concatenated(Array(repeating: try correlatedRows(3, 2, 2)[0], count: 5))
    let drawn = try NystromMap.landmarks(10, of: rows, kernel: kernel, sampler: .kmeans, seed: 1)
    #expect(drawn.count == 3)
  }

  @Test(
    "inner products of random features approach the kernel",
    arguments: [
      (RBFKernel(gamma: 0.2) as any Kernel, false), (RBFKernel(gamma: 0.2), true),
      (LaplacianKernel(gamma: 0.2), false),
    ])
  func fourier(kernel: any Kernel, isOrthogonal: Bool) throws {
    let rows = try correlatedRows(20, 3, 3)[0]
    let gram = try kernel.gram(rows)
    func error(_ count: Int) throws -> Double {
      let map = try FourierFeatures(of: kernel, count: count, width: 3, isOrthogonal: isOrthogonal, seed: 5)
      let features = try map.features(rows)
      return try (features.matmul(features.transposed()) - gram).squared().mean().squareRoot().item()
    }
    #expect(try error(100) < 0.15)
    #expect(try error(40_000) < 0.02)
  }

  @Test("kernels that do not depend on differences have no random Fourier features")
  func unsupported() throws {
    #expect(throws: KernelError.self) {
      try FourierFeatures(of: LinearKernel(), count: 10, width: 3, seed: 0)
    }
    #expect(throws: KernelError.self) {
      try FourierFeatures(of: LaplacianKernel(gamma: 1), count: 10, width: 3, isOrthogonal: true, seed: 0)
    }
  }
}
