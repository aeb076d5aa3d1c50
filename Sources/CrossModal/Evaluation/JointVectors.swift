import Torch

/// Vectors of both modalities and how they are compared.
struct JointVectors {
  let metric: Metric
  let x: Tensor
  let y: Tensor

  init(_ metric: Metric, _ x: Tensor, _ y: Tensor) {
    self.metric = metric
    self.x = x
    self.y = y
  }

  /// The metric of a kernel that ranks them; nil where there is none.
  var ranked: VectorRanking.Metric? {
    guard x.rank == 2, y.rank == 2, [x, y].allSatisfy({ $0.dtype == .float32 && $0.device == .cpu }) else {
      return nil
    }
    return switch metric {
    case .dot: .product
    case .cosine: .cosine
    case .order: .order
    case .euclidean: nil
    }
  }
}

extension RetrievalEvaluation {
  /// Pairs of an item at most: every score is compared with each of them.
  static var mostPairs: Int { 8 }

  /// Measures a fold of float32 vectors, whose scores nobody keeps; ranks are those of float64.
  ///
  /// - Returns: whether the fold was measured. False, with the sums as they were, where classes decide what is
  ///   relevant, where an item has too many pairs, and for vectors that ``VectorRanking`` does not take.
  func rank(
    _ vectors: JointVectors, _ truth: RetrievalTruth, _ place: Place, _ units: (first: [Int], second: [Int]),
    _ forward: inout DirectionSums, _ backward: inout DirectionSums
  ) throws -> Bool {
    guard let metric = vectors.ranked, !truth.hasLabels,
      [truth.pairedOfFirst, truth.pairedOfSecond].joined().allSatisfy({ $0.count <= Self.mostPairs })
    else { return false }
    let all = place.columns.count == vectors.y.size(along: 0)
    let pairs = truth.pairedOfFirst.enumerated().flatMap { row, columns in columns.map { (row, $0) } }
    guard
      let ranking = try VectorRanking(
        vectors.x[place.rows], all ? vectors.y : vectors.y.rows(at: place.columns), by: metric, pairs: pairs)
    else { return false }
    let (there, back) = askers(truth, place, units)
    var ofColumns = [[CountedItem<Double>]](repeating: [], count: truth.second)
    var pair = 0
    for row in 0..<truth.first {
      let own = ranking.pairs[pair..<pair + truth.pairedOfFirst[row].count]
      pair = own.endIndex
      there.add(
        row,
        there.ranking.standing(
          of: own.map { CountedItem($0.column, $0.score, $0.inRow) }, gallery: truth.second),
        top: ranking.topOfRows[row], &forward)
      for pair in own { ofColumns[pair.column].append(CountedItem(pair.row, pair.score, pair.inColumn)) }
    }
    for column in 0..<truth.second {
      back.add(
        column, back.ranking.standing(of: ofColumns[column], gallery: truth.first),
        top: ranking.topOfColumns[column], &backward)
    }
    return true
  }
}

extension CountedItem where Score == Double {
  fileprivate init(_ item: Int, _ score: Double, _ standing: VectorRanking.Standing) {
    self.init(
      item: item, score: score, better: standing.better, equal: standing.equal,
      equalBefore: standing.equalBefore)
  }
}
