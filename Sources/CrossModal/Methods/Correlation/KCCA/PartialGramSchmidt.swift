import Torch

/// Partial Gram-Schmidt orthogonalisation of a kernel matrix, that is pivoted incomplete Cholesky: K ≈ RR'
/// (Hardoon, Szedmak & Shawe-Taylor 2004; `kcca.md` section 4).
///
/// One column of K is computed a pivot, and K itself never is.
public struct PartialGramSchmidt: Sendable {
  /// R, `[n, m]`, columns in the order of the pivots.
  public let features: Tensor
  /// Rows that became pivots; ties go to the lowest.
  public let pivots: [Int]
  /// Share of the trace of K that is not in RR'.
  public let residual: Double

  /// - Parameters:
  ///   - kernel: of the view.
  ///   - rows: training rows, `[n, p]`.
  ///   - eta: stop when the residual is at most this; tested before each pivot, the first included.
  ///   - maxRank: pivots at most. What remains of a row is rounding below 1e-14 of the largest diagonal entry
  ///     of K; such rows are never pivots.
  /// - Complexity: O(n m²) time and n m numbers.
  public init(_ kernel: any Kernel, _ rows: Tensor, eta: Double = 1e-3, maxRank: Int = 1000) throws {
    let n = rows.size(along: 0)
    var rest = try kernel.diagonal(rows).clamped(from: 0)
    let trace: Double = try rest.sum().item()
    let floor = try rest.max().item(as: Double.self) * 1e-14
    let column = try kernel.columns(rows)
    var found = ColumnStore()
    var pivots: [Int] = []
    var left = trace
    while pivots.count < min(maxRank, n), left > eta * trace {
      let largest: Double = try rest.max().item()
      guard largest > floor else { break }
      let pivot = try (rest .== largest).nonZero()[0].item(as: Int.self)
      let next = try (column(pivot) - found.combination(at: pivot)) / largest.squareRoot()
      let place = try Tensor([pivot])
      rest = try (rest - next.squared()).clamped(from: 0).replacing(place, with: Tensor([0.0]))
      try found.append(next)
      pivots.append(pivot)
      left = try rest.sum().item()
    }
    self.pivots = pivots
    residual = trace > 0 ? left / trace : 0
    features = try found.all(rows: n)
  }

  /// The rows of R at the pivots, lower triangular, `[m, m]`.
  public func pivotRows() throws -> Tensor { try features.rows(at: pivots).lowerTriangle() }

  /// Features of new rows: r with R_pivots r = k(pivots, row), `[l, m]`.
  ///
  /// - Parameter values: k(row, pivots), `[l, m]`.
  public func features(ofKernelValues values: Tensor) throws -> Tensor {
    try pivotRows().solveTriangular(values.transposed()).transposed()
  }
}

/// Columns that are added one at a time and combined many times, in blocks whose sizes are powers of two, so
/// that each is copied a few times only and products run over long blocks.
private struct ColumnStore {
  /// `[columns, n]` each, sizes falling.
  private var blocks: [Tensor] = []

  mutating func append(_ column: Tensor) throws {
    blocks.append(try column.unsqueezed(at: 0))
    while blocks.count >= 2,
      blocks[blocks.count - 2].size(along: 0) == blocks[blocks.count - 1].size(along: 0)
    {
      let last = blocks.removeLast()
      blocks.append(try Tensor.concatenated([blocks.removeLast(), last]))
    }
  }

  /// Row `place` times all columns, `[n]`; a scalar 0 when there are none.
  func combination(at place: Int) throws -> Tensor {
    try blocks.reduce(Tensor(0.0)) { try $0 + $1.selected(place, along: 1).matmul($1) }
  }

  /// `[n, columns]`.
  func all(rows: Int) throws -> Tensor {
    guard !blocks.isEmpty else { return try Tensor.zeros([rows, 0], .float64) }
    return try Tensor.concatenated(blocks).transposed()
  }
}
