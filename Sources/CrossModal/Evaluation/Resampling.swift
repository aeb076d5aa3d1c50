import Foundation

/// Whether two models, tested on the same items, differ by more than chance.
public struct PairedComparison: Sendable, Equatable {
  /// The second model's number less the first's.
  public var difference: ConfidenceInterval
  /// Two-sided p of the paired bootstrap: twice the smaller share of resampled differences on one side of 0.
  public var bootstrap: Double
  /// Two-sided p of the randomization test: how often exchanging the models' results on random units gives a
  /// difference at least as large (Fisher; Noreen 1989).
  public var randomization: Double

  /// - Parameters:
  ///   - difference: the second number less the first, with its interval.
  ///   - bootstrapped: differences on items drawn again.
  ///   - exchanged: differences after random exchanges.
  init(_ difference: ConfidenceInterval, bootstrapped: [Double], exchanged: [Double]) {
    self.difference = difference
    let total = Double(bootstrapped.count + 1)
    let below = Double(bootstrapped.count { $0 <= 0 } + 1)
    let above = Double(bootstrapped.count { $0 >= 0 } + 1)
    bootstrap = min(1, 2 * min(below, above) / total)
    // A difference that is equal but for rounding counts as reached.
    let reached = abs(difference.value) * (1 - 1e-9)
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
///
/// Drawing gives each unit, such as an image and its captions, a weight from the exponential distribution (Bayesian
/// bootstrap), which leaves no item out and repeats none. Where a number is a mean over models of several seeds, each
/// draw also moves that mean as other seeds would: by Student's t with one degree of freedom less than there are seeds.
public struct Resampling: Sendable, Equatable {
  public var samples: Int
  public var seed: UInt64
  /// The confidence of an interval.
  public var level: Double

  public init(samples: Int = 1000, seed: UInt64 = 0, level: Double = 0.95) {
    self.samples = samples
    self.seed = seed
    self.level = level
  }

  /// Confidence intervals of every number of a test, by name; ``ConfidenceInterval`` says how.
  public func intervals(of test: some ResampledTest) -> [(name: String, interval: ConfidenceInterval)] {
    var generator = SeededGenerator(seed: seed)
    let draws = (0..<samples).map { _ in
      Draw(from: test.strata, models: [test.models], &generator) {
        test.values(weights: $0, shares: $1[0])
      }
    }
    let values = test.values(weights: test.units.map { _ in 1 })
    return zip(test.names, test.kinds).enumerated().map { place, number in
      let (name, kind) = number
      return (name, interval(of: values[place], kind, draws, at: place))
    }
  }

  private func interval(of value: Double, _ kind: ResampledKind, _ draws: [Draw], at place: Int)
    -> ConfidenceInterval
  {
    let found = draws.map { $0.values[place] }
    switch kind {
    case .share(let items, let groups, let whole):
      let share = value / whole
      // Where items of a group fare alike, the share varies as one of fewer items would.
      let alike = share * (1 - share) / (variance(of: found) / (whole * whole))
      let telling = alike > Double(groups) ? min(alike, Double(items)) : Double(groups)
      return ConfidenceInterval(shareOf: whole, value, items: telling, level: level)
    case .bounded(let ends):
      return ConfidenceInterval(
        value: value, samples: draws.map { $0.value(at: place, within: ends) }, level: level)
    case .open: return ConfidenceInterval(value: value, samples: found, level: level)
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
    let models = [first.models, second.models]
    let draws = (0..<samples).map { _ in
      Draw(from: first.strata, models: models, &generator) { weights, shares in
        zip(
          first.values(weights: weights, shares: shares[0]),
          second.values(weights: weights, shares: shares[1])
        ).map { $1 - $0 }
      }
    }
    let ones = first.units.map { _ in 1.0 }
    let values = [first.values(weights: ones), second.values(weights: ones)]
    var exchanged: [[Double]] = []
    // A unit's weight moves between the two models when their results on it are exchanged.
    let joined = first.joined(with: second)
    for _ in 0..<samples {
      let coins = coins(first.units.count, &generator).map { $0 ? 1.0 : 0 }
      let others = coins.map { 1 - $0 }
      let halves = [others + coins, coins + others].map { joined.values(weights: $0) }
      var difference = zip(halves[0], halves[1]).map { $1 - $0 }
      // Models of other seeds would differ even where neither kind is better.
      for (test, whole) in zip([first, second], values) where test.models > 1 {
        let moved = test.values(weights: ones, shares: generator.shares(of: test.models))
        for place in difference.indices { difference[place] += moved[place] - whole[place] }
      }
      exchanged.append(difference)
    }
    return zip(first.names, first.kinds).enumerated().map { place, number in
      let found = draws.map { $0.values[place] }
      let samples = number.1.differences.map { ends in draws.map { $0.value(at: place, within: ends) } }
      let difference = ConfidenceInterval(
        value: values[1][place] - values[0][place], samples: samples ?? found, level: level)
      return (
        number.0,
        PairedComparison(difference, bootstrapped: found, exchanged: exchanged.map { $0[place] })
      )
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
    intervals(of: try SummedTest(means: [.init("mean", values, range: nil)], groups: groups))[0].interval
  }

  /// Whether the mean of `second` differs from that of `first`, item by item.
  public func comparison(ofMeans first: [Double], _ second: [Double], groups: [Int]? = nil) throws
    -> PairedComparison
  {
    guard first.count == second.count else {
      throw EvaluationError.counts("numbers of one model", first.count, "of the other", second.count)
    }
    return try comparisons(
      of: SummedTest(means: [.init("mean", first, range: nil)], groups: groups),
      SummedTest(means: [.init("mean", second, range: nil)], groups: groups))[0].comparison
  }

  private func coins(_ count: Int, _ generator: inout SeededGenerator) -> [Bool] {
    (0..<count).map { _ in generator.next() >> 63 == 1 }
  }
}

/// The numbers of a test whose units got random weights, and the weights of half an item more that was not seen.
private struct Draw {
  let values: [Double]
  /// The share of all weight that lies at the lower and at the upper end.
  private let low: Double
  private let high: Double

  init(
    from strata: [[Int]], models: [Int], _ generator: inout SeededGenerator,
    _ numbers: (_ weights: [Double], _ shares: [[Double]]) -> [Double]
  ) {
    var weights = [Double](repeating: 0, count: 1 + (strata.joined().max() ?? -1))
    for unit in strata.joined() { weights[unit] += generator.exponential() }
    let ends = [generator.quarterGamma(), generator.quarterGamma()]
    let whole = weights.reduce(0, +) + ends[0] + ends[1]
    (low, high) = (ends[0] / whole, ends[1] / whole)
    values = numbers(weights, models.map { generator.shares(of: $0) })
  }

  /// A number with the half item at the ends of its range.
  func value(at place: Int, within ends: ClosedRange<Double>) -> Double {
    let number = values[place]
    let drawn = number + low * (ends.lowerBound - number) + high * (ends.upperBound - number)
    // The means of few models move beyond.
    return drawn.isNaN ? drawn : min(max(drawn, ends.lowerBound), ends.upperBound)
  }
}

extension ResampledKind {
  /// The ends between which differences lie.
  fileprivate var differences: ClosedRange<Double>? {
    switch self {
    case .share(_, _, let whole): -whole...whole
    case .bounded(let ends): ends.lowerBound - ends.upperBound...ends.upperBound - ends.lowerBound
    case .open: nil
    }
  }
}

extension SeededGenerator {
  /// Shares of models in their mean, which add up to 1, as drawing other models would move it: about equal ones, apart
  /// so far that the mean of any number varies about the one that was found as Student's t with `models` - 1 degrees of
  /// freedom, times its standard error. One model alone says nothing of others.
  fileprivate mutating func shares(of models: Int) -> [Double] {
    guard models > 1 else { return [1] }
    let (count, degrees) = (Double(models), Double(models - 1))
    let drawn = (0..<models).map { _ in normal() }
    let mean = drawn.reduce(0, +) / count
    let spread = (1..<models).reduce(0.0) { sum, _ in
      let number = normal()
      return sum + number * number
    }
    // The standard error is the root of the sum of squares about the mean over `models` times `degrees`.
    let reach = (degrees / spread).squareRoot() / (count * degrees).squareRoot()
    return drawn.map { 1 / count + ($0 - mean) * reach }
  }

  /// A number from the standard normal distribution (Box & Muller 1958).
  private mutating func normal() -> Double {
    (2 * exponential()).squareRoot() * cos(2 * .pi * unit())
  }

  /// A number from the gamma distribution of shape 1/4 (Jöhnk, Metrika 1964): an exponential one times a beta one.
  fileprivate mutating func quarterGamma() -> Double {
    while true {
      let x = pow(unit(), 4)
      let sum = x + pow(unit(), 4.0 / 3)
      if sum > 0, sum <= 1 { return exponential() * x / sum }
    }
  }
}

private func variance(of numbers: [Double]) -> Double {
  let known = numbers.filter { !$0.isNaN }
  let mean = known.reduce(0, +) / Double(known.count)
  return known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(known.count)
}
