import Torch

/// A matrix with few entries a row, for products with dense ones.
struct SparseRows {
  private var columns: [Int] = []
  private var values: [Double] = []
  /// First entry of each row, and the number of all.
  private var starts = [0]

  var count: Int { starts.count - 1 }

  mutating func append(_ entries: [(column: Int, value: Double)]) {
    for entry in entries {
      columns.append(entry.column)
      values.append(entry.value)
    }
    starts.append(columns.count)
  }

  /// `self · dense`, `[n, k]`, for a dense `[width, k]`.
  func times(_ dense: Tensor) throws -> Tensor {
    let blocks = try blocks(width: dense.size(along: 1)).map { block in
      let parts = try dense.rows(at: block.columns) * block.values
      return try Tensor.zeros([block.rows.count, dense.size(along: 1)], .float64)
        .adding(parts, at: block.places)
    }
    return blocks.isEmpty
      ? try Tensor.zeros([0, dense.size(along: 1)], .float64) : try Tensor.concatenated(blocks)
  }

  /// `selfᵀ · dense`, `[width, k]`, for a dense `[n, k]`.
  func transposedTimes(_ dense: Tensor, width: Int) throws -> Tensor {
    var sum = try Tensor.zeros([width, dense.size(along: 1)], .float64)
    for block in try blocks(width: dense.size(along: 1)) {
      let parts = try dense[block.rows].rows(at: block.places) * block.values
      sum = try sum.adding(parts, at: block.columns)
    }
    return sum
  }

  /// Leading right singular vectors, orthonormal columns `[width, count]` (Halko, Martinsson, Tropp, 2011,
  /// algorithm 4.4 with a few more directions than wanted).
  func singularVectors(width: Int, count wanted: Int, seed: UInt64) throws -> Tensor {
    let directions = min(wanted + 32, width, max(count, 1))
    var q = try Tensor.normal([width, directions], .float64, using: Generator(seed: seed))
    for _ in 0..<6 {
      let left = try times(q).qr().q
      q = try transposedTimes(left, width: width).qr().q
    }
    let small = try times(q)
    let (_, vectors) = try small.transposed().matmul(small).symmetricEigen()
    let found = vectors.size(along: 1)
    let leading = try vectors.narrowed(to: found - min(wanted, found)..<found, along: 1).reversed(along: 1)
    return try q.matmul(leading).withPositiveExtremes()
  }

  private struct Block {
    let rows: Range<Int>
    let columns: Tensor
    /// Row of each entry within the block.
    let places: Tensor
    /// `[entries, 1]`.
    let values: Tensor
  }

  /// Rows in groups whose entries times `width` fit into a few dozen megabytes.
  private func blocks(width: Int) throws -> [Block] {
    let most = max(1, (4 << 20) / max(width, 1))
    var blocks: [Block] = []
    var first = 0
    while first < count {
      var end = first + 1
      while end < count, starts[end + 1] - starts[first] <= most { end += 1 }
      let entries = starts[first]..<starts[end]
      let places = (first..<end).flatMap { [Int](repeating: $0 - first, count: starts[$0 + 1] - starts[$0]) }
      blocks.append(
        Block(
          rows: first..<end, columns: try Tensor(Array(columns[entries])), places: try Tensor(places),
          values: try Tensor(Array(values[entries]), shape: [entries.count, 1])))
      first = end
    }
    return blocks
  }
}
