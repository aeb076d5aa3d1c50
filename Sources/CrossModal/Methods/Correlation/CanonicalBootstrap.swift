import Torch

/// Confidence intervals of canonical loadings from rows drawn with replacement; ``CanonicalIntervals`` has those of the
/// correlations, of which samples drawn from a sample have too large ones.
///
/// Components of a sample are matched to those of the original by the correlation of their scores on the
/// original rows, and turned to the same sign.
public struct CanonicalBootstrap: Sendable {
  /// Lower and upper ends of the loadings of each view, `[p, k]`.
  public let loadings: [(lower: Tensor, upper: Tensor)]

  /// - Parameters:
  ///   - rows: both views, `[n, p]` and `[n, q]`.
  ///   - solver: as for the original fit.
  ///   - count: samples.
  ///   - confidence: share of the samples inside an interval.
  /// - Complexity: `count` fits.
  public init(
    rows: [Tensor], views: [String], solver: CanonicalSolver, count: Int, confidence: Double = 0.95,
    seed: UInt64
  ) throws {
    let n = rows[0].size(along: 0)
    let widths = rows.map { $0.size(along: 1) }
    let rows = try rows.map { try $0.to(.float64) }
    func joint(_ places: Tensor?) throws -> JointCovariance {
      var joint = try JointCovariance(views: views, widths: widths)
      try joint.add(places.map { places in try rows.map { try $0.rows(at: places) } } ?? rows)
      return joint
    }
    let whole = try joint(nil)
    let original = try solver.solve(whole)
    let k = original.weights[0].size(along: 1)
    let scores = try rows[0].matmul(original.weights[0])
    let generator = try Generator(seed: seed)
    var sampled: [[Tensor]] = [[], []]
    for _ in 0..<count {
      let sample = try joint(Tensor.integers(in: 0..<n, [n], using: generator))
      let solution = try solver.solve(sample)
      let (order, signs) = try CanonicalBootstrap.match(
        scores, rows[0].matmul(solution.weights[0]), components: k)
      for view in 0..<2 {
        let weights = try solution.weights.map { try $0.rows(at: order, along: 1) * signs }
        let loadings = try CanonicalLoadings(view: view, weights: weights, joint: sample)
        sampled[view].append(loadings.loadings)
      }
    }
    let tail = (1 - confidence) / 2
    loadings = try sampled.map { try CanonicalBootstrap.ends($0, tail) }
  }

  /// For each original component the sample's that correlates most with it, each taken once, and its sign.
  private static func match(_ original: Tensor, _ sample: Tensor, components: Int) throws -> ([Int], Tensor) {
    func unit(_ x: Tensor) throws -> Tensor { try (x - x.mean(along: 0)).normalized(along: 0) }
    let available = sample.size(along: 1)
    let table = try unit(original).transposed().matmul(unit(sample)).values(as: Double.self)
    var free = Set(0..<available)
    var order: [Int] = []
    var signs: [Double] = []
    for component in 0..<min(components, available) {
      let row = table[(component * available)..<((component + 1) * available)]
      guard
        let best = free.sorted().max(by: { abs(row[row.startIndex + $0]) < abs(row[row.startIndex + $1]) })
      else { break }
      free.remove(best)
      order.append(best)
      signs.append(row[row.startIndex + best] < 0 ? -1 : 1)
    }
    guard order.count == components else {
      throw CorrelationError.impossible(
        "a bootstrap sample has rank \(available), below the \(components) components; keep fewer or add a ridge"
      )
    }
    return (order, try Tensor(signs))
  }

  /// The quantiles of each element over samples.
  private static func ends(_ samples: [Tensor], _ tail: Double) throws -> (lower: Tensor, upper: Tensor) {
    let sorted = try Tensor.stacked(samples).sorted(along: 0).values
    let last = Double(samples.count - 1)
    func at(_ share: Double) throws -> Tensor {
      let place = share * last
      let below = Int(place.rounded(.down))
      let above = min(below + 1, samples.count - 1)
      return try sorted[below] * (1 - (place - Double(below))) + sorted[above] * (place - Double(below))
    }
    return (try at(tail), try at(1 - tail))
  }
}
