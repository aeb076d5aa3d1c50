/// A line search to the strong Wolfe conditions (Nocedal & Wright, Numerical Optimization, algorithms 3.5 and
/// 3.6) with cubic interpolation (eq. 3.59); constants and safeguards as in PyTorch's `LBFGS`.
struct LineSearch {
  /// A place on the line.
  struct Point {
    var length: Double
    var loss: Double
    var gradient: Tensor
    /// The loss's derivative along the direction.
    var slope: Double

    /// A loss that is not finite is worse than any other.
    var isUsable: Bool { loss.isFinite && slope.isFinite }

    func isNoWorse(than other: Point) -> Bool { isUsable && (!other.isUsable || loss <= other.loss) }
  }

  /// Where the line starts.
  let origin: Point
  /// The largest element of the direction: lengths times this are distances.
  let reach: Double
  /// Distances that do not matter.
  let tolerance: Double
  /// Rises of the loss that rounding alone can make.
  let rounding: Double
  private let sufficientDecrease = 1e-4
  private let curvature = 0.9
  private let longest = 25

  init(origin: Point, reach: Double, tolerance: Double, rounding: Double = 0) {
    self.origin = origin
    self.reach = reach
    self.tolerance = tolerance
    self.rounding = rounding
  }

  /// A place where the loss fell enough and its slope is flat enough, or the best that was found.
  func run(from length: Double, _ evaluate: (Double) throws -> Point) throws -> Point {
    var bracket: (Point, Point)?
    var before = origin
    var here = try evaluate(length)
    var evaluations = 1
    while bracket == nil, evaluations <= longest {
      if isTooHigh(here) || (evaluations > 2 && here.loss - rounding >= before.loss) {
        bracket = (before, here)
      } else if isFlat(here) {
        return here
      } else if here.slope >= 0 {
        bracket = (before, here)
      } else {
        let next = LineSearch.minimum(
          before, here,
          within: (here.length + 0.01 * (here.length - before.length), here.length * 10))
        before = here
        here = try evaluate(next)
        evaluations += 1
      }
    }
    return try narrow(bracket ?? (origin, here), evaluations, evaluate)
  }

  /// Shrinks an interval that holds a good place.
  private func narrow(
    _ bracket: (Point, Point), _ evaluations: Int, _ evaluate: (Double) throws -> Point
  ) throws -> Point {
    var evaluations = evaluations
    var (low, high) = bracket.0.isNoWorse(than: bracket.1) ? bracket : (bracket.1, bracket.0)
    // The ends in the order in which they were found: interpolation is not symmetric in the last bits.
    var isLowFirst = bracket.0.isNoWorse(than: bracket.1)
    var isStuck = false
    while evaluations <= longest, abs(high.length - low.length) * reach >= tolerance {
      let (first, second) = isLowFirst ? (low, high) : (high, low)
      let (left, right) = (min(low.length, high.length), max(low.length, high.length))
      var length = LineSearch.minimum(first, second, within: (left, right))
      // Too near to an end twice in a row, or beyond it: a tenth of the interval inwards.
      let margin = 0.1 * (right - left)
      if min(right - length, length - left) < margin {
        if isStuck || length >= right || length <= left {
          length = abs(length - right) < abs(length - left) ? right - margin : left + margin
          isStuck = false
        } else {
          isStuck = true
        }
      } else {
        isStuck = false
      }
      let here = try evaluate(length)
      evaluations += 1
      if isTooHigh(here) || here.loss - rounding >= low.loss {
        high = here
        if high.isUsable, high.loss < low.loss || (high.loss == low.loss && !isLowFirst) {
          swap(&low, &high)
          isLowFirst.toggle()
        }
      } else {
        if isFlat(here) { return here }
        if here.slope * (high.length - low.length) >= 0 { high = low }
        low = here
      }
    }
    return low
  }

  private func isTooHigh(_ point: Point) -> Bool {
    !point.isUsable
      || point.loss - rounding > origin.loss + sufficientDecrease * point.length * origin.slope
  }

  private func isFlat(_ point: Point) -> Bool { abs(point.slope) <= -curvature * origin.slope }

  /// Where the cubic through two places and their slopes is lowest, kept within bounds.
  static func minimum(_ a: Point, _ b: Point, within bounds: (Double, Double)) -> Double {
    let d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.length - b.length)
    let square = d1 * d1 - a.slope * b.slope
    guard square >= 0, square.isFinite else { return (bounds.0 + bounds.1) / 2 }
    let d2 = square.squareRoot()
    let (left, right) = a.length <= b.length ? (a, b) : (b, a)
    let place =
      right.length
      - (right.length - left.length) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2))
    return min(max(place, bounds.0), bounds.1)
  }
}
