/// What measuring a method gave, whatever its task.
public protocol TaskResult: Sendable {
  /// Every number, in the order of reports.
  var measures: [Measure] { get }
  /// How it was measured, in one line: numbers can be compared where these lines are equal.
  var `protocol`: String { get }
  /// How many items of what were measured.
  var counts: [(name: String, count: Int)] { get }
  /// The object `metrics` of `evaluate --json`; by default ``measures`` by name.
  var json: JSON { get }
  /// What else the document of `evaluate --json` says; by default nothing.
  var details: [JSON.Member] { get }
  /// The measures that weights may be chosen by, the default first; by default ``measures``.
  var selection: [Measure] { get }
  /// What trivial answers reach on the same items; none by default.
  var priors: [Prior] { get }
  /// The same numbers as functions of how often each item counts, for intervals and comparisons; several where
  /// groups of numbers have items of their own.
  var resampled: [any ResampledTest] { get }
}

extension TaskResult {
  public var json: JSON { .object(measures.map { JSON.Member($0.name, $0.json) }) }
  public var details: [JSON.Member] { [] }
  public var selection: [Measure] { measures }
  public var priors: [Prior] { [] }
  public var resampled: [any ResampledTest] { [] }
}

/// What an answer that knows nothing of the question reaches.
public struct Prior: Sendable, Equatable {
  /// What is answered, such as `most frequent answer`.
  public let name: String
  public let measures: [Measure]

  public init(_ name: String, _ measures: [Measure]) {
    self.name = name
    self.measures = measures
  }
}

/// Numbers of a test that can be computed anew when its items are drawn again.
public protocol ResampledTest: Sendable {
  /// Names of the numbers.
  var names: [String] { get }
  /// What each of them is, in the order of ``names``.
  var kinds: [ResampledKind] { get }
  /// What is drawn as a whole, such as an image with its captions: tests are of the same items where these are equal.
  var units: [Int] { get }
  /// Places of the units that are drawn among each other.
  var strata: [[Int]] { get }
  /// The numbers when unit i counts `weights[i]` times; NaN for one that these weights leave undefined.
  func values(weights: [Double]) -> [Double]
  /// The results of two models side by side, so that a unit of one may stand in for that of the other: the units of
  /// this test, then those of `other`.
  func joined(with other: Self) -> Self
  /// How many models, alike but for chance, the numbers are means over; 1 unless a test says otherwise.
  var models: Int { get }
  /// The numbers when, beside the weights of the units, model s has `shares[s]` in the means; the shares add up to 1.
  func values(weights: [Double], shares: [Double]) -> [Double]
}

extension ResampledTest {
  public var models: Int { 1 }
  public func values(weights: [Double], shares: [Double]) -> [Double] { values(weights: weights) }
}

/// What a number of a test is, which decides how its interval is found.
public enum ResampledKind: Sendable, Equatable {
  /// How many of `items` are hits, as a part of `whole`: 1, or 100 in percent. The items come in `groups` that may
  /// stand or fall together, such as the captions of a picture.
  case share(items: Int, groups: Int, whole: Double)
  /// A mean of items, or nearly, that lies between two ends.
  case bounded(ClosedRange<Double>)
  /// A rank, a loss, or another number that has no two ends.
  case open

  /// The mean of numbers that lie between two ends.
  ///
  /// What is not seen may be at an end. Where a number is itself a mean of several parts, that is one part of many
  /// (average precision over the relevant items of a query); where numbers are at an end as a whole, it is a whole one.
  ///
  /// - Parameter parts: how many parts a number has on average.
  static func mean(
    of values: [Double], parts: Double = 1, within ends: ClosedRange<Double>
  ) -> ResampledKind {
    let mean = values.reduce(0, +) / Double(values.count)
    guard ends.contains(mean) else { return .bounded(ends) }
    let atEnds = values.count { $0 == ends.lowerBound || $0 == ends.upperBound }
    let share = max(1 / max(1, parts), Double(atEnds) / Double(values.count))
    return .bounded(mean - share * (mean - ends.lowerBound)...mean + share * (ends.upperBound - mean))
  }
}
