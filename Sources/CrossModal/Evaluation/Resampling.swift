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
  /// Two-sided p of the randomization test: how often exchanging the models' results on random units gives a
  /// difference at least as large (Fisher; Noreen 1989).
  public var randomization: Double

  init(value: Double, bootstrapped: [Double], exchanged: [Double], level: Double) {
    difference = ConfidenceInterval(value: value, samples: bootstrapped, level: level)
    let total = Double(bootstrapped.count + 1)
    let below = Double(bootstrapped.count { $0 <= 0 } + 1)
    let above = Double(bootstrapped.count { $0 >= 0 } + 1)
    bootstrap = min(1, 2 * min(below, above) / total)
    // A difference that is equal but for rounding counts as reached.
    let reached = abs(value) * (1 - 1e-9)
    randomization = Double(exchanged.count { abs($0) >= reached } + 1) / Double(exchanged.count + 1)
  }

  public var json: JSON {
    .object([
      "difference": difference.json, "bootstrap_p": .double(bootstrap),
      "randomisation_p": .double(randomization),
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

  /// Confidence intervals of every number of a test, by name.
  ///
  /// What belongs to one unit, such as an image and its captions, is drawn together, within each stratum.
  public func intervals(of test: some ResampledTest) -> [(name: String, interval: ConfidenceInterval)] {
    var generator = SeededGenerator(seed: seed)
    let resampled = (0..<samples).map { _ in test.values(weights: drawn(from: test.strata, &generator)) }
    let values = test.values(weights: test.units.map { _ in 1 })
    return zip(test.names, values).enumerated().map { place, entry in
      (
        entry.0,
        ConfidenceInterval(value: entry.1, samples: resampled.map { $0[place] }, level: level)
      )
    }
  }

  /// Differences of every number of two tests of the same items, by name.
  ///
  /// - Throws: ``EvaluationError`` when the tests are of different items or numbers.
  public func comparisons<Test: ResampledTest>(of first: Test, _ second: Test) throws
    -> [(name: String, comparison: PairedComparison)]
  {
    guard first.units == second.units, first.strata == second.strata, first.names == second.names else {
      throw EvaluationError.differentTests("", "")
    }
    var generator = SeededGenerator(seed: seed)
    var bootstrapped: [[Double]] = []
    var exchanged: [[Double]] = []
    for _ in 0..<samples {
      let weights = drawn(from: first.strata, &generator)
      bootstrapped.append(
        zip(first.values(weights: weights), second.values(weights: weights)).map { $1 - $0 })
    }
    // A unit's weight moves between the two models when their results on it are exchanged.
    let joined = first.joined(with: second)
    for _ in 0..<samples {
      let coins = coins(first.units.count, &generator).map { $0 ? 1 : 0 }
      let others = coins.map { 1 - $0 }
      let values = [others + coins, coins + others].map(joined.values)
      exchanged.append(zip(values[0], values[1]).map { $1 - $0 })
    }
    let ones = first.units.map { _ in 1 }
    let values = [first.values(weights: ones), second.values(weights: ones)]
    return first.names.enumerated().map { place, name in
      let comparison = PairedComparison(
        value: values[1][place] - values[0][place], bootstrapped: bootstrapped.map { $0[place] },
        exchanged: exchanged.map { $0[place] }, level: level)
      return (name, comparison)
    }
  }

  // MARK: - Results

  /// Confidence intervals of the numbers of a result that can be drawn again, by name.
  public func intervals(of result: some TaskResult) -> [(name: String, interval: ConfidenceInterval)] {
    result.resampled.flatMap { test in intervals(of: test) }
  }

  /// Differences of the numbers of two results on the same items, by name.
  ///
  /// - Throws: ``EvaluationError`` when the results are of different tasks, protocols or items.
  public func comparisons(of first: some TaskResult, _ second: some TaskResult) throws
    -> [(name: String, comparison: PairedComparison)]
  {
    let tests = (first.resampled, second.resampled)
    guard first.protocol == second.protocol, first.counts.map(\.count) == second.counts.map(\.count),
      tests.0.count == tests.1.count
    else { throw EvaluationError.differentTests(first.protocol, second.protocol) }
    var found: [(name: String, comparison: PairedComparison)] = []
    for place in tests.0.indices {
      let own: any ResampledTest = tests.0[place]
      found += try compared(own, tests.1[place], first.protocol)
    }
    return found
  }

  private func compared<Test: ResampledTest>(
    _ first: Test, _ second: any ResampledTest, _ protocol: String
  ) throws -> [(name: String, comparison: PairedComparison)] {
    guard let second = second as? Test else {
      throw EvaluationError.differentTests(`protocol`, `protocol`)
    }
    return try comparisons(of: first, second)
  }

  /// Confidence intervals of every number of a retrieval test, by the names of ``RetrievalMetrics/measures``.
  public func intervals(of metrics: RetrievalMetrics) -> [(name: String, interval: ConfidenceInterval)] {
    intervals(of: RetrievalResult(metrics))
  }

  /// Differences of every number of two retrieval tests on the same items, by name.
  ///
  /// - Throws: ``EvaluationError`` when the tests have different protocols or items.
  public func comparisons(of first: RetrievalMetrics, _ second: RetrievalMetrics) throws
    -> [(name: String, comparison: PairedComparison)]
  { try comparisons(of: RetrievalResult(first), RetrievalResult(second)) }

  // MARK: - One mean

  /// Confidence interval of the mean of a number an item (right or wrong, CIDEr, IoU).
  ///
  /// - Parameter groups: items with the same number are drawn together; nil draws each on its own.
  public func interval(ofMean values: [Double], groups: [Int]? = nil) throws -> ConfidenceInterval {
    intervals(of: try SummedTest(means: [.init("mean", values)], groups: groups))[0].interval
  }

  /// Whether the mean of `second` differs from that of `first`, item by item.
  public func comparison(ofMeans first: [Double], _ second: [Double], groups: [Int]? = nil) throws
    -> PairedComparison
  {
    guard first.count == second.count else {
      throw EvaluationError.counts("numbers of one model", first.count, "of the other", second.count)
    }
    return try comparisons(
      of: SummedTest(means: [.init("mean", first)], groups: groups),
      SummedTest(means: [.init("mean", second)], groups: groups))[0].comparison
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

/// The `q`-th quantile of ascending numbers, interpolated linearly; a `q` outside of 0...1 is the nearest inside.
private func quantile(_ q: Double, of sorted: [Double]) -> Double? {
  guard let last = sorted.last else { return nil }
  let place = max(0, min(q, 1)) * Double(sorted.count - 1)
  let index = Int(place)
  guard index + 1 < sorted.count else { return last }
  return sorted[index] + (place - Double(index)) * (sorted[index + 1] - sorted[index])
}
