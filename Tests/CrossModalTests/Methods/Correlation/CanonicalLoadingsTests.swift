import CrossModal
import Testing
import Torch

@Suite("Canonical loadings")
struct CanonicalLoadingsTests {
  @Test("loadings are the correlations of columns with scores, 0 for constant columns")
  func definition() throws {
    var views = try correlatedRows(50, 4, 3)
    views[0] = try Tensor.concatenated([views[0], Tensor.full([50, 1], 0.1, .float64)], along: 1)
    var joint = try JointCovariance(views: ["x", "y"], widths: [5, 3])
    try joint.add(views)
    let solution = try CanonicalSolver(ridges: [.relative(0.1), .none], components: .exactly(2)).solve(joint)
    let scores = try views.indices.map { try views[$0].matmul(solution.weights[$0]) }
    let found = try CanonicalLoadings(view: 0, weights: solution.weights, joint: joint)
    for component in 0..<2 {
      for column in 0..<5 {
        let numbers = try views[0].narrowed(to: column..<(column + 1), along: 1)
        for (side, loadings) in [found.loadings, found.crossLoadings].enumerated() {
          let score = try scores[side].narrowed(to: component..<(component + 1), along: 1)
          let expected = column == 4 ? 0 : try pearsonCorrelations(numbers, score).item(as: Double.self)
          #expect(try abs(loadings[column][component].item() - expected) < 1e-9)
        }
      }
    }
  }

  @Test("without a ridge redundancy is variance extracted times the squared correlation")
  func redundancy() throws {
    var joint = try JointCovariance(views: ["x", "y"], widths: [4, 3])
    try joint.add(correlatedRows(50, 4, 3))
    let solution = try CanonicalSolver().solve(joint)
    for view in 0..<2 {
      let found = try CanonicalLoadings(view: view, weights: solution.weights, joint: joint)
      let expected = try found.varianceExtracted() * solution.correlations.squared()
      #expect(try found.redundancy().distance(to: expected) < 1e-10)
    }
  }
}
