/// A number of a test and the range that holds, with some confidence, what it would be on average over such tests.
///
/// - A share of items (R@K, accuracy) by the score interval of Wilson (JASA 1927), over as many items as tell as much
///   as these: fewer where items of a group, such as the captions of a picture, fare alike. It has a width also where
///   nothing, or everything, was found.
/// - Another number between two ends (mAP, MRR, IoU) by the Bayesian bootstrap (Rubin, Annals of Statistics 1981), as
///   if half an item more had been seen, at either end, of which a number that is a mean of many parts is one part.
/// - Ranks and other numbers without ends by the Bayesian bootstrap alone.
public struct ConfidenceInterval: Sendable, Equatable {
  /// The number on the test as it is.
  public var value: Double
  /// The ends of the range, which holds ``value``.
  public var lower: Double
  public var upper: Double
  /// The share of tests whose range holds the average.
  public var level: Double

  /// What is left of resampled numbers when both tails are cut off.
  init(value: Double, samples: [Double], level: Double) {
    let sorted = samples.filter { !$0.isNaN }.sorted()
    self.value = value
    self.level = level
    lower = quantile((1 - level) / 2, of: sorted).map { min($0, value) } ?? .nan
    upper = quantile((1 + level) / 2, of: sorted).map { max($0, value) } ?? .nan
  }

  /// Wilson's interval.
  ///
  /// - Parameters:
  ///   - value: the share of hits among the items, as a part of `whole`: 1, or 100 in percent.
  ///   - items: how many independent items tell as much.
  init(shareOf whole: Double, _ value: Double, items: Double, level: Double) {
    let share = value / whole
    let z = max(0, TailProbability.normalQuantile((1 + level) / 2))
    // Beyond this, the range is 0 to 1 but for rounding.
    let square = min(z * z, 1e300)
    let center = (share + square / (2 * items)) / (1 + square / items)
    let variance = share * (1 - share) / items + square / (4 * items * items)
    let reach = square.squareRoot() * variance.squareRoot() / (1 + square / items)
    self.value = value
    self.level = level
    lower = min(value, whole * max(0, center - reach))
    upper = max(value, whole * min(1, center + reach))
  }

  /// `{"value": 0.27, "lower": 0.25, "upper": 0.29, "level": 0.95}`.
  public var json: JSON {
    .object([
      "value": .double(value), "lower": .double(lower), "upper": .double(upper), "level": .double(level),
    ])
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
