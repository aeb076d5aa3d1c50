/// What belongs together in a retrieval test: pairs, and classes where there are labels.
///
/// Paired items decide R@K and the rank statistics. Items of the query's class decide mAP and nDCG; without
/// labels the paired items do.
public struct RetrievalTruth: Sendable {
  /// Number of rows of the first and of the second modality.
  public let first: Int
  public let second: Int
  /// Whether mAP and nDCG count items of the same class.
  public let hasLabels: Bool
  /// Rows of the second modality paired with each row of the first, ascending, and the other way round.
  let pairedOfFirst: [[Int]]
  let pairedOfSecond: [[Int]]
  /// Class of each row, when known.
  let labelsOfFirst: [Int?]
  let labelsOfSecond: [Int?]

  /// - Parameters:
  ///   - first: number of rows of the first modality.
  ///   - second: number of rows of the second modality.
  ///   - pairs: rows that belong together. Nil pairs row i with row i when the counts are equal; when they
  ///     are not, only labels say what is relevant. Rows in no pair are searched through, but are not
  ///     queries.
  ///   - labels: class of each row of the first and of the second modality. When only one side has labels,
  ///     the other takes those of its (first) paired item.
  /// - Throws: ``EvaluationError`` when a pair is out of range, labels do not fit, or nothing belongs
  ///   together.
  public init(
    first: Int, second: Int, pairs: [(Int, Int)]? = nil, labels: (first: [Int]?, second: [Int]?) = (nil, nil)
  ) throws {
    if let ofFirst = labels.first, ofFirst.count != first {
      throw EvaluationError.labelCount(labels: ofFirst.count, rows: first, side: 0)
    }
    if let ofSecond = labels.second, ofSecond.count != second {
      throw EvaluationError.labelCount(labels: ofSecond.count, rows: second, side: 1)
    }
    var ofFirst = [[Int]](repeating: [], count: first)
    var ofSecond = [[Int]](repeating: [], count: second)
    if let pairs {
      for (number, (x, y)) in pairs.enumerated() {
        guard 0..<first ~= x else {
          throw EvaluationError.pairOutOfRange(pair: number, row: x, count: first, side: 0)
        }
        guard 0..<second ~= y else {
          throw EvaluationError.pairOutOfRange(pair: number, row: y, count: second, side: 1)
        }
        ofFirst[x].append(y)
        ofSecond[y].append(x)
      }
      ofFirst = ofFirst.map(uniqueSorted)
      ofSecond = ofSecond.map(uniqueSorted)
    } else if first == second {
      for row in 0..<first {
        ofFirst[row] = [row]
        ofSecond[row] = [row]
      }
    } else if labels.first == nil || labels.second == nil {
      throw EvaluationError.noTruth(first: first, second: second)
    }
    self.first = first
    self.second = second
    pairedOfFirst = ofFirst
    pairedOfSecond = ofSecond
    hasLabels = labels.first != nil || labels.second != nil
    let given = (labels.first?.map(Optional.some), labels.second?.map(Optional.some))
    labelsOfFirst =
      given.0 ?? ofFirst.map { $0.first.flatMap { given.1?[$0] } }
    labelsOfSecond =
      given.1 ?? ofSecond.map { $0.first.flatMap { given.0?[$0] } }
  }

  /// `captions` consecutive rows of the second modality for each row of the first.
  ///
  /// - Parameter second: rows of the second modality that there are; nil for as many as `captions` says.
  /// - Throws: ``EvaluationError`` when there are others, or `captions` is below 1.
  public static func consecutive(
    _ captions: Int, first: Int, second: Int? = nil
  ) throws -> RetrievalTruth {
    let (rows, overflow) = first.multipliedReportingOverflow(by: captions)
    guard captions > 0, !overflow, second ?? rows == rows else {
      throw EvaluationError.captionCount(captions, first: first, second: second)
    }
    return try RetrievalTruth(first: first, second: rows, pairs: (0..<rows).map { ($0 / captions, $0) })
  }

  private init(
    pairedOfFirst: [[Int]], pairedOfSecond: [[Int]], hasLabels: Bool, labelsOfFirst: [Int?],
    labelsOfSecond: [Int?]
  ) {
    first = pairedOfFirst.count
    second = pairedOfSecond.count
    self.pairedOfFirst = pairedOfFirst
    self.pairedOfSecond = pairedOfSecond
    self.hasLabels = hasLabels
    self.labelsOfFirst = labelsOfFirst
    self.labelsOfSecond = labelsOfSecond
  }

  /// The rows of the second modality that are paired with any of `rows`, ascending.
  func paired(with rows: Range<Int>) -> [Int] { uniqueSorted(rows.flatMap { pairedOfFirst[$0] }) }

  /// The truth among some rows of the first and some (ascending) of the second modality, counted anew from 0.
  func restricted(to rows: Range<Int>, _ columns: [Int]) -> RetrievalTruth {
    let place = Dictionary(uniqueKeysWithValues: columns.enumerated().map { ($0.element, $0.offset) })
    return RetrievalTruth(
      pairedOfFirst: rows.map { pairedOfFirst[$0].compactMap { place[$0] } },
      pairedOfSecond: columns.map {
        pairedOfSecond[$0].filter(rows.contains).map { $0 - rows.lowerBound }
      }, hasLabels: hasLabels, labelsOfFirst: rows.map { labelsOfFirst[$0] },
      labelsOfSecond: columns.map { labelsOfSecond[$0] })
  }

  /// Items that share no pair with others: for each row of the first and of the second modality the number of
  /// its unit. An image and its captions are one unit, so that resampling units keeps them together.
  var units: (first: [Int], second: [Int]) {
    var sets = DisjointSets(count: first + second)
    for (x, columns) in pairedOfFirst.enumerated() {
      for y in columns { sets.join(x, first + y) }
    }
    let roots = sets.roots()
    return (Array(roots[..<first]), Array(roots[first...]))
  }

  /// How many items of the second modality each item of the first is paired with, from least to most; nil
  /// without pairs.
  var captions: ClosedRange<Int>? {
    let counts = pairedOfFirst.map(\.count).filter { $0 > 0 }
    return counts.min().flatMap { least in counts.max().map { least...$0 } }
  }
}

private func uniqueSorted(_ rows: [Int]) -> [Int] {
  var result: [Int] = []
  for row in rows.sorted() where row != result.last { result.append(row) }
  return result
}
