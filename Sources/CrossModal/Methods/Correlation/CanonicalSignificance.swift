import Foundation
import Torch

/// Tests of the hypotheses that canonical correlations k, k + 1, … are all zero, for k from 0, under normal
/// rows and no ridge (Wilks, Bartlett, Lawley, Rao; `cca.md` section 6). Entry k of every list is that of k.
public struct CanonicalSignificance: Sendable, Equatable {
  /// Π (1 - ρᵢ²) over i ≥ k.
  public let wilks: [Double]
  /// Bartlett's χ² and its upper tail.
  public let bartlett: [Double]
  public let bartlettP: [Double]
  /// Lawley's χ² and its upper tail.
  public let lawley: [Double]
  public let lawleyP: [Double]
  /// Degrees of freedom of both χ².
  public let degrees: [Double]
  /// Rao's F, its degrees of freedom and its upper tail.
  public let raoF: [Double]
  public let numerator: [Double]
  public let denominator: [Double]
  public let raoP: [Double]
  /// Σ ρ² over all.
  public let pillai: Double
  /// Σ ρ² / (1 - ρ²) over all.
  public let hotellingLawley: Double
  /// ρ² of the first.
  public let roy: Double

  /// - Parameters:
  ///   - correlations: all min(rank x, rank y) of them, descending.
  ///   - ranks: effective ranks of the two views.
  ///   - rows: n.
  /// - Throws: ``CorrelationError/impossible(_:)`` when n is not above rank x + rank y + 1.
  public init(correlations: [Double], ranks: [Int], rows: Int) throws {
    let (p, q, n) = (Double(ranks[0]), Double(ranks[1]), Double(rows))
    guard n > p + q + 1 else {
      throw CorrelationError.impossible(
        "parametric tests need more rows than the ranks \(ranks[0]) + \(ranks[1]) + 1, found \(rows); "
          + "use the permutation test")
    }
    let squares = correlations.map { $0 * $0 }
    let logs = squares.map { log1p(-$0) }
    let w = n - (p + q + 3) / 2
    var rows: [Row] = []
    for k in correlations.indices {
      let lnWilks = logs[k...].reduce(0, +)
      let (a, b) = (p - Double(k), q - Double(k))
      let df = a * b
      let bartlett = -w * lnWilks
      let lawley = -(w - Double(k) + squares[..<k].reduce(0) { $0 + 1 / $1 }) * lnWilks
      let below = a * a + b * b - 5
      let t = df <= 2 || below <= 0 ? 1 : ((df * df - 4) / below).squareRoot()
      let df2 = w * t - df / 2 + 1
      // (1 - L^(1/t)) / L^(1/t)
      let f = expm1(-lnWilks / t) * df2 / df
      rows.append(
        Row(lnWilks: lnWilks, df: df, bartlett: bartlett, lawley: lawley, f: f, df2: df2))
    }
    wilks = rows.map { exp($0.lnWilks) }
    bartlett = rows.map(\.bartlett)
    bartlettP = rows.map { TailProbability.chiSquare($0.bartlett, degrees: $0.df) }
    lawley = rows.map(\.lawley)
    lawleyP = rows.map { TailProbability.chiSquare($0.lawley, degrees: $0.df) }
    degrees = rows.map(\.df)
    raoF = rows.map(\.f)
    numerator = degrees
    denominator = rows.map(\.df2)
    raoP = rows.map { TailProbability.f($0.f, numerator: $0.df, denominator: $0.df2) }
    pillai = squares.reduce(0, +)
    hotellingLawley = squares.reduce(0) { $0 + $1 / (1 - $1) }
    roy = squares.first ?? 0
  }

  private struct Row {
    let lnWilks: Double
    let df: Double
    let bartlett: Double
    let lawley: Double
    let f: Double
    let df2: Double
  }
}
