import Torch

/// Inner products of vectors in float64, for scores that float32 cannot tell apart: in a large gallery many lie closer
/// together than the rounding of a sum of a thousand products, and ranks would depend on the order of summation.
struct ExactScores {
  private let x: Tensor
  private let y: Tensor
  private let normalizes: Bool
  /// How far a float32 score may be off.
  let uncertainty: Double

  /// Nil where vectors are not float32, or compared otherwise than by their product.
  init?(_ metric: Metric, _ x: Tensor, _ y: Tensor) throws {
    guard metric == .cosine || metric == .dot, x.rank == 2, y.rank == 2, x.dtype == .float32,
      y.dtype == .float32, x.count > 0, y.count > 0
    else { return nil }
    self.x = try x.detached().to(.cpu)
    self.y = try y.detached().to(.cpu)
    normalizes = metric == .cosine
    let lengths = try normalizes ? 1 : x.norm(along: 1).max().item() * y.norm(along: 1).max().item()
    guard lengths.isFinite else { return nil }
    // Rounding of sums of products of unit vectors stays below this by far.
    uncertainty = 4e-6 * lengths
  }

  init?(_ vectors: JointVectors) throws { try self.init(vectors.metric, vectors.x, vectors.y) }

  /// Scores of pairs of rows.
  func scores(_ rows: [Int], _ columns: [Int]) throws -> [Double] {
    let step = max(1, (1 << 20) / max(1, x.size(along: 1)))
    return try stride(from: 0, to: rows.count, by: step).flatMap { start -> [Double] in
      let range = start..<min(start + step, rows.count)
      let (a, b) = (try vectors(x, Array(rows[range])), try vectors(y, Array(columns[range])))
      return try (a * b).sum(along: 1).values(as: Double.self)
    }
  }

  /// Scores of some rows against some columns.
  func block(_ rows: [Int], _ columns: [Int]) throws -> Tensor {
    try vectors(x, rows).matmul(vectors(y, columns).transposed())
  }

  private func vectors(_ all: Tensor, _ rows: [Int]) throws(TorchError) -> Tensor {
    let some = try all.rows(at: rows).to(.float64)
    return normalizes ? try some.normalized(along: 1) : some
  }
}

extension ScoreTable where Score == Double {
  /// Replaces the scores of pairs, and all that are too close to a query's best to say which is more, by exact ones.
  ///
  /// - Parameters:
  ///   - rows: of the source, one a row of the table.
  ///   - columns: of the source, one a column of the table.
  ///   - truth: which rows and columns of the table are paired.
  func refine(_ exact: ExactScores, rows: [Int], columns: [Int], truth: RetrievalTruth) throws {
    func replace(_ cells: [(row: Int, column: Int)]) throws {
      let scores = try exact.scores(cells.map { rows[$0.row] }, cells.map { columns[$0.column] })
      for (cell, score) in zip(cells, scores) { self[cell.row, cell.column] = score }
    }
    try replace(truth.pairedOfFirst.enumerated().flatMap { row, own in own.map { (row, $0) } })
    var close: [(row: Int, column: Int)] = []
    // Where this many are alike, the model tells hardly anything apart, and one product of matrices is cheaper.
    let most = max(1024, self.rows * self.columns / 32)
    forEachRow { row, scores in
      guard close.count <= most, let best = Self.best(truth.pairedOfFirst[row], scores) else { return }
      Self.places(in: scores, within: exact.uncertainty, of: best) { close.append((row, $0)) }
    }
    forEachColumn { column, scores in
      guard close.count <= most, let best = Self.best(truth.pairedOfSecond[column], scores) else { return }
      Self.places(in: scores, within: exact.uncertainty, of: best) { close.append(($0, column)) }
    }
    guard close.count > most else { return try replace(close) }
    let step = max(1, (1 << 22) / max(1, self.columns))
    for start in stride(from: 0, to: self.rows, by: step) {
      let block = Array(rows[start..<min(start + step, self.rows)])
      try store(exact.block(block, columns).contiguous(), from: start)
    }
  }

  private static func best(_ paired: [Int], _ scores: UnsafeBufferPointer<Double>) -> Double? {
    paired.map { scores[$0] }.filter { !$0.isNaN }.max()
  }

  /// The places whose score lies this close to a value.
  private static func places(
    in scores: UnsafeBufferPointer<Double>, within distance: Double, of value: Double, _ found: (Int) -> Void
  ) {
    guard let base = scores.baseAddress else { return }
    // In this form the compiler counts many at once; few rows have any but their own.
    let (low, high) = (value - distance, value + distance)
    var count: Int64 = 0
    var item = 0
    while item < scores.count {
      count &+= (base[item] >= low ? 1 : 0) & (base[item] <= high ? 1 : 0)
      item &+= 1
    }
    guard count > 1 else { return }
    for item in 0..<scores.count where base[item] >= low && base[item] <= high { found(item) }
  }
}
