import CrossModal
import Testing
import Torch

@Suite("Logistic regression")
struct LogisticRegressionTests {
  let rows: Tensor
  let labels: [Int]

  init() throws {
    let generator = try Generator(seed: 11)
    labels = (0..<60).map { $0 * $0 % 3 }
    rows =
      try Tensor.normal([60, 4], .float64, using: generator)
      + Tensor(labels).oneHot(classes: 3).to(.float64).matmul(
        Tensor.normal([3, 4], .float64, using: generator))
  }

  @Test("the gradient of the objective is zero at the solution", arguments: [0.1, 1, 100], [false, true])
  func stationary(penalty: Double, balanced: Bool) throws {
    let model = try LogisticRegression.fit(
      rows, classes: labels, count: 3, penalty: penalty, balanced: balanced)
    let sizes = (0..<3).map { c in labels.count { $0 == c } }
    let shares = try Tensor(labels.map { balanced ? 60 / (3 * Double(sizes[$0])) : 1 })
    let errors =
      try (model.probabilities(rows) - Tensor(labels).oneHot(classes: 3).to(.float64))
      * shares.unsqueezed(at: 1)
    let gradient = try model.weight + errors.transposed().matmul(rows) * penalty
    #expect(try gradient.magnitude().max().item(as: Double.self) < 1e-7 * penalty * 60 + 1e-7)
    #expect(
      try (errors.sum(along: 0) * penalty).magnitude().max().item(as: Double.self) < 1e-6 * penalty * 60)
    #expect(try abs(model.bias.sum().item()) < 1e-9)
  }

  @Test("one against the rest is a regression for each class alone")
  func oneVersusRest() throws {
    let all = try LogisticRegression.fit(rows, classes: labels, count: 3, penalty: 2, kind: .oneVersusRest)
    for c in 0..<3 {
      let alone = try LogisticRegression.fit(
        rows, classes: labels.map { $0 == c ? 0 : 1 }, count: 2, penalty: 2, kind: .oneVersusRest)
      #expect(try all.weight[c].distance(to: alone.weight[0]) < 1e-5)
    }
    let sums = try all.probabilities(rows).sum(along: 1)
    #expect(try sums.distance(to: Tensor.ones([60], .float64)) < 1e-12)
  }

  @Test("logits of ten thousand give no NaN, and a constant added to the bias changes nothing")
  func extremes() throws {
    let model = LogisticRegression(
      weight: try Tensor([1e4, -1e4, 0], shape: [3, 1]), bias: try Tensor([0.0, 1, 2]))
    let column = try Tensor([1.0, -1, 0], shape: [3, 1])
    let found = try model.probabilities(column)
    #expect(try found.isFinite().all())
    #expect(try abs(found[0][0].item() - 1) < 1e-12)
    let shifted = LogisticRegression(weight: model.weight, bias: try model.bias + 100)
    #expect(try shifted.probabilities(column).distance(to: found) < 1e-12)
    let rest = LogisticRegression(
      kind: .oneVersusRest, weight: model.weight, bias: try Tensor([-1e5, -1e5, -1e5]))
    #expect(try rest.probabilities(column).isFinite().all())
  }

  @Test("starting from another solution leads to the same one")
  func warmStart() throws {
    let start = try LogisticRegression.fit(rows, classes: labels, count: 3, penalty: 0.1)
    let cold = try LogisticRegression.fit(rows, classes: labels, count: 3, penalty: 30)
    let warm = try LogisticRegression.fit(rows, classes: labels, count: 3, penalty: 30, start: start)
    #expect(try cold.weight.distance(to: warm.weight) < 1e-5)
  }
}
