import CrossModal
import Testing
import Torch

@Suite("Correlation of several views")
struct MultiviewCorrelationTests {
  private func joint(_ views: [Tensor]) throws -> JointCovariance {
    var joint = try JointCovariance(
      views: views.indices.map { "view \($0)" }, widths: views.map { $0.size(along: 1) })
    try joint.add(views)
    return joint
  }

  private func threeViews() throws -> [Tensor] {
    let views = try correlatedRows(70, 4, 3)
    return views + [try correlatedRows(70, 5, 3, seed: 1)[0]]
  }

  @Test("two views under mcca are CCA", arguments: [0.0, 0.3])
  func twoViews(shrinkage: Double) throws {
    let covariances = try joint(correlatedRows(60, 4, 3))
    let solver = CanonicalSolver(
      ridges: [.shrinkage(shrinkage), .shrinkage(shrinkage)], components: .exactly(3))
    let pair = try solver.solve(covariances)
    let found = try MultiviewCorrelation(.mcca, of: covariances, solver: solver)
    #expect(try found.eigenvalues.distance(to: pair.correlations) < 1e-10)
    for view in 0..<2 {
      #expect(try found.weights[view].magnitude().distance(to: pair.weights[view].magnitude()) < 1e-8)
    }
  }

  @Test("the shared variable of gcca is orthonormal and what the weights predict from it")
  func shared() throws {
    let views = try threeViews()
    let covariances = try joint(views)
    let found = try MultiviewCorrelation(
      .gcca, of: covariances, solver: CanonicalSolver(ridges: [.none], components: .exactly(2)),
      viewWeights: [1, 2, 0.5])
    let centered = try views.map { try $0 - $0.mean(along: 0) }
    let t = try zip(centered, found.sharedWeights).map { try $0.matmul($1) }
      .reduce(Tensor.zeros([70, 2], .float64)) { try $0 + $1 }
    #expect(try t.transposed().matmul(t).distance(to: Tensor.identity(2, .float64)) < 1e-9)
    for view in 0..<3 {
      let inner = try centered[view].transposed().matmul(centered[view])
      let expected = try inner.solve(centered[view].transposed().matmul(t))
      #expect(try found.weights[view].distance(to: expected) < 1e-8)
    }
    #expect(try found.eigenvalues.max().item(as: Double.self) <= 3.5 + 1e-9)
  }

  @Test("the stacked weights of mcca have the norm of the definition, and the largest entry is positive")
  func norm() throws {
    let covariances = try joint(threeViews())
    let found = try MultiviewCorrelation(
      .mcca, of: covariances, solver: CanonicalSolver(ridges: [.absolute(0.2)], components: .exactly(2)))
    var norms = try Tensor.zeros([2], .float64)
    for view in 0..<3 {
      let p = found.weights[view].size(along: 0)
      let regularised = try covariances.covariance(view, view) + Tensor.identity(p, .float64) * 0.2
      try norms += (found.weights[view] * regularised.matmul(found.weights[view])).sum(along: 0)
    }
    #expect(try norms.distance(to: Tensor.full([2], 3, .float64)) < 1e-9)
    let stacked = try Tensor.concatenated(found.weights)
    let largest = try stacked.magnitude().max(along: 0)
    #expect(try stacked.max(along: 0).distance(to: largest) < 1e-12)
  }

  @Test("weights of views that are not above 0, or too few, are refused")
  func errors() throws {
    let covariances = try joint(threeViews())
    for weights in [[1, 1], [1, 0, 1], [1, -1, 1]] as [[Double]] {
      #expect(throws: ConfigurationError.self) {
        try MultiviewCorrelation(.gcca, of: covariances, solver: CanonicalSolver(), viewWeights: weights)
      }
    }
    #expect(throws: CorrelationError.self) {
      try MultiviewCorrelation(
        .mcca, of: covariances, solver: CanonicalSolver(components: .exactly(13)))
    }
  }
}
