import Torch

extension RetrievalEvaluation {
  /// Measures a fold without keeping its scores: first those of the pairs, in small blocks, then all of them, one
  /// block of rows at a time. Rows are ranked as they come; for columns it is counted how every row stands to
  /// their pairs.
  ///
  /// - Parameter firstBlock: scores of the first rows, computed already.
  /// - Returns: whether the fold was measured. False, with the sums as they were, where classes decide what is
  ///   relevant, where a column has too many pairs, or where a pair scored otherwise among its own columns than
  ///   among all.
  func stream<Score: BinaryFloatingPoint & TensorElement>(
    _ type: Score.Type, _ firstBlock: Tensor, _ scores: ScoreSource, _ truth: RetrievalTruth, _ place: Place,
    _ units: (first: [Int], second: [Int]), _ forward: inout DirectionSums, _ backward: inout DirectionSums
  ) throws -> Bool {
    guard !truth.hasLabels, truth.second > 0,
      truth.pairedOfSecond.allSatisfy({ $0.count <= Self.mostPairs })
    else { return false }
    let counts = ColumnCounts<Score>(truth)
    let blocks = PairBlock.blocks(
      of: truth.pairedOfFirst, columns: place.columns, limit: blockSize / MemoryLayout<Float>.stride)
    for block in blocks {
      let rows = place.rows.lowerBound + block.rows.lowerBound..<place.rows.lowerBound + block.rows.upperBound
      try scores.scores(rows: rows, columns: block.columns).to(Score.dataType).withUnsafeBytes { bytes in
        let values = bytes.bindMemory(to: Score.self)
        for row in block.rows {
          for column in truth.pairedOfFirst[row] where block.columns.contains(place.columns[column]) {
            let line = (row - block.rows.lowerBound) * block.columns.count
            counts.setPair(row, column, values[line + place.columns[column] - block.columns.lowerBound])
          }
        }
      }
    }
    let (there, back) = askers(truth, place, units)
    var (newForward, newBackward) = (forward, backward)
    var start = 0
    while start < truth.first {
      let end = min(start + blockRows(truth.second), truth.first)
      let rows = place.rows.lowerBound + start..<place.rows.lowerBound + end
      let block = start == 0 ? firstBlock : try self.scores(scores, at: place, rows: rows)
      let isSame = try block.to(Score.dataType).withUnsafeBytes { bytes in
        let values = bytes.bindMemory(to: Score.self)
        guard counts.add(start..<end, values) else { return false }
        for row in start..<end {
          let line = (row - start) * truth.second
          there.ask(row, UnsafeBufferPointer(rebasing: values[line..<line + truth.second]), &newForward)
        }
        return true
      }
      guard isSame else { return false }
      start = end
    }
    for column in 0..<truth.second {
      let found = counts.standing(of: column, back.ranking)
      back.add(column, found.standing, top: found.top, &newBackward)
    }
    (forward, backward) = (newForward, newBackward)
    return true
  }
}

/// A small block of scores that holds pairs: rows of a fold, and columns of the source.
struct PairBlock: Equatable {
  var rows: Range<Int>
  var columns: Range<Int>

  /// Rows of a block at most: paired items follow each other, so that the share of pairs in a block is one in as
  /// many.
  static let mostRows = 8

  /// Blocks that together hold every pair and little else.
  ///
  /// - Parameters:
  ///   - paired: places in `columns` paired with each row, ascending.
  ///   - columns: of the source, ascending.
  ///   - limit: scores of a block at most.
  static func blocks(of paired: [[Int]], columns: [Int], limit: Int) -> [PairBlock] {
    var blocks: [PairBlock] = []
    var pairs = 0
    // Whether the last block may take further rows.
    var isOpen = false
    for (row, places) in paired.enumerated() {
      let own = places.map { columns[$0] }
      guard let low = own.first, let high = own.last else { continue }
      if isOpen, let last = blocks.last {
        let rows = last.rows.lowerBound..<row + 1
        let joined = min(last.columns.lowerBound, low)..<max(last.columns.upperBound, high + 1)
        if rows.count <= mostRows, joined.count <= 2 * (pairs + own.count), rows.count * joined.count <= limit
        {
          blocks[blocks.count - 1] = PairBlock(rows: rows, columns: joined)
          pairs += own.count
          continue
        }
      }
      pairs = own.count
      isOpen = high + 1 - low <= min(2 * pairs, limit)
      if isOpen {
        blocks.append(PairBlock(rows: row..<row + 1, columns: low..<high + 1))
        continue
      }
      // Scattered: one block for every run of neighbors.
      var run = low..<low + 1
      for column in own.dropFirst() {
        if column == run.upperBound, run.count < limit {
          run = run.lowerBound..<column + 1
        } else {
          blocks.append(PairBlock(rows: row..<row + 1, columns: run))
          run = column..<column + 1
        }
      }
      blocks.append(PairBlock(rows: row..<row + 1, columns: run))
    }
    return blocks
  }
}

/// How the rows stand to the paired rows of every column, counted as the rows come in.
///
/// Needs memory for the pairs, not for the scores: arrays `[most pairs of a column, columns]`.
final class ColumnCounts<Score: BinaryFloatingPoint> {
  private let rows: Int
  private let columns: Int
  private let pairedOfRow: [[Int]]
  private let pairedOfColumn: [[Int]]
  private let layers: Int
  /// Score of each column's first, second, ... paired row; NaN, which nothing is above or equal to, for none.
  private let pairs: UnsafeMutablePointer<Score>
  private let better: UnsafeMutablePointer<Int32>
  private let equal: UnsafeMutablePointer<Int32>
  /// Those of `equal` that came before the paired row.
  private let equalBefore: UnsafeMutablePointer<Int32>
  /// The highest score of each column, and its first row; -1 before any that is no NaN.
  private let best: UnsafeMutablePointer<Score>
  private let top: UnsafeMutablePointer<Int32>

  init(_ truth: RetrievalTruth) {
    rows = truth.first
    columns = truth.second
    pairedOfRow = truth.pairedOfFirst
    pairedOfColumn = truth.pairedOfSecond
    layers = pairedOfColumn.map(\.count).max() ?? 0
    func filled<Value>(_ count: Int, _ value: Value) -> UnsafeMutablePointer<Value> {
      let start = UnsafeMutablePointer<Value>.allocate(capacity: max(1, count))
      start.initialize(repeating: value, count: count)
      return start
    }
    pairs = filled(layers * columns, .nan)
    better = filled(layers * columns, 0)
    equal = filled(layers * columns, 0)
    equalBefore = filled(layers * columns, 0)
    best = filled(columns, -.infinity)
    top = filled(columns, -1)
  }

  deinit {
    pairs.deallocate()
    better.deallocate()
    equal.deallocate()
    equalBefore.deallocate()
    best.deallocate()
    top.deallocate()
  }

  /// Sets the score of a pair.
  func setPair(_ row: Int, _ column: Int, _ score: Score) {
    if let place = place(of: row, column) { pairs[place] = score }
  }

  private func place(of row: Int, _ column: Int) -> Int? {
    pairedOfColumn[column].firstIndex(of: row).map { $0 * columns + column }
  }

  /// Counts the next rows' scores `[range, columns]`.
  ///
  /// - Returns: false when a pair's score is another than was set.
  func add(_ range: Range<Int>, _ scores: UnsafeBufferPointer<Score>) -> Bool {
    guard let base = scores.baseAddress else { return true }
    for row in range {
      let line = base + (row - range.lowerBound) * columns
      for column in pairedOfRow[row] {
        guard let place = place(of: row, column) else { continue }
        let (known, seen) = (pairs[place], line[column])
        guard known == seen || (known.isNaN && seen.isNaN) else { return false }
      }
    }
    // As many columns at a time as stay in the processor's cache while all rows of the block pass.
    let width = 2048
    for start in stride(from: 0, to: columns, by: width) {
      let part = start..<min(start + width, columns)
      for row in range {
        for column in pairedOfRow[row] where part.contains(column) {
          if let place = place(of: row, column) { equalBefore[place] = equal[place] }
        }
        count(Int32(truncatingIfNeeded: row), base + (row - range.lowerBound) * columns, part)
      }
    }
    return true
  }

  private func count(_ row: Int32, _ line: UnsafePointer<Score>, _ part: Range<Int>) {
    // In this form (bare pointers, 32-bit sums, no branch) the compiler counts many columns at once.
    for layer in 0..<layers {
      let (pairs, better, equal) = (
        pairs + layer * columns, better + layer * columns, equal + layer * columns
      )
      var column = part.lowerBound
      while column < part.upperBound {
        better[column] &+= line[column] > pairs[column] ? 1 : 0
        equal[column] &+= line[column] == pairs[column] ? 1 : 0
        column &+= 1
      }
    }
    let (best, top) = (best, top)
    var column = part.lowerBound
    while column < part.upperBound {
      let score = line[column]
      // The first that is no NaN counts even at minus infinity.
      let isFirst = (top[column] < 0) && (score == score)
      let isHigher = score > best[column] || isFirst
      best[column] = isHigher ? score : best[column]
      top[column] = isHigher ? row : top[column]
      column &+= 1
    }
  }

  /// What ``QueryRanking`` finds for a column once all rows have come.
  func standing(of column: Int, _ ranking: QueryRanking) -> (
    standing: (ranks: [Int], best: (rank: Double, match: Int)?), top: Int?
  ) {
    let own = pairedOfColumn[column].enumerated().map { layer, row in
      let place = layer * columns + column
      return CountedItem(
        item: row, score: pairs[place], better: Int(better[place]), equal: Int(equal[place]),
        equalBefore: Int(equalBefore[place]))
    }
    return (ranking.standing(of: own, gallery: rows), top[column] < 0 ? nil : Int(top[column]))
  }
}
