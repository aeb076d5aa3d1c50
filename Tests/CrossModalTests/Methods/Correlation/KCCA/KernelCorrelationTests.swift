import CrossModal
import Testing
import Torch

@Suite("KernelCorrelation")
struct KernelCorrelationTests {
  private func grams(_ n: Int, gamma: Double = 0.1, width: Int = 6) throws -> [KernelView] {
    try correlatedRows(n, width, 5).map { .gram(try CenteredGram(RBFKernel(gamma: gamma).gram($0)).values) }
  }

  @Test(
    "Cholesky factors give what eigenvalues give",
    arguments: [
      (KernelRidge.hardoon(0.5), 0.1, 6), (.shrinkage(0.02), 0.1, 6), (.bach(0.001), 0.1, 6),
      (.shrinkage(1), 0.1, 6),
      // So smooth that eigenvalues are cut.
      (.hardoon(0.5), 0.002, 2), (.shrinkage(0.02), 0.005, 4),
    ])
  func routes(ridge: KernelRidge, gamma: Double, width: Int) throws {
    let views = try grams(300, gamma: gamma, width: width)
    let slow = try KernelCorrelation(
      views, ridges: [ridge, ridge], components: .exactly(4), route: .eigen)
    let fast = try KernelCorrelation(
      views, ridges: [ridge, ridge], components: .exactly(4), route: .cholesky)
    #expect(slow.ranks == fast.ranks)
    #expect(try fast.correlations[0..<4].distance(to: slow.correlations[0..<4]) < 1e-9)
    for side in 0..<2 {
      let size = try slow.scores[side].magnitude().max().item(as: Double.self)
      #expect(try fast.scores[side].distance(to: slow.scores[side]) < 1e-6 * size)
      let weight = try slow.weights[side].magnitude().max().item(as: Double.self)
      #expect(try fast.weights[side].distance(to: slow.weights[side]) < 1e-4 * weight)
    }
  }

  @Test("the fast way is taken where few components of many rows are wanted, and nowhere else")
  func choice() throws {
    let views = try grams(300)
    func route(_ ridge: KernelRidge, k: Int) throws -> KernelCorrelation.Route {
      try KernelCorrelation(views, ridges: [ridge, ridge], components: .exactly(k)).route
    }
    #expect(try route(.shrinkage(0.02), k: 4) == .cholesky)
    #expect(try route(.shrinkage(0.02), k: 150) == .eigen)
    #expect(try route(.identity(0.1), k: 4) == .eigen)
  }

  @Test("constraints hold: α'Cα is the identity, α'K_xK_yβ the correlations")
  func constraints() throws {
    let views = try grams(60)
    guard case .gram(let x) = views[0], case .gram(let y) = views[1] else { return }
    let found = try KernelCorrelation(
      views, ridges: [.hardoon(0.5), .hardoon(0.3)], components: .exactly(5))
    let (a, b) = (found.weights[0], found.weights[1])
    let identity = try Tensor.identity(5, .float64)
    let inside = try a.transposed().matmul(x.matmul(x) + x * 0.5).matmul(a)
    #expect(try inside.distance(to: identity) < 1e-9)
    let across = try a.transposed().matmul(x).matmul(y).matmul(b)
    #expect(try across.distance(to: found.correlations[0..<5].asDiagonal()) < 1e-9)
    #expect(try a.sum(along: 0).magnitude().max().item(as: Double.self) < 1e-9)
  }

  @Test("Hardoon's eigenproblem has the squared correlations")
  func eigenproblem() throws {
    let views = try grams(40)
    guard case .gram(let x) = views[0], case .gram(let y) = views[1] else { return }
    let found = try KernelCorrelation(
      views, ridges: [.hardoon(0.5), .hardoon(0.5)], components: .exactly(3))
    let identity = try Tensor.identity(40, .float64) * 0.5
    let a = found.weights[0]
    let image = try (x + identity).solve(y.matmul((y + identity).solve(x.matmul(a))))
    #expect(try image.distance(to: a * found.correlations[0..<3].squared()) < 1e-8)
  }

  @Test(
    "without a ridge a kernel matrix of full rank is refused, and correlations that are 1 anyway are counted")
  func rangeOnly() throws {
    let views = try grams(20)
    #expect(throws: KernelError.nothingToLearn(views: ["x", "y"], ranks: [19, 19], rows: 20)) {
      try KernelCorrelation(views, ridges: [.range, .range], components: .exactly(2))
    }
    let rows = try correlatedRows(20, 12, 10)
    let linear = try rows.map { KernelView.gram(try CenteredGram(LinearKernel().gram($0)).values) }
    let found = try KernelCorrelation(linear, ridges: [.range, .range], components: .exactly(5))
    #expect(found.ranks == [12, 10])
    #expect(found.trivial == 3)
    #expect(try (found.correlations[0..<3] - 1).magnitude().max().item(as: Double.self) < 1e-9)
  }

  @Test("rows paired at random give little with a strong ridge and nearly everything with a tiny one")
  func chance() throws {
    let views = try grams(80)
    func share(_ c: Double) throws -> Double {
      let found = try KernelCorrelation(
        views, ridges: [.shrinkage(c), .shrinkage(c)], components: .exactly(3), chanceSeed: 1)
      return try #require(found.chance) / found.correlations[0..<3].sum().item()
    }
    #expect(try share(0.3) < 0.7)
    #expect(try share(1e-7) > 0.9)
  }

  @Test("a kernel that is no inner product loses its negative eigenvalues and says so")
  func negative() throws {
    let rows = try correlatedRows(40, 4, 3)
    let sigmoid = try CenteredGram(SigmoidKernel(gamma: 0.5, constant: -1).gram(rows[0]))
    let linear = try CenteredGram(LinearKernel().gram(rows[1]))
    let found = try KernelCorrelation(
      [.gram(sigmoid.values), .gram(linear.values)], ridges: [.hardoon(1), .hardoon(1)],
      components: .exactly(2))
    #expect(found.negative[0] > 0)
    #expect(found.negative[1] == 0)
  }
}
