import Torch

/// Means and deviations of columns in float64, gathered in one walk over rows (Chan, Golub & LeVeque, 1979).
struct ColumnMoments {
  private(set) var count = 0.0
  /// `[d]`.
  private(set) var mean: Tensor
  /// Sums of squared distances from the mean, `[d]`.
  private var squares: Tensor

  init(_ width: Int) throws {
    mean = try Tensor.zeros([width], .float64)
    squares = try Tensor.zeros([width], .float64)
  }

  /// Of these rows `[n, d]` alone.
  init(of rows: Tensor) throws {
    try self.init(rows.size(along: 1))
    try add(rows)
  }

  mutating func add(_ rows: Tensor) throws {
    let rows = try rows.to(.cpu).to(.float64)
    let more = Double(rows.size(along: 0))
    guard more > 0 else { return }
    let own = try rows.mean(along: 0)
    let shift = try own - mean
    let total = count + more
    squares = try squares + (rows - own).squared().sum(along: 0) + shift.squared() * (count * more / total)
    mean = try mean + shift * (more / total)
    count = total
  }

  /// Standard deviation of each column, `[d]`; the variance is divided by the count minus `correction`.
  func deviation(correction: Double) throws -> Tensor {
    try (squares / max(1, count - correction)).squareRoot()
  }
}
