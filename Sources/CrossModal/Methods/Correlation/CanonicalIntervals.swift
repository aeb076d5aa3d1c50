import Foundation
import Torch

/// Confidence intervals of the canonical correlations of the population.
///
/// Correlations of a sample are too large, the more so the smaller it is and the smaller they are: of independent views
/// too the first is well above 0. Samples drawn from the sample are larger still, so their quantiles exclude what they
/// are to cover. Here the interval holds every population that could have given the sample (inversion of tests): normal
/// samples of as many rows are drawn with smaller and larger correlations, and those are left out under which the one
/// found would be among the largest or the smallest.
///
/// - What correlation is tried stands for one component; the others are as the sample has them, less their bias (Bao,
///   Hu, Pan & Zhou, Annals of Statistics 2019).
/// - Each tail is 2.5 % of 95 %. The sample's own correlation is always inside; what one tail does not need for that
///   reason, the other has. So an interval begins at 0 where a test at 5 % does not tell the correlation from 0.
/// - Rows that are not normal vary by another factor, which their influence gives (Muirhead & Waternaux, Biometrika
///   1980).
/// - A ridge leaves directions a part of their freedom, and so many count (only approximately right).
public struct CanonicalIntervals: Sendable {
  /// The ends for each component.
  public let ends: [ClosedRange<Double>]

  /// Correlations that are tried, as parts of the one found on Fisher's scale.
  private static let places = [0, 0.2, 0.4, 0.6, 0.8, 1]
  /// Beyond the one found, in standard errors.
  private static let reach = 4.0

  /// Intervals of the correlations that a solver finds.
  ///
  /// - Parameters:
  ///   - rows: both views, `[n, p]` and `[n, q]`.
  ///   - count: samples, over the correlations that are tried for a component.
  ///   - confidence: share of the samples of a population whose interval holds its correlation.
  /// - Complexity: one fit, and for each component `count` decompositions of a matrix of the smaller width.
  public init(
    rows: [Tensor], views: [String], solver: CanonicalSolver, count: Int, confidence: Double = 0.95,
    seed: UInt64
  ) throws {
    let rows = try rows.map { try $0.to(.float64) }
    var joint = try JointCovariance(views: views, widths: rows.map { $0.size(along: 1) })
    try joint.add(rows)
    let solution = try solver.solve(joint)
    let components = solution.weights[0].size(along: 1)
    try self.init(
      correlations: solution.correlations.values(as: Double.self),
      directions: CanonicalIntervals.freedom(joint, solver).map { max(components, $0) },
      rows: rows[0].size(along: 0), scales: CanonicalIntervals.scales(rows, solution),
      count: max(16, count / (Self.places.count + 1)), confidence: confidence,
      generator: Generator(seed: seed))
  }

  /// - Parameters:
  ///   - correlations: of the sample, descending, those of components beyond the first `scales.count` too.
  ///   - directions: degrees of freedom of each view.
  ///   - rows: rows of the sample.
  ///   - scales: how much further than that of normal rows each component's correlation varies.
  ///   - count: samples that are drawn for each correlation that is tried.
  /// - Complexity: 7 · components · count decompositions of matrices of the smaller number of directions.
  init(
    correlations: [Double], directions: [Int], rows: Int, scales: [Double], count: Int, confidence: Double,
    generator: Generator
  ) throws {
    let degrees = max(1, rows - 1)
    let sizes = directions.map { max(1, min($0, degrees)) }
    let (p, q) = (max(sizes[0], sizes[1]), min(sizes[0], sizes[1]))
    let found = (0..<q).map { $0 < correlations.count ? min(1, max(0, correlations[$0])) : 0 }
    let population = found.map { Self.withoutBias($0, p, q, degrees: degrees) }
    // With so few rows the first correlations of any sample are 1, whatever the population.
    let trivial = max(0, p + q - degrees)
    let components = trivial..<max(trivial, min(scales.count, q))
    let tried = components.map { component -> [Double] in
      let z = Self.fisher(found[component])
      return Self.places.map { $0 * z } + [z + Self.reach / Double(rows).squareRoot()]
    }
    var drawn = tried.map { $0.map { _ in [Double]() } }
    // As many samples at a time as keep their matrices small.
    let block = max(1, min(count, (1 << 22) / (p * (p + q))))
    for start in stride(from: 0, to: components.isEmpty ? 0 : count, by: block) {
      let samples = try NormalSamples(min(block, count - start), p, q, degrees: degrees, using: generator)
      for component in components {
        for (place, z) in tried[component - trivial].enumerated() {
          // The order of components stays what it is.
          let own = tanh(z)
          let all = population.enumerated().map { other, value in
            other < component ? max(value, own) : other > component ? min(value, own) : own
          }
          drawn[component - trivial][place] += try samples.correlations(of: all, component: component).map(
            Self.fisher)
        }
      }
    }
    ends = scales.indices.map { component in
      let value = correlations[component]
      guard components.contains(component) else { return 0...max(1, value) }
      let range = Self.range(
        of: Self.fisher(found[component]), tried[component - trivial],
        drawn[component - trivial].map { Moments($0, scale: scales[component]) }, tail: 1 - confidence)
      return min(tanh(range.lowerBound), value)...max(tanh(range.upperBound), value)
    }
  }

  /// Fisher's z of a correlation; beyond the last that is told from 1, that of it.
  private static func fisher(_ correlation: Double) -> Double {
    atanh(min(max(0, correlation), 1 - 1e-12))
  }

  /// The correlation of the population whose samples have `correlation` when views are wide; 0 where that is no more
  /// than noise has.
  static func withoutBias(_ correlation: Double, _ p: Int, _ q: Int, degrees: Int) -> Double {
    let (x, y) = (Double(p) / Double(degrees), Double(q) / Double(degrees))
    let square = correlation * correlation
    // The larger root t of (1 - x)(1 - y) t² + (x(1 - y) + y(1 - x) - r²) t + x y = 0.
    let (a, b) = ((1 - x) * (1 - y), x * (1 - y) + y * (1 - x) - square)
    let inside = b * b - 4 * a * x * y
    guard a > 0, b < 0, inside > 0 else { return 0 }
    return min(1, (inside.squareRoot() - b) / (2 * a)).squareRoot()
  }

  /// Directions of each view, each so far as a ridge leaves it free.
  private static func freedom(_ joint: JointCovariance, _ solver: CanonicalSolver) throws -> [Int] {
    try solver.whitenings(of: joint).enumerated().map { view, whitening in
      let weight = whitening.weight
      let products = try joint.covariance(view, view, centered: solver.centring).matmul(weight) * weight
      return Int(try products.sum().item(as: Double.self).rounded())
    }
  }

  /// How much further than that of normal rows each correlation varies: the root mean square of the influence
  /// u v - r (u² + v²) / 2 of a row, over 1 - r².
  private static func scales(_ rows: [Tensor], _ solution: CanonicalCorrelation) throws -> [Double] {
    let n = rows[0].size(along: 0)
    let (u, v) = (
      try standardized(rows[0].matmul(solution.weights[0])),
      try standardized(rows[1].matmul(solution.weights[1]))
    )
    let r = try (u * v).mean(along: 0)
    let influence = try u * v - (u.squared() + v.squared()) * r / 2.0
    // Two means and a correlation are taken from the rows.
    let squares = try influence.squared().sum(along: 0).values(as: Double.self)
    return zip(squares, try r.values(as: Double.self)).map { square, r in
      let normal = 1 - r * r
      return normal > 1e-9 ? (square / Double(max(1, n - 3))).squareRoot() / normal : 1
    }
  }

  private static func standardized(_ scores: Tensor) throws -> Tensor {
    let centered = try scores - scores.mean(along: 0)
    return try centered / centered.squared().mean(along: 0).squareRoot()
  }

  /// What a population gives, on Fisher's scale.
  private struct Moments {
    let mean: Double
    let deviation: Double
    let skewness: Double

    init(_ numbers: [Double], scale: Double) {
      let count = Double(numbers.count)
      let mean = numbers.reduce(0, +) / count
      let parts = numbers.map { $0 - mean }
      let variance = parts.reduce(0) { $0 + $1 * $1 } / count
      self.mean = mean
      deviation = scale * (variance * count / max(1, count - 1)).squareRoot()
      skewness = variance > 0 ? parts.reduce(0) { $0 + $1 * $1 * $1 } / count / pow(variance, 1.5) : 0
    }

    init(mean: Double, deviation: Double, skewness: Double) {
      (self.mean, self.deviation, self.skewness) = (mean, deviation, skewness)
    }

    /// Between this and the next.
    func mixed(_ next: Moments, _ part: Double) -> Moments {
      func between(_ key: KeyPath<Moments, Double>) -> Double {
        self[keyPath: key] * (1 - part) + next[keyPath: key] * part
      }
      return Moments(
        mean: between(\.mean), deviation: between(\.deviation), skewness: between(\.skewness))
    }

    /// P(Z ≥ z), normal but for the skewness (Cornish & Fisher 1938).
    func tail(_ z: Double) -> Double {
      let u = max(-4, min((z - mean) / max(deviation, 1e-9), 4))
      return TailProbability.normal(u - skewness * (u * u - 1) / 6)
    }
  }

  /// The places of the populations that are left, between the first and the last of `tried`.
  private static func range(
    of z: Double, _ tried: [Double], _ moments: [Moments], tail: Double
  ) -> ClosedRange<Double> {
    var (lower, upper) = (z, z)
    let steps = 200
    for segment in 0..<tried.count - 1 {
      for step in 0...steps {
        let part = Double(step) / Double(steps)
        let place = tried[segment] * (1 - part) + tried[segment + 1] * part
        let sample = moments[segment].mixed(moments[segment + 1], part)
        // What the other tail cannot need, since the interval holds the sample's own.
        let above = sample.tail(place)
        let (ofLower, ofUpper) = (tail - min(tail / 2, 1 - above), tail - min(tail / 2, above))
        let reached = sample.tail(z)
        if place < lower, reached >= ofLower { lower = place }
        if place > upper, 1 - reached >= ofUpper { upper = place }
      }
    }
    return lower...upper
  }
}

/// Canonical correlations of samples of normal rows, from the triangular factors of their covariances (Bartlett 1933):
/// the number of rows costs nothing.
private struct NormalSamples {
  /// Triangles of the first view, `[count, p, p]`.
  private let x: Tensor
  /// The part of the second view's noise within the first view's rows, `[count, p, q]`, and beyond, `[count, q, q]`.
  private let within: Tensor
  private let beyond: Tensor

  /// - Parameters:
  ///   - p: directions of the first view, at least those of the second, at most `degrees`.
  ///   - q: directions of the second view.
  ///   - degrees: rows less one.
  init(_ count: Int, _ p: Int, _ q: Int, degrees: Int, using generator: Generator) throws {
    x = try Self.triangles(count, p, degrees: degrees, generator)
    within = try Tensor.normal([count, p, q], .float64, using: generator)
    beyond = try Self.triangles(count, q, degrees: degrees - p, generator)
  }

  /// Upper triangles R with R'R the scatter of `degrees` normal rows; rows beyond `degrees` are zero.
  private static func triangles(
    _ count: Int, _ size: Int, degrees: Int, _ generator: Generator
  ) throws -> Tensor {
    let freedom = (0..<size).map { Double(max(0, degrees - $0)) }
    let filled = try Tensor(freedom.map { $0 > 0 ? 1.0 : 0 })
    let shapes = try Tensor(freedom.map { max($0, 1) / 2 }).expanded(to: [count, size]).contiguous()
    let roots = try (shapes.gamma(using: generator) * 2.0).squareRoot()
    let above = try Tensor.normal([count, size, size], .float64, using: generator)
      .lowerTriangle(diagonal: -1).transposed(1, 2)
    return try (above + roots.unsqueezed(at: 2) * Tensor.identity(size, .float64)) * filled.unsqueezed(at: 1)
  }

  /// The correlation of one component in each sample, for the correlations of the population `[q]`.
  func correlations(of population: [Double], component: Int) throws -> [Double] {
    let q = population.count
    let (rho, rest) = (
      try Tensor(population), try Tensor(population.map { (1 - $0 * $0).squareRoot() })
    )
    let inside = try x.narrowed(to: 0..<q, along: 2) * rho + within * rest
    let second = try Tensor.concatenated([inside, beyond * rest], along: 1)
    let basis = try second.qr().q.narrowed(to: 0..<x.size(along: 1), along: 1)
    return try basis.singularValues().selected(component, along: 1).values(as: Double.self)
  }
}
