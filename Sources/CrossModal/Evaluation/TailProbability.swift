import Foundation

/// Upper tails of the distributions that tests and intervals need, and the incomplete gamma and beta functions behind
/// them.
///
/// Accurate to about 1e-13 relative also for large degrees of freedom, since leading factors are formed from
/// ln(1 + u) - u instead of differences of large logarithms.
public enum TailProbability {
  /// P(χ² ≥ x) with `degrees` > 0 degrees of freedom, which may be a fraction.
  public static func chiSquare(_ x: Double, degrees: Double) -> Double {
    x.isNaN || !(degrees > 0) ? .nan : x <= 0 ? 1 : upperGamma(degrees / 2, x / 2)
  }

  /// P(F ≥ x) with degrees of freedom of the numerator and the denominator, which may be fractions.
  public static func f(_ x: Double, numerator: Double, denominator: Double) -> Double {
    guard !x.isNaN, numerator > 0, denominator > 0 else { return .nan }
    guard x > 0 else { return 1 }
    guard x.isFinite else { return 0 }
    let total = denominator + numerator * x
    return incompleteBeta(
      denominator / total, complement: numerator * x / total, denominator / 2, numerator / 2)
  }

  /// P(Z ≥ x) of a standard normal Z.
  public static func normal(_ x: Double) -> Double { erfc(x / 2.0.squareRoot()) / 2 }

  /// The x with P(Z ≤ x) = `p` of a standard normal Z, by halving; infinite at 0 and 1 and beyond.
  public static func normalQuantile(_ p: Double) -> Double {
    guard p > 0 else { return -.infinity }
    guard p < 1 else { return .infinity }
    guard p <= 0.5 else { return -normalQuantile(1 - p) }
    var (low, high) = (-40.0, 0.0)
    while true {
      let middle = (low + high) / 2
      guard low < middle, middle < high else { return middle }
      if normal(-middle) < p { low = middle } else { high = middle }
    }
  }

  /// Q(a, x) = Γ(a, x) / Γ(a), the regularised upper incomplete gamma function, a > 0, x ≥ 0.
  public static func upperGamma(_ a: Double, _ x: Double) -> Double {
    guard x > 0 else { return 1 }
    guard x.isFinite else { return 0 }
    // x^a e^-x / Γ(a)
    let factor = exp(a * log1pMinus((x - a) / a) - stirlingRest(a)) * (a / (2 * .pi)).squareRoot()
    if x < a + 1 {
      var term = 1 / a
      var sum = term
      var n = a
      while term > sum * 1e-17 {
        n += 1
        term *= x / n
        sum += term
      }
      return 1 - factor * sum
    }
    // Continued fraction by the method of Lentz.
    var b = x + 1 - a
    var c = 1 / tiny
    var d = 1 / b
    var fraction = d
    for i in 1..<100_000 {
      let an = -Double(i) * (Double(i) - a)
      b += 2
      d = 1 / notZero(an * d + b)
      c = notZero(b + an / c)
      let step = d * c
      fraction *= step
      if abs(step - 1) < 1e-16 { break }
    }
    return factor * fraction
  }

  /// I_x(a, b), the regularised incomplete beta function, a, b > 0.
  ///
  /// - Parameter complement: 1 - x, given apart because it may be known more exactly.
  public static func incompleteBeta(_ x: Double, complement y: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard y > 0 else { return 1 }
    guard x < (a + 1) / (a + b + 2) else { return 1 - betaTail(y, x, b, a) }
    return betaTail(x, y, a, b)
  }

  /// I_x(a, b) where the continued fraction converges fast: x below about a / (a + b).
  private static func betaTail(_ x: Double, _ y: Double, _ a: Double, _ b: Double) -> Double {
    let n = a + b
    // x^a y^b / B(a, b); the arguments are (xn - a) / a and (yn - b) / b without their cancellation.
    let gap = x * b - y * a
    let exponent =
      a * log1pMinus(gap / a) + b * log1pMinus(-gap / b) + stirlingRest(n) - stirlingRest(a) - stirlingRest(b)
    let factor = exp(exponent) * (a / n * b / (2 * .pi)).squareRoot()
    // Continued fraction of DiDonato & Morris (ACM TOMS 1992), whose terms do not cancel.
    func denominator(_ m: Double) -> Double {
      m + m * (b - m) * x / (a + 2 * m - 1) + (a + m) * (1 - gap + m * (2 - x)) / (a + 2 * m + 1)
    }
    var c = notZero(a * (1 - gap) / (a + 1))
    var d = 0.0
    var fraction = c
    for i in 1..<100_000 {
      let m = Double(i)
      let ratio = x / (a + 2 * m - 1)
      let numerator = (a + m - 1) * (n + m - 1) * m * (b - m) * ratio * ratio
      let term = denominator(m)
      d = 1 / notZero(term + numerator * d)
      c = notZero(term + numerator / c)
      let step = c * d
      fraction *= step
      if abs(step - 1) < 1e-16 { break }
    }
    return factor / fraction
  }

  private static let tiny = 1e-300

  private static func notZero(_ x: Double) -> Double { abs(x) < tiny ? tiny : x }

  /// ln(1 + u) - u, exact also near 0.
  static func log1pMinus(_ u: Double) -> Double {
    guard abs(u) < 0.3 else { return log1p(u) - u }
    // With r = u / (2 + u): ln(1 + u) = 2 (r + r³/3 + r⁵/5 + …) and u = 2r + r u.
    let r = u / (2 + u)
    let square = r * r
    var power = r * square
    var sum = 0.0
    var k = 3.0
    while abs(power) > 1e-18 * abs(r * u) {
      sum += power / k
      power *= square
      k += 2
    }
    return 2 * sum - r * u
  }

  /// ln Γ(z) less Stirling's (z - 1/2) ln z - z + ln(2π)/2, for z > 0.
  static func stirlingRest(_ z: Double) -> Double {
    if z < 10 {
      // The recurrence of Γ carries the argument up to where the series holds.
      let steps = Int((10 - z).rounded(.up))
      let top = z + Double(steps)
      let product = (0..<steps).reduce(0.0) { $0 + log(z + Double($1)) }
      return stirlingRest(top) + (top - 0.5) * log(top) - top - product - ((z - 0.5) * log(z) - z)
    }
    let square = 1 / (z * z)
    // Bernoulli numbers over 2k(2k - 1).
    let terms: [Double] = [
      1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360_360, 1.0 / 156,
      -3617.0 / 122_400,
    ]
    return terms.reversed().reduce(0) { $0 * square + $1 } / z
  }
}
