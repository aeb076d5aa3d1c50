/// The same test of several models that are alike but for chance: every number is the mean over the models.
struct AveragedTest<Test: ResampledTest>: ResampledTest {
  /// At least one, of the same items.
  private let tests: [Test]

  /// - Throws: ``EvaluationError`` when there are none, or they are of different items.
  init(_ tests: [Test]) throws {
    guard let first = tests.first else { throw EvaluationError.noQueries }
    for other in tests
    where other.units != first.units || other.strata != first.strata || other.names != first.names {
      throw EvaluationError.differentTests("", "")
    }
    self.tests = tests
  }

  private init(same tests: [Test]) { self.tests = tests }

  var names: [String] { tests[0].names }
  var units: [Int] { tests[0].units }
  var strata: [[Int]] { tests[0].strata }
  var models: Int { tests.count }

  /// A mean of shares is no share of items, but lies between the same ends.
  var kinds: [ResampledKind] {
    guard models > 1 else { return tests[0].kinds }
    return tests[0].kinds.map { kind in
      if case .share(_, _, let whole) = kind { .bounded(0...whole) } else { kind }
    }
  }

  func values(weights: [Double]) -> [Double] {
    values(weights: weights, shares: tests.map { _ in 1 / Double(tests.count) })
  }

  func values(weights: [Double], shares: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: names.count)
    for (test, share) in zip(tests, shares) {
      for (place, value) in test.values(weights: weights).enumerated() { sums[place] += share * value }
    }
    return sums
  }

  /// Every model beside one of the other test, as often as every other, so that the means stay what they are.
  func joined(with other: AveragedTest) -> AveragedTest {
    let rounds = leastCommonMultiple(tests.count, other.tests.count)
    return AveragedTest(
      same: (0..<rounds).map {
        tests[$0 % tests.count].joined(with: other.tests[$0 % other.tests.count])
      })
  }
}

private func leastCommonMultiple(_ a: Int, _ b: Int) -> Int {
  var (divisor, rest) = (a, b)
  while rest > 0 { (divisor, rest) = (rest, divisor % rest) }
  return a / divisor * b
}
