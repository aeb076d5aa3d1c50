import CrossModal
import Testing
import Torch

@Suite("Covariances in one pass")
struct JointCovarianceTests {
  let rows: [Tensor]

  init() throws {
    let generator = try Generator(seed: 7)
    rows = try [3, 2].map { try Tensor.normal([40, $0], .float64, using: generator) + 1e6 }
  }

  private func joint(_ chunks: [Range<Int>]) throws -> JointCovariance {
    var joint = try JointCovariance(views: ["a", "b"], widths: [3, 2])
    for chunk in chunks { try joint.add(rows.map { try $0[chunk] }) }
    return joint
  }

  @Test("chunks of any size, also 0 and 1, give what all rows at once give")
  func chunks() throws {
    let whole = try joint([0..<40])
    let parts = try joint([0..<1, 1..<18, 18..<18, 18..<33, 33..<40])
    #expect(parts.rows == 40)
    for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
      #expect(try parts.covariance(i, j).distance(to: whole.covariance(i, j)) < 1e-9)
    }
  }

  @Test("parts made apart merge in any order")
  func merging() throws {
    let parts = try [0..<11, 11..<25, 25..<40].map { try joint([$0]) }
    var forward = parts[0]
    try forward.merge(parts[1])
    try forward.merge(parts[2])
    var backward = parts[2]
    try backward.merge(parts[1])
    try backward.merge(parts[0])
    #expect(try forward.covariance(0, 1).distance(to: backward.covariance(0, 1)) < 1e-9)
    #expect(try forward.means[0].distance(to: backward.means[0]) < 1e-9)
  }

  @Test("the result is the definition's")
  func definition() throws {
    let found = try joint([0..<40])
    let centered = try rows.map { try $0 - $0.mean(along: 0) }
    let expected = try centered[0].transposed().matmul(centered[1]) / 39
    #expect(try found.covariance(0, 1).distance(to: expected) < 1e-9)
    let raw = try rows[0].transposed().matmul(rows[1]) / 39
    #expect(try found.covariance(0, 1, centered: false).distance(to: raw) < 1e-2)
  }

  @Test("wide views, computed in tiles, have the definition's covariance too")
  func wide() throws {
    let rows = try Tensor.normal([30, 601], .float64, using: Generator(seed: 1))
    var joint = try JointCovariance(views: ["a"], widths: [601])
    try joint.add([rows])
    let centered = try rows - rows.mean(along: 0)
    let expected = try centered.transposed().matmul(centered) / 29
    #expect(try joint.covariance(0, 0).distance(to: expected) < 1e-12)
  }

  @Test("a weight counts as repetitions of its row")
  func weights() throws {
    var weighted = try JointCovariance(views: ["a", "b"], widths: [3, 2])
    try weighted.add(rows.map { try $0[0..<4] }, weights: Tensor([2.0, 1, 0, 3]))
    var repeated = try JointCovariance(views: ["a", "b"], widths: [3, 2])
    try repeated.add(rows.map { try $0.rows(at: [0, 0, 1, 3, 3, 3]) })
    #expect(weighted.weight == 6)
    #expect(try weighted.covariance(0, 1).distance(to: repeated.covariance(0, 1)) < 1e-9)
  }

  @Test("whole numbers do not overflow")
  func wholeNumbers() throws {
    var joint = try JointCovariance(views: ["a", "b"], widths: [1, 1])
    let column = try Tensor([UInt8(255), 0, 255, 250], shape: [4, 1])
    try joint.add([column, column])
    #expect(try abs(joint.means[0].item() - 190) < 1e-12)
  }

  @Test("a column that is constant but not representable is found constant")
  func constant() throws {
    var joint = try JointCovariance(views: ["a", "b"], widths: [2, 1])
    try joint.add([
      try Tensor([0.1, 1, 0.1, 2, 0.1, 5], shape: [3, 2]), try Tensor([1.0, 2, 3], shape: [3, 1]),
    ])
    #expect(try joint.isConstant(0).values(as: Bool.self) == [true, false])
  }

  @Test("bad rows are named")
  func errors() throws {
    var joint = try JointCovariance(views: ["image", "text"], widths: [2, 1])
    let good = try Tensor.zeros([3, 1])
    try joint.add([Tensor.zeros([3, 2]), good])
    #expect(throws: CorrelationError.notFinite(view: "image", row: 4, column: 1)) {
      try joint.add([try Tensor([1, 2, 3, .nan, 5, .infinity] as [Double], shape: [3, 2]), good])
    }
    #expect(throws: CorrelationError.unequalRows(["image", "text"], [2, 3])) {
      try joint.add([Tensor.zeros([2, 2]), good])
    }
    #expect(throws: CorrelationError.wrongWidth(view: "text", found: 2, expected: 1)) {
      try joint.add([Tensor.zeros([3, 2]), Tensor.zeros([3, 2])])
    }
    #expect(throws: CorrelationError.notVectors(view: "image", found: "an array of shape [3]")) {
      try joint.add([Tensor.zeros([3]), good])
    }
    #expect(throws: CorrelationError.badWeight(row: 4)) {
      try joint.add([Tensor.zeros([3, 2]), good], weights: Tensor([1.0, -1, 1]))
    }
  }
}
