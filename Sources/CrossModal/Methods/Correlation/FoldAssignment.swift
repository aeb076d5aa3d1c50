import Torch

/// Which fold of a cross-validation each row belongs to.
struct FoldAssignment {
  let folds: [Int]
  let count: Int

  /// Folds of nearly equal size in an order that `seed` fixes; with labels every fold gets nearly the same
  /// share of each class.
  init(rows: Int, folds count: Int, labels: [Int]? = nil, seed: UInt64) throws {
    guard count >= 2, count <= rows else {
      throw ConfigurationError.badValue(
        key: "folds", value: "\(count)", expected: "from 2 to the number of pairs, \(rows)")
    }
    var order = try Tensor.permutation(rows, using: try Generator(seed: seed)).values(as: Int.self)
    if let labels {
      let places = order.enumerated().sorted {
        (labels[$0.element], $0.offset) < (labels[$1.element], $1.offset)
      }
      order = places.map(\.element)
    }
    var assigned = [Int](repeating: 0, count: rows)
    for (place, row) in order.enumerated() { assigned[row] = place % count }
    folds = assigned
    self.count = count
  }

  /// Rows to learn from and rows to test on when `fold` is held out, ascending.
  func split(_ fold: Int) -> (train: [Int], test: [Int]) {
    (folds.indices.filter { folds[$0] != fold }, folds.indices.filter { folds[$0] == fold })
  }
}
