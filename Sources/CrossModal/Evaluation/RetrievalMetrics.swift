import Foundation

/// What one direction of a retrieval test gave: one modality's items search among the other's.
public struct DirectionMetrics: Sendable, Equatable {
  /// Every query, in the order of rows within each fold.
  public let queries: [QueryResult]
  /// Precision against recall over all queries; nil when nothing is relevant.
  public let precisionRecall: PrecisionRecall?
  /// The numbers.
  public let summary: RetrievalSummary

  init(queries: [QueryResult], precisionRecall: PrecisionRecall?) {
    self.queries = queries
    self.precisionRecall = precisionRecall
    summary = RetrievalSummary(of: queries)
  }

  /// The queries whose paired item came latest; the first rows among equals.
  public func worst(_ count: Int) -> [QueryResult] { Array(ordered { $0 > $1 }.prefix(count)) }

  /// The queries whose paired item came first; the first rows among equals.
  public func best(_ count: Int) -> [QueryResult] { Array(ordered { $0 < $1 }.prefix(count)) }

  private func ordered(by comesFirst: (Double, Double) -> Bool) -> [QueryResult] {
    let ranked = queries.compactMap { query in query.rank.map { (rank: $0, query: query) } }
    return ranked.enumerated().sorted {
      $0.element.rank == $1.element.rank
        ? $0.offset < $1.offset : comesFirst($0.element.rank, $1.element.rank)
    }.map(\.element.query)
  }

  /// mAP of the queries of each class, where `labels` holds the class of each query's row.
  public func meanAveragePrecision(byClass labels: [Int]) -> [Int: Double] {
    let known = queries.filter { $0.averagePrecision != nil && labels.indices.contains($0.row) }
    return Dictionary(grouping: known) { labels[$0.row] }.mapValues { members in
      members.reduce(0) { $0 + ($1.averagePrecision ?? 0) } / Double(members.count)
    }
  }
}

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
  /// Mean of Σ 1/log2(1 + rank) over the relevant items, divided by its value when these come first; a fraction.
  public var meanGain: Double?

  /// - Parameter weights: how often each query counts; nil counts each once.
  public init(of queries: [QueryResult], weights: [Int]? = nil) {
    var folds: [Int: [(query: QueryResult, weight: Int)]] = [:]
    for (place, query) in queries.enumerated() {
      let weight = weights?[place] ?? 1
      if weight > 0 { folds[query.fold, default: []].append((query, weight)) }
    }
    let each = folds.sorted { $0.key < $1.key }.map { RetrievalSummary(ofFold: $0.value) }
    recalls =
      each.first?.recalls == nil
      ? nil : Self.depths.indices.compactMap { place in mean(each.map { $0.recalls?[place] }) }
    medianRank = mean(each.map(\.medianRank))
    meanRank = mean(each.map(\.meanRank))
    meanReciprocalRank = mean(each.map(\.meanReciprocalRank))
    meanAveragePrecision = mean(each.map(\.meanAveragePrecision))
    meanGain = mean(each.map(\.meanGain))
  }

  private init(ofFold queries: [(query: QueryResult, weight: Int)]) {
    let ranks = queries.compactMap { entry in entry.query.rank.map { (value: $0, weight: entry.weight) } }
    let count = ranks.reduce(0) { $0 + $1.weight }
    if count > 0 {
      func mean(_ number: (Double) -> Double) -> Double {
        ranks.reduce(0) { $0 + number($1.value) * Double($1.weight) } / Double(count)
      }
      recalls = Self.depths.map { depth in
        100 * Double(ranks.reduce(0) { $0 + ($1.value <= Double(depth) ? $1.weight : 0) }) / Double(count)
      }
      medianRank = weightedMedian(ranks).rounded(.down)
      meanRank = mean { $0 }
      meanReciprocalRank = mean { 1 / $0 }
    }
    func mean(_ number: (QueryResult) -> Double?) -> Double? {
      var sum = 0.0
      var count = 0
      for (query, weight) in queries {
        guard let value = number(query) else { continue }
        sum += value * Double(weight)
        count += weight
      }
      return count > 0 ? sum / Double(count) : nil
    }
    meanAveragePrecision = mean(\.averagePrecision)
    meanGain = mean(\.gain)
  }

  /// The numbers by name, in the order they are reported.
  public var values: [(name: String, value: Double)] {
    var values: [(String, Double)] = []
    if let recalls { values += zip(Self.depths, recalls).map { ("R@\($0)", $1) } }
    let others = [
      ("MedR", medianRank), ("MeanR", meanRank), ("mAP", meanAveragePrecision), ("nDCG", meanGain),
      ("MRR", meanReciprocalRank),
    ]
    values += others.compactMap { name, value in value.map { (name, $0) } }
    return values.map { (name: $0.0, value: $0.1) }
  }

  /// An object of ``values``; a whole median is written as a whole number.
  public var json: JSON {
    .object(
      values.map { name, value in
        JSON.Member(
          name, name == "MedR" ? Int(exactly: value).map(JSON.int) ?? .double(value) : .double(value))
      })
  }
}

/// What a retrieval test gave, in both directions.
public struct RetrievalMetrics: Sendable, Equatable {
  /// Names of the two modalities.
  public let modalities: [String]
  /// Number of items of each modality.
  public let counts: [Int]
  /// How it was measured, in one line; results are comparable when these lines are equal.
  public let `protocol`: String
  /// The first modality's items search among the second's.
  public let forward: DirectionMetrics
  /// The second modality's items search among the first's.
  public let backward: DirectionMetrics

  /// Sum of R@1, R@5 and R@10 of both directions, 600 at best; nil without pairs.
  public var rsum: Double? {
    guard let there = forward.summary.recalls, let back = backward.summary.recalls else { return nil }
    return (there + back).reduce(0, +)
  }

  /// Names of the directions: `image_to_text` and `text_to_image`.
  public var directionNames: [String] {
    ["\(modalities[0])_to_\(modalities[1])", "\(modalities[1])_to_\(modalities[0])"]
  }

  /// The object `metrics` of `evaluate --json`.
  public var json: JSON {
    var members = [
      JSON.Member(directionNames[0], forward.summary.json),
      JSON.Member(directionNames[1], backward.summary.json),
    ]
    if let rsum { members.append(JSON.Member("rsum", .double(rsum))) }
    return .object(members)
  }

  /// The object `n` of `evaluate --json`: items of each modality.
  public var countsJSON: JSON {
    .object(zip(modalities, counts).map { JSON.Member($0, .int($1)) })
  }

  /// Every number under a dotted name (`image_to_text.R@1`, `rsum`), for logs and for choosing the best epoch.
  public var values: [(name: String, value: Double)] {
    let both = zip(directionNames, [forward, backward]).flatMap { name, direction in
      direction.summary.values.map { (name: "\(name).\($0.name)", value: $0.value) }
    }
    return both + (rsum.map { [(name: "rsum", value: $0)] } ?? [])
  }
}

/// The middle of numbers that each count `weight` times; of an even count the mean of the two middle ones.
private func weightedMedian(_ numbers: [(value: Double, weight: Int)]) -> Double {
  let sorted = numbers.sorted { $0.value < $1.value }
  let count = sorted.reduce(0) { $0 + $1.weight }
  func number(at place: Int) -> Double {
    var before = 0
    for (value, weight) in sorted {
      before += weight
      if place < before { return value }
    }
    return .nan
  }
  return (number(at: (count - 1) / 2) + number(at: count / 2)) / 2
}

private func mean(_ numbers: [Double?]) -> Double? {
  let known = numbers.compactMap { $0 }
  return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
}
