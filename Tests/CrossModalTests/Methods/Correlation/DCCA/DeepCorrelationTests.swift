import Testing
import Torch

@testable import CrossModal

@Suite("Deep correlation")
struct DeepCorrelationTests {
  private func outputs(_ rows: Int, _ widths: [Int] = [4, 3], seed: UInt64 = 1) throws -> [Tensor] {
    let generator = try Generator(seed: seed)
    let shared = try Tensor.normal([rows, widths.max() ?? 1], .float64, using: generator)
    return try widths.map { width in
      try shared.narrowed(to: 0..<width, along: 1) + Tensor.normal([rows, width], .float64, using: generator)
    }
  }

  /// All losses that take two outputs.
  private static let losses: [(String, @Sendable ([Tensor]) throws -> Tensor)] = [
    ("paper", { try DeepCorrelation.loss($0, ridges: [1e-3, 2e-3]) }),
    ("topk", { try DeepCorrelation.loss($0, ridges: [1e-3, 2e-3], top: 2) }),
    ("sum of squares", { try DeepCorrelation.sumOfSquares($0, ridges: [1e-3, 1e-3]) }),
    ("michaelvll", { try DeepCorrelation.eigenvalueRoots($0, ridge: 1e-3, epsilon: 1e-9, top: 2) }),
    ("generalised", { try DeepCorrelation.generalized($0, ridges: [1e-3], top: 3) }),
    ("Eckart-Young", { try DeepCorrelation.eckartYoung($0) }),
  ]

  @Test("gradients are those of finite differences", arguments: losses.indices)
  func gradients(at place: Int) throws {
    let (name, loss) = Self.losses[place]
    let leaves = try outputs(12, place == Self.losses.count - 1 ? [4, 4] : [4, 3])
      .map { try $0.requiringGradient() }
    let slopes = try Tensor.gradients(of: [loss(leaves)], by: leaves)
    for view in 0..<2 {
      let slope = try #require(slopes[view]).values(as: Double.self)
      var numbers = try leaves[view].values(as: Double.self)
      for at in stride(from: 0, to: numbers.count, by: 5) {
        let old = numbers[at]
        let sides = try [1e-5, -1e-5].map { shift in
          numbers[at] = old + shift
          var changed = try leaves.map { try $0.detached() }
          changed[view] = try Tensor(numbers, shape: leaves[view].shape)
          return try loss(changed).item(as: Double.self)
        }
        numbers[at] = old
        #expect(abs((sides[0] - sides[1]) / 2e-5 - slope[at]) < 1e-7, "\(name), view \(view), element \(at)")
      }
    }
  }

  @Test("the gradient is the closed form of the paper")
  func closedForm() throws {
    let rows = try outputs(20, [4, 4])
    let leaves = try rows.map { try $0.requiringGradient() }
    let slope = try #require(
      try Tensor.gradients(of: [DeepCorrelation.loss(leaves, ridges: [1e-3, 1e-3])], by: leaves)[0])
    let centered = try rows.map { try $0 - $0.mean(along: 0) }
    let degrees = 19.0
    let identity = try Tensor.identity(4, .float64)
    let roots = try centered.map { rows in
      let (values, vectors) = try (rows.transposed().matmul(rows) / degrees + identity * 1e-3)
        .symmetricEigen()
      return try (vectors * values.inverseSquareRoot()).matmul(vectors.transposed())
    }
    let cross = try centered[0].transposed().matmul(centered[1]) / degrees
    let (u, d, vt) = try roots[0].matmul(cross).matmul(roots[1]).svd()
    let g12 = try roots[0].matmul(u).matmul(vt).matmul(roots[1])
    let g11 = try roots[0].matmul(u * d).matmul(u.transposed()).matmul(roots[0]) * -0.5
    let expected = try (centered[0].matmul(g11) * 2 + centered[1].matmul(g12.transposed())) / -degrees
    #expect(try slope.isClose(to: expected, absolute: 1e-12))
  }

  @Test(
    "white outputs, whose eigenvalues all repeat, and a dead unit have finite gradients",
    arguments: [false, true])
  func degenerate(hasDeadUnit: Bool) throws {
    // Columns of a Hadamard matrix: exactly uncorrelated.
    let signs = (0..<16).map { row in
      (1...4).map { column in hasDeadUnit && column == 3 ? 0.0 : (row & (1 << (column - 1))) == 0 ? 1.0 : -1 }
    }
    let rows = try Tensor(signs.flatMap { $0 }, shape: [16, 4])
    for (name, loss) in Self.losses {
      let leaves = try [rows, rows * 2.0].map { try $0.requiringGradient() }
      for slope in try Tensor.gradients(of: [loss(leaves)], by: leaves) {
        #expect(try #require(slope).isFinite().all(), "\(name)")
      }
    }
  }

  @Test("the loss lies between minus the smaller width and 0, and equal outputs give λ / (λ + r)")
  func bounds() throws {
    let rows = try outputs(30)
    let value: Double = try DeepCorrelation.loss(rows, ridges: [1e-3, 1e-3]).item()
    #expect(value < 0)
    #expect(value > -3)
    let same = try DeepCorrelation.singularValues([rows[0], rows[0]], ridges: [0.1, 0.1])
    let centered = try rows[0] - rows[0].mean(along: 0)
    let values = try (centered.transposed().matmul(centered) / 29.0).symmetricEigen().values
    let expected = try (values / (values + 0.1)).reversed(along: 0)
    #expect(try same.isClose(to: expected, absolute: 1e-12))
  }

  @Test("shifts never change the loss; invertible maps do not as r goes to 0, orthogonal ones for any r")
  func invariances() throws {
    let rows = try outputs(30, [4, 4])
    let map = try Tensor.normal([4, 4], .float64, using: Generator(seed: 4))
    let loss = { (first: Tensor, r: Double) throws -> Double in
      try DeepCorrelation.loss([first, rows[1]], ridges: [r, r]).item()
    }
    #expect(abs(try loss(rows[0] + 7.0, 0.3) - loss(rows[0], 0.3)) < 1e-9)
    #expect(abs(try loss(rows[0].matmul(map), 1e-13) - loss(rows[0], 1e-13)) < 1e-8)
    #expect(abs(try loss(rows[0].matmul(map.qr().q), 0.3) - loss(rows[0], 0.3)) < 1e-9)
  }

  @Test("a batch no larger than the outputs are wide is refused with both numbers")
  func refusesSmallBatches() throws {
    let error = #expect(throws: DeepCorrelationError.self) {
      try DeepCorrelation.loss(outputs(4), ridges: [1e-3, 1e-3])
    }
    #expect(error == .smallBatch(rows: 4, width: 4))
    #expect(try DeepCorrelation.loss(outputs(5), ridges: [1e-3, 1e-3]).isFinite().all())
  }

  @Test("targets of orthogonal iterations are white when the moments are those of the batch")
  func whiteTargets() throws {
    let rows = try outputs(40)
    let moments = try OrthogonalIterations.Moments(of: rows[0]).updated(with: rows[0], rho: 0)
    let target = try moments.whitened(rows[0], epsilon: 1e-12)
    let covariance = try target.transposed().matmul(target) / 40.0
    #expect(try covariance.isClose(to: Tensor.identity(4, .float64), absolute: 1e-8))
  }
}

@Suite("Cube-root unit")
struct CubeRootUnitTests {
  @Test("y³/3 + y = x from 1e-12 to 1e6, odd, with slope 1 / (1 + y²)")
  func inverts() throws {
    let numbers = [0, 1e-12, 1e-5, 0.1, 1, 3, 40, 1e3, 1e6]
    let x = try Tensor(numbers).requiringGradient()
    let unit = try cubeRootUnit(x)
    let y: [Double] = try unit.values()
    for (x, y) in zip(numbers, y) { #expect(abs(y * y * y / 3 + y - x) <= 1e-14 * max(x, 1e-300) * 4) }
    #expect(try cubeRootUnit(Tensor(numbers.map { -$0 })).values() == y.map { -$0 })
    let slope: [Double] = try #require(try Tensor.gradients(of: [unit.sum()], by: [x])[0]).values()
    for (slope, y) in zip(slope, y) { #expect(abs(slope - 1 / (1 + y * y)) < 1e-15) }
  }
}
