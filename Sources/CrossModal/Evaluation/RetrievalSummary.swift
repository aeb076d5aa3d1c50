/// The numbers of one direction; of several folds, their means over the folds.
public struct RetrievalSummary: Sendable, Equatable {
  /// The K of the recalls that are reported and make up rsum.
  public static let depths = [1, 5, 10]

  /// Percent of the queries whose best paired item is among the first 1, 5 and 10; nil without pairs.
  public var recalls: [Double]?
  /// The median of the ranks from 1, rounded down, as the field counts it.
  public var medianRank: Double?
  public var meanRank: Double?
  /// Mean of 1 / rank.
  public var meanReciprocalRank: Double?
  /// Mean average precision, a fraction; nil when nothing is relevant.
  public var meanAveragePrecision: Double?
  /// Mean of Σ 1/log2(1 + rank) over the relevant items, divided by its value when these come first; a
  /// fraction.
  public var meanGain: Double?

  init(
    recalls: [Double]? = nil, medianRank: Double? = nil, meanRank: Double? = nil,
    meanReciprocalRank: Double? = nil, meanAveragePrecision: Double? = nil, meanGain: Double? = nil
  ) {
    self.recalls = recalls
    self.medianRank = medianRank
    self.meanRank = meanRank
    self.meanReciprocalRank = meanReciprocalRank
    self.meanAveragePrecision = meanAveragePrecision
    self.meanGain = meanGain
  }

  /// The numbers of queries that each count once.
  public init(of queries: [QueryResult]) { self = QueryTable(queries).summary() }

  /// The numbers in the order they are reported, without those that are not defined.
  public var measures: [Measure] {
    named.compactMap { name, value, unit in value.map { Measure(name, $0, unit) } }
  }

  /// ``measures`` without what they count.
  public var values: [(name: String, value: Double)] { measures.map { ($0.name, $0.value) } }

  /// Every number by name.
  var named: [(name: String, value: Double?, unit: Measure.Unit)] {
    Self.depths.enumerated().map { ("R@\($1)", recalls?[$0], .percent) } + [
      ("MedR", medianRank, .wholeRank), ("MeanR", meanRank, .rank), ("mAP", meanAveragePrecision, .fraction),
      ("nDCG", meanGain, .fraction), ("MRR", meanReciprocalRank, .fraction),
    ]
  }

  /// An object of ``measures``; a whole median is written as a whole number.
  public var json: JSON { .object(measures.map { JSON.Member($0.name, $0.json) }) }
}

extension QueryResult {
  /// The query's number in a mean that is a fraction, by its name among ``RetrievalSummary/measures``, and how many items
  /// it is itself a mean of.
  func fraction(_ name: String) -> (value: Double, items: Int)? {
    switch name {
    case "mAP": averagePrecision.map { ($0, relevant) }
    case "nDCG": gain.map { ($0, relevant) }
    case "MRR": rank.map { (1 / $0, 1) }
    default: nil
    }
  }
}

/// Queries laid out so that their numbers are quickly computed anew with other weights.
struct QueryTable {
  /// Number of each unit that occurs, in ascending order; weights are in this order.
  let units: [Int]
  /// For each fold the places of its units among ``units``.
  let strata: [[Int]]
  private let folds: [Fold]

  /// The queries of one fold: ranks in ascending order, and the other numbers, each with the place of its
  /// unit.
  private struct Fold {
    var ranks: [(value: Double, unit: Int)] = []
    var precisions = Numbers()
    var gains = Numbers()
  }

  /// A number of each query, and what the items of the gallery do to their mean.
  private struct Numbers {
    var queries: [(value: Double, unit: Int)] = []
    var gallery: [(value: Double, unit: Int)] = []
  }

  /// - Parameters:
  ///   - gallery: what the items of the gallery do to the queries' numbers, where that is known.
  ///   - units: the units to give weights to; nil takes those of the queries.
  init(_ queries: [QueryResult], _ gallery: [GalleryItem] = [], units: [Int]? = nil) {
    let units = units ?? Set(queries.map(\.unit)).sorted()
    let place = Dictionary(uniqueKeysWithValues: units.enumerated().map { ($0.element, $0.offset) })
    var folds: [Int: Fold] = [:]
    var strata: [Int: Set<Int>] = [:]
    for query in queries {
      guard let unit = place[query.unit] else { continue }
      var fold = folds.removeValue(forKey: query.fold) ?? Fold()
      if let rank = query.rank { fold.ranks.append((rank, unit)) }
      if let precision = query.averagePrecision { fold.precisions.queries.append((precision, unit)) }
      if let gain = query.gain { fold.gains.queries.append((gain, unit)) }
      folds[query.fold] = fold
      strata[query.fold, default: []].insert(unit)
    }
    for item in gallery {
      guard let unit = place[item.unit] else { continue }
      folds[item.fold]?.precisions.gallery.append((item.precision, unit))
      folds[item.fold]?.gains.gallery.append((item.gain, unit))
    }
    self.units = units
    self.strata = strata.sorted { $0.key < $1.key }.map { $0.value.sorted() }
    self.folds = folds.sorted { $0.key < $1.key }.map { _, fold in
      var fold = fold
      fold.ranks.sort { $0.value < $1.value }
      return fold
    }
  }

  /// The numbers; of several folds their means.
  ///
  /// - Parameter weights: how often each of ``units`` counts; nil counts each once.
  func summary(weights: [Double]? = nil) -> RetrievalSummary {
    let each = folds.map { summary(of: $0, weights) }
    return RetrievalSummary(
      recalls: each.contains { $0.recalls != nil }
        ? RetrievalSummary.depths.indices.compactMap { depth in mean(each.map { $0.recalls?[depth] }) } : nil,
      medianRank: mean(each.map(\.medianRank)), meanRank: mean(each.map(\.meanRank)),
      meanReciprocalRank: mean(each.map(\.meanReciprocalRank)),
      meanAveragePrecision: mean(each.map(\.meanAveragePrecision)), meanGain: mean(each.map(\.meanGain)))
  }

  private func summary(of fold: Fold, _ weights: [Double]?) -> RetrievalSummary {
    var summary = RetrievalSummary(
      meanAveragePrecision: weightedMean(fold.precisions, weights),
      meanGain: weightedMean(fold.gains, weights))
    var count = 0.0
    var sum = 0.0
    var reciprocals = 0.0
    var hits = RetrievalSummary.depths.map { _ in 0.0 }
    for (rank, unit) in fold.ranks {
      let weight = weights?[unit] ?? 1
      count += weight
      sum += rank * weight
      reciprocals += weight / rank
      if rank <= 10 {
        for (place, depth) in RetrievalSummary.depths.enumerated() where rank <= Double(depth) {
          hits[place] += weight
        }
      }
    }
    guard count > 0 else { return summary }
    summary.recalls = hits.map { 100 * $0 / count }
    summary.meanRank = sum / count
    summary.meanReciprocalRank = reciprocals / count
    summary.medianRank = median(fold.ranks, weights, count: count).rounded(.down)
    return summary
  }

  /// The middle one of ascending ranks; where one half of the weight ends between two, their mean.
  private func median(_ ranks: [(value: Double, unit: Int)], _ weights: [Double]?, count: Double) -> Double {
    var before = 0.0
    var lower: Double?
    for (rank, unit) in ranks {
      let weight = weights?[unit] ?? 1
      guard weight > 0 else { continue }
      if let lower { return (lower + rank) / 2 }
      before += weight
      if before > count / 2 { return rank }
      if before == count / 2 { lower = rank }
    }
    return lower ?? ranks.last?.value ?? .nan
  }

  private func weightedMean(_ numbers: Numbers, _ weights: [Double]?) -> Double? {
    var count = 0.0
    var sum = 0.0
    for (value, unit) in numbers.queries {
      let weight = weights?[unit] ?? 1
      count += weight
      sum += value * weight
    }
    guard count > 0 else { return nil }
    if let weights {
      for (value, unit) in numbers.gallery { sum += value * weights[unit] }
    }
    return sum / count
  }
}

private func mean(_ numbers: [Double?]) -> Double? {
  let known = numbers.compactMap { $0 }
  return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
}
