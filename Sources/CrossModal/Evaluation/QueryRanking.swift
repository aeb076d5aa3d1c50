import Foundation

/// How one query fared against its gallery.
public struct QueryResult: Sendable, Equatable {
  /// Row of the query in its modality.
  public var row: Int
  /// Fold it was asked in.
  public var fold: Int
  /// Queries of the same number stand or fall together: an image and its captions.
  public var unit: Int
  /// Rank from 1 of the best-ranked paired item among it and all items that are not paired; nil without
  /// pairs.
  public var rank: Double?
  /// That paired item's row.
  public var match: Int?
  /// Row of the item with the highest score, the first of equals; nil when every score is NaN.
  public var top: Int?
  /// How many items are relevant.
  public var relevant = 0
  /// Mean of the precision at each relevant item; nil when nothing is relevant.
  public var averagePrecision: Double?
  /// Discounted gain of the relevant items over that of the best order; nil when nothing is relevant.
  public var gain: Double?
}

/// An item of a gallery, and how many others are better, equal (itself too), and equal with a lower number.
struct CountedItem<Score: BinaryFloatingPoint> {
  let item: Int
  let score: Score
  let better: Int
  let equal: Int
  let equalBefore: Int
}

/// Ranks one query's scores by counting, without sorting the gallery.
struct QueryRanking {
  let ties: TieRule
  /// 1 / log2(1 + rank), from rank 1 on.
  let discounts: [Double]
  /// The sums of the first 0, 1, 2, ... of them.
  let ideals: [Double]

  init(ties: TieRule, gallery: Int) {
    self.ties = ties
    discounts = (0..<gallery).map { 1 / log2(Double($0) + 2) }
    ideals = discounts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
  }

  /// Rank of the best of the paired items and which it is; nil when there is none.
  ///
  /// Other paired items are left out. A score of NaN is worse than all others under every rule, so that a
  /// model of NaN comes last.
  func rank<Score: BinaryFloatingPoint>(of paired: [Int], in scores: UnsafeBufferPointer<Score>)
    -> (rank: Double, match: Int)?
  {
    guard var match = paired.first else { return nil }
    for item in paired.dropFirst() where scores[item] > scores[match] || scores[match].isNaN {
      if !scores[item].isNaN { match = item }
    }
    let best = scores[match]
    guard !best.isNaN else { return (Double(scores.count - paired.count + 1), match) }
    let (better, equal) = counts(above: best, in: scores, 0..<scores.count)
    let ownEqual = paired.count { scores[$0] == best }
    return (
      rank(
        better: better, equal: equal - ownEqual, equalBefore: counts(above: best, in: scores, 0..<match).equal
      ),
      match
    )
  }

  /// The rank of an item from how many others are better, equal, and equal with a lower number.
  func rank(better: Int, equal: Int, equalBefore: @autoclosure () -> Int) -> Double {
    let ahead: Double =
      switch ties {
      case .optimistic: 0
      case .pessimistic: Double(equal)
      case .mean: Double(equal) / 2
      case .index: Double(equalBefore())
      }
    return 1 + Double(better) + ahead
  }

  /// What ``rank(of:in:)`` and ``ranks(ofRelevant:in:)`` find for paired items, from how the gallery stands to each.
  ///
  /// - Parameter paired: ascending by item.
  func standing<Score: BinaryFloatingPoint>(of paired: [CountedItem<Score>], gallery: Int) -> (
    ranks: [Int], best: (rank: Double, match: Int)?
  ) {
    let order =
      paired.count == 1 && !paired[0].score.isNaN
      ? paired
      : paired.filter { !$0.score.isNaN }
        .sorted { $0.score > $1.score || ($0.score == $1.score && $0.item < $1.item) }
    let last = gallery - (paired.count - order.count)
    let ranks =
      order.map { 1 + $0.better + $0.equalBefore }
      + (0..<paired.count - order.count).map { last + $0 + 1 }
    guard let first = order.first else {
      return (ranks, paired.first.map { (Double(gallery - paired.count + 1), $0.item) })
    }
    let ownEqual = order.prefix { $0.score == first.score }.count
    return (
      ranks,
      (
        rank(better: first.better, equal: first.equal - ownEqual, equalBefore: first.equalBefore), first.item
      )
    )
  }

  /// Ranks from 1 of the relevant items, ascending; equal scores stand in the order of the gallery, items of
  /// score NaN after all others and relevant ones of these last.
  func ranks<Score: BinaryFloatingPoint>(
    ofRelevant relevant: [Int], in scores: UnsafeBufferPointer<Score>
  ) -> [Int] { standings(ofRelevant: relevant, in: scores).ranks }

  /// The relevant items in the order of ``ranks(ofRelevant:in:)``, and these ranks.
  ///
  /// - Parameter arrivals: takes for each item of the gallery how many relevant ones come before it or are it.
  func standings<Score: BinaryFloatingPoint>(
    ofRelevant relevant: [Int], in scores: UnsafeBufferPointer<Score>,
    arrivals: UnsafeMutableBufferPointer<Int32>? = nil
  ) -> (items: [Int], ranks: [Int]) {
    let order = relevant.filter { !scores[$0].isNaN }
      .sorted { scores[$0] > scores[$1] || (scores[$0] == scores[$1] && $0 < $1) }
    let values = order.map { scores[$0] }
    var ranks: [Int]
    if order.count <= 8, arrivals == nil {
      ranks = zip(order, values).map { item, value in
        1 + counts(above: value, in: scores, 0..<scores.count).better
          + counts(above: value, in: scores, 0..<item).equal
      }
    } else {
      // For every item the first relevant one that it precedes; sums of these counts are the ranks.
      var counted = [Int](repeating: 0, count: order.count + 1)
      values.withUnsafeBufferPointer { values in
        for item in 0..<scores.count {
          guard !scores[item].isNaN else {
            arrivals?[item] = Int32(order.count)
            continue
          }
          let place = order.isEmpty ? 0 : place(of: item, scores[item], among: values, order)
          counted[place] += 1
          arrivals?[item] = Int32(place)
        }
      }
      var before = 0
      ranks = order.indices.map { place in
        before += counted[place]
        return before + 1
      }
    }
    let last = scores.count - (relevant.count - order.count)
    ranks += (0..<relevant.count - order.count).map { last + $0 + 1 }
    return (order + relevant.filter { scores[$0].isNaN }, ranks)
  }

  /// How many of the relevant items, whose scores descend and whose numbers ascend among equals, come before
  /// an item or are it.
  private func place<Score: BinaryFloatingPoint>(
    of item: Int, _ score: Score, among values: UnsafeBufferPointer<Score>, _ order: [Int]
  ) -> Int {
    // Halves without a branch that the processor would have to guess.
    var low = 0
    var left = values.count
    while left > 1 {
      let half = left / 2
      low &+= values[low &+ half &- 1] > score ? half : 0
      left &-= half
    }
    low &+= values[low] > score ? 1 : 0
    guard low < values.count, values[low] == score else { return low }
    var high = values.count
    while low < high {
      let middle = (low + high) / 2
      if values[middle] < score || order[middle] > item { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// (1/R) Σ precision at each relevant item.
  func averagePrecision(_ ranks: [Int]) -> Double {
    var sum = 0.0
    for (hits, rank) in ranks.enumerated() { sum += Double(hits + 1) / Double(rank) }
    return sum / Double(ranks.count)
  }

  /// Σ 1 / log2(1 + rank) over the relevant items, divided by the same with all of them first.
  func gain(_ ranks: [Int]) -> Double {
    ranks.reduce(0) { $0 + discounts[$1 - 1] } / ideals[ranks.count]
  }

  /// The place of the highest score, the first of equals.
  func top<Score: BinaryFloatingPoint>(in scores: UnsafeBufferPointer<Score>) -> Int? {
    guard let base = scores.baseAddress else { return nil }
    var top: Int?
    var best = -Score.infinity
    var item = 0
    while item < scores.count {
      if base[item] > best {
        best = base[item]
        top = item
      }
      item &+= 1
    }
    // Nothing is above minus infinity: the first that is no NaN.
    return top ?? scores.firstIndex { !$0.isNaN }
  }

  /// How many scores of a range are above a value, and how many equal it.
  private func counts<Score: BinaryFloatingPoint>(
    above value: Score, in scores: UnsafeBufferPointer<Score>, _ range: Range<Int>
  ) -> (better: Int, equal: Int) {
    guard let base = scores.baseAddress else { return (0, 0) }
    // In this form (bare pointer, 32-bit sums) the compiler counts many items at once.
    var better: Int32 = 0
    var equal: Int32 = 0
    var item = range.lowerBound
    while item < range.upperBound {
      better &+= base[item] > value ? 1 : 0
      equal &+= base[item] == value ? 1 : 0
      item &+= 1
    }
    return (Int(better), Int(equal))
  }
}
