import CTorch

/// Where pairs of vectors of two sides rank among all scores, and the highest score of each row and column, as one
/// computation on the cpu without a table of scores.
///
/// The answers are those of scores in float64. Estimates with bounds of their errors, from sums of bytes or of
/// float32 numbers, come in tiles that stay in the cache; only where a bound leaves a question open is the score
/// itself computed. It uses as many threads as ``Runtime/threads`` says; their number changes no answer.
public struct VectorRanking: Sendable {
  /// What the score of two vectors x and y is.
  public enum Metric: Int32, Sendable, CaseIterable {
    /// Their inner product.
    case product
    /// The product divided by their lengths, each at least 1e-12.
    case cosine
    /// −‖max(0, y − x)‖.
    case order
  }

  /// How other scores stand to a pair's.
  public struct Standing: Sendable, Equatable {
    /// How many are higher.
    public var better: Int
    /// How many are equal, its own too.
    public var equal: Int
    /// How many of the equal ones come before it.
    public var equalBefore: Int

    fileprivate init(_ counts: ct_standing) {
      (better, equal, equalBefore) = (Int(counts.better), Int(counts.equal), Int(counts.before))
    }
  }

  /// A vector of each side.
  public struct Pair: Sendable, Equatable {
    public var row: Int
    public var column: Int
    public var score: Double
    /// Among the scores of its row: of all vectors of the second side.
    public var inRow: Standing
    /// Among the scores of its column.
    public var inColumn: Standing
  }

  /// In the order they were given.
  public let pairs: [Pair]
  /// For each row the column of its highest score, the first of equals; nil without columns.
  public let topOfRows: [Int?]
  /// For each column the row of its highest score.
  public let topOfColumns: [Int?]

  /// - Parameters:
  ///   - x: vectors of the rows `[n, d]`, float32 on the cpu.
  ///   - y: vectors of the columns `[m, d]`.
  ///   - metric: what is compared.
  ///   - pairs: rows and columns.
  /// - Returns: nil for numbers that are not finite, for lengths of 1e18 and more, and where there are none.
  /// - Throws: ``TorchError`` for other types, widths that disagree, and pairs out of range.
  /// - Complexity: O(n · m · (d + pairs of a row + pairs of a column)) time. Beside O(n + m), the
  ///   memory of the pairs of the row or column with the most of them for each, and that of 8,192 vectors.
  public init?(
    _ x: Tensor, _ y: Tensor, by metric: Metric, pairs: [(row: Int, column: Int)],
    instructions: KernelInstructions = .best
  ) throws(TorchError) {
    guard x.rank == 2, y.rank == 2 else {
      throw TorchError(
        operation: "ranking", shapes: [x.shape, y.shape], message: "vectors must be rows of a matrix")
    }
    guard x.count > 0, y.count > 0 else { return nil }
    var found = pairs.map { pair in
      var empty = ct_ranked_pair()
      (empty.row, empty.column) = (Int64(pair.row), Int64(pair.column))
      return empty
    }
    var rows = [Int64](repeating: -1, count: x.size(along: 0))
    var columns = [Int64](repeating: -1, count: y.size(along: 0))
    let done = Handle.withPointers([x.handle, y.handle]) { handles in
      ct_rank(
        handles[0], handles[1], metric.rawValue, instructions.rawValue, &found, Int64(found.count), &rows,
        &columns)
    }
    guard done >= 0 else { throw lastError("ranking", [x, y]) }
    guard done > 0 else { return nil }
    self.pairs = found.map { pair in
      Pair(
        row: Int(pair.row), column: Int(pair.column), score: pair.score, inRow: Standing(pair.in_row),
        inColumn: Standing(pair.in_column))
    }
    topOfRows = rows.map { $0 < 0 ? nil : Int($0) }
    topOfColumns = columns.map { $0 < 0 ? nil : Int($0) }
  }
}

extension Tensor {
  /// −‖max(0, y − x)‖ of these vectors x `[n, d]` and others y `[m, d]`: `[n, m]`, float32 on the cpu, without a graph
  /// and without the differences of all vectors in memory.
  public func orderScores(
    against other: Tensor, instructions: KernelInstructions = .best
  ) throws(TorchError) -> Tensor {
    try Tensor(
      Handle.made("order scores", [self, other]) { handles in
        ct_order_scores(handles[0], handles[1], instructions.rawValue)
      })
  }
}
