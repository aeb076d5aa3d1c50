/// A number with the range in which it lies when the test items are drawn again (percentile bootstrap).
public struct ConfidenceInterval: Sendable, Equatable {
  /// The number on the test as it is.
  public var value: Double
  /// The range of the resampled numbers that is left when both tails are cut off.
  public var lower: Double
  public var upper: Double
  /// The share of the resampled numbers inside the range.
  public var level: Double

  init(value: Double, samples: [Double], level: Double) {
    let sorted = samples.filter { !$0.isNaN }.sorted()
    self.value = value
    self.level = level
    lower = quantile((1 - level) / 2, of: sorted) ?? .nan
    upper = quantile((1 + level) / 2, of: sorted) ?? .nan
  }

  /// `{"value": 0.27, "lower": 0.25, "upper": 0.29, "level": 0.95}`.
  public var json: JSON {
    .object([
      "value": .double(value), "lower": .double(lower), "upper": .double(upper), "level": .double(level),
    ])
  }
}

/// Whether two models, tested on the same items, differ by more than chance.
public struct PairedComparison: Sendable, Equatable {
  /// The second model's number less the first's.
  public var difference: ConfidenceInterval
  /// Two-sided p of the paired bootstrap: twice the smaller share of resampled differences on one side of 0.
  public var bootstrap: Double
  /// Two-sided p of the randomisation test: how often exchanging the models' results on random units gives a
  /// difference at least as large (Fisher; Noreen 1989).
  public var randomisation: Double

  init(value: Double, bootstrapped: [Double], exchanged: [Double], level: Double) {
    difference = ConfidenceInterval(value: value, samples: bootstrapped, level: level)
    let total = Double(bootstrapped.count + 1)
    let below = Double(bootstrapped.count { $0 <= 0 } + 1)
    let above = Double(bootstrapped.count { $0 >= 0 } + 1)
    bootstrap = min(1, 2 * min(below, above) / total)
    // A difference that is equal but for rounding counts as reached.
    let reached = abs(value) * (1 - 1e-9)
    randomisation = Double(exchanged.count { abs($0) >= reached } + 1) / Double(exchanged.count + 1)
  }

  public var json: JSON {
    .object([
      "difference": difference.json, "bootstrap_p": .double(bootstrap),
      "randomisation_p": .double(randomisation),
    ])
  }
}

/// p values corrected for having been looked at together (Holm 1979): never smaller, in the same order.
public func holmCorrected(_ p: [Double]) -> [Double] {
  var corrected = p
  var largest = 0.0
  for (place, index) in p.indices.sorted(by: { p[$0] < p[$1] }).enumerated() {
    largest = max(largest, min(1, p[index] * Double(p.count - place)))
    corrected[index] = largest
  }
  return corrected
}

/// How often test items are drawn again, and from which seed.
public struct Resampling: Sendable, Equatable {
  public var samples: Int
  public var seed: UInt64
  /// The share of resampled numbers that a confidence interval holds.
  public var level: Double

  public init(samples: Int = 1000, seed: UInt64 = 0, level: Double = 0.95) {
    self.samples = samples
    self.seed = seed
    self.level = level
  }

  // MARK: - Means over items

  /// Confidence interval of the mean of a number an item (right or wrong, CIDEr, IoU).
  ///
  /// - Parameter groups: items with the same number are drawn together; nil draws each on its own.
  public func interval(ofMean values: [Double], groups: [Int]? = nil) throws -> ConfidenceInterval {
    let sums = try GroupSums([values], groups)
    var generator = SeededGenerator(seed: seed)
    let strata = [Array(sums.counts.indices)]
    let resampled = (0..<samples).map { _ in sums.means(drawn(from: strata, &generator))[0] }
    return ConfidenceInterval(value: sums.means(nil)[0], samples: resampled, level: level)
  }

  /// Whether the mean of `second` differs from that of `first`, item by item.
  public func comparison(ofMeans first: [Double], _ second: [Double], groups: [Int]? = nil) throws
    -> PairedComparison
  {
    let sums = try GroupSums([first, second], groups)
    let strata = [Array(sums.counts.indices)]
    var generator = SeededGenerator(seed: seed)
    let bootstrapped = (0..<samples).map { _ in
      let means = sums.means(drawn(from: strata, &generator))
      return means[1] - means[0]
    }
    let exchanged = (0..<samples).map { _ in
      sums.differenceOfExchanged(coins(sums.counts.count, &generator))
    }
    let means = sums.means(nil)
    return PairedComparison(
      value: means[1] - means[0], bootstrapped: bootstrapped, exchanged: exchanged, level: level)
  }

  // MARK: - Retrieval

  /// Confidence intervals of every number of a retrieval test, by the names of ``RetrievalMetrics/values``.
  ///
  /// An image and its captions are drawn together, in both directions at once, within each fold.
  public func intervals(of metrics: RetrievalMetrics) -> [(name: String, interval: ConfidenceInterval)] {
    let tables = PairOfTables(metrics.forward.queries, metrics.backward.queries)
    var generator = SeededGenerator(seed: seed)
    let resampled = (0..<samples).map { _ in
      tables.values(weights: drawn(from: tables.strata, &generator), metrics)
    }
    return metrics.values.enumerated().map { place, entry in
      (
        entry.name,
        ConfidenceInterval(value: entry.value, samples: resampled.map { $0[place] }, level: level)
      )
    }
  }

  /// Differences of every number of two retrieval tests on the same items, by name.
  ///
  /// - Throws: ``EvaluationError`` when the tests have different protocols or items.
  public func comparisons(of first: RetrievalMetrics, _ second: RetrievalMetrics) throws
    -> [(name: String, comparison: PairedComparison)]
  {
    guard first.protocol == second.protocol, first.counts == second.counts,
      zip(
        [first.forward, first.backward], [second.forward, second.backward]
      ).allSatisfy({ $0.0.queries.map(\.unit) == $0.1.queries.map(\.unit) })
    else { throw EvaluationError.differentTests(first.protocol, second.protocol) }
    let tables = [first, second].map { PairOfTables($0.forward.queries, $0.backward.queries) }
    // Both models' results side by side: a unit's weight moves between them when they are exchanged.
    let joined = PairOfTables(
      first.forward.queries + second.forward.queries.map(shifted),
      first.backward.queries + second.backward.queries.map(shifted))
    var generator = SeededGenerator(seed: seed)
    var bootstrapped: [[Double]] = []
    var exchanged: [[Double]] = []
    for _ in 0..<samples {
      let weights = drawn(from: tables[0].strata, &generator)
      let values = tables.map { $0.values(weights: weights, first) }
      bootstrapped.append(zip(values[0], values[1]).map { $1 - $0 })
    }
    for _ in 0..<samples {
      let coins = coins(tables[0].units.count, &generator)
      // Shifted units are negative and come first in the order of weights, last unit first.
      let there = coins.reversed().map { $0 ? 1 : 0 } + coins.map { $0 ? 0 : 1 }
      let here = there.map { 1 - $0 }
      let values = [there, here].map { joined.values(weights: $0, first) }
      exchanged.append(zip(values[0], values[1]).map { $1 - $0 })
    }
    let values = [first.values, second.values]
    return values[0].indices.map { place in
      let comparison = PairedComparison(
        value: values[1][place].value - values[0][place].value, bootstrapped: bootstrapped.map { $0[place] },
        exchanged: exchanged.map { $0[place] }, level: level)
      return (values[0][place].name, comparison)
    }
  }

  /// How often each unit is drawn when as many as there are are drawn within each stratum.
  private func drawn(from strata: [[Int]], _ generator: inout SeededGenerator) -> [Int] {
    var weights = [Int](repeating: 0, count: 1 + (strata.joined().max() ?? -1))
    for stratum in strata {
      for _ in stratum { weights[stratum[generator.below(stratum.count)]] += 1 }
    }
    return weights
  }

  private func coins(_ count: Int, _ generator: inout SeededGenerator) -> [Bool] {
    (0..<count).map { _ in generator.next() >> 63 == 1 }
  }
}

/// The same query of another model: its unit gets a number of its own.
private func shifted(_ query: QueryResult) -> QueryResult {
  var query = query
  query.unit = -1 - query.unit
  return query
}

/// Both directions of a test, with common units.
private struct PairOfTables {
  let units: [Int]
  let strata: [[Int]]
  private let forward: QueryTable
  private let backward: QueryTable

  init(_ there: [QueryResult], _ back: [QueryResult]) {
    let units = Set((there + back).map(\.unit)).sorted()
    forward = QueryTable(there, units: units)
    backward = QueryTable(back, units: units)
    self.units = units
    let both = QueryTable(there + back, units: units)
    strata = both.strata
  }

  /// The numbers in the order of `RetrievalMetrics.values`; NaN for one that these weights leave undefined.
  func values(weights: [Int], _ metrics: RetrievalMetrics) -> [Double] {
    let summaries = [forward.summary(weights: weights), backward.summary(weights: weights)]
    let numbers = zip(summaries, [metrics.forward.summary, metrics.backward.summary]).flatMap {
      zip($0.named, $1.named).filter { $0.1.value != nil }.map { $0.0.value ?? .nan }
    }
    guard metrics.rsum != nil else { return numbers }
    return numbers + [summaries.flatMap { $0.recalls ?? [.nan] }.reduce(0, +)]
  }
}

/// Sums over groups of items, for means of resampled groups.
private struct GroupSums {
  let counts: [Int]
  private let sums: [[Double]]

  init(_ values: [[Double]], _ groups: [Int]?) throws {
    guard let items = values.first?.count, items > 0 else { throw EvaluationError.noQueries }
    for other in values where other.count != items {
      throw EvaluationError.counts("numbers of one model", items, "of the other", other.count)
    }
    if let groups, groups.count != items {
      throw EvaluationError.counts("numbers", items, "group numbers", groups.count)
    }
    var place: [Int: Int] = [:]
    var counts: [Int] = []
    var sums = values.map { _ in [Double]() }
    for item in 0..<items {
      let group = groups?[item] ?? item
      let at = place[group] ?? counts.count
      if at == counts.count {
        place[group] = at
        counts.append(0)
        for model in sums.indices { sums[model].append(0) }
      }
      counts[at] += 1
      for model in sums.indices { sums[model][at] += values[model][item] }
    }
    self.counts = counts
    self.sums = sums
  }

  func means(_ weights: [Int]?) -> [Double] {
    let count = counts.indices.reduce(0) { $0 + counts[$1] * (weights?[$1] ?? 1) }
    return sums.map { sums in
      sums.indices.reduce(0.0) { $0 + sums[$1] * Double(weights?[$1] ?? 1) } / Double(count)
    }
  }

  /// The second mean less the first when the groups of `true` change sides.
  func differenceOfExchanged(_ coins: [Bool]) -> Double {
    let sum = coins.indices.reduce(0.0) { sum, group in
      let difference = sums[1][group] - sums[0][group]
      return sum + (coins[group] ? -difference : difference)
    }
    return sum / Double(counts.reduce(0, +))
  }
}

/// The `q`-th quantile of ascending numbers, interpolated linearly; a `q` outside of 0...1 is the nearest inside.
private func quantile(_ q: Double, of sorted: [Double]) -> Double? {
  guard let last = sorted.last else { return nil }
  let place = max(0, min(q, 1)) * Double(sorted.count - 1)
  let index = Int(place)
  guard index + 1 < sorted.count else { return last }
  return sorted[index] + (place - Double(index)) * (sorted[index + 1] - sorted[index])
}
