import Testing
import Torch

@testable import CrossModal

@Suite("Intervals of canonical correlations")
struct CanonicalIntervalsTests {
  /// Normal rows whose first columns correlate as `population` says.
  private func rows(_ population: [Double], _ n: Int, seed: UInt64) throws -> [Tensor] {
    let generator = try Generator(seed: seed)
    let x = try Tensor.normal([n, population.count + 1], .float64, using: generator)
    let noise = try Tensor.normal([n, population.count], .float64, using: generator)
    let y =
      try x.narrowed(to: 0..<population.count, along: 1) * Tensor(population)
      + noise * Tensor(population.map { (1 - $0 * $0).squareRoot() })
    return [x, y]
  }

  private func intervals(_ rows: [Tensor], count: Int = 350, seed: UInt64 = 1) throws -> [ClosedRange<Double>]
  {
    try CanonicalIntervals(
      rows: rows, views: ["x", "y"], solver: CanonicalSolver(), count: count, seed: seed
    ).ends
  }

  @Test(
    "they hold the correlation that was found and, of 95 in 100 samples or nearly, that of the population",
    arguments: [[0.0, 0, 0], [0.6, 0.3, 0], [0.97, 0.5, 0.2]])
  func coverage(population: [Double]) throws {
    var covered = [Int](repeating: 0, count: population.count)
    for set in 0..<30 {
      let rows = try rows(population, 60, seed: UInt64(set))
      var joint = try JointCovariance(views: ["x", "y"], widths: rows.map { $0.size(along: 1) })
      try joint.add(rows)
      let found = try CanonicalSolver().solve(joint).correlations.values(as: Double.self)
      for (place, range) in try intervals(rows, count: 200, seed: UInt64(set)).enumerated() {
        #expect(range.contains(found[place]) && range.lowerBound >= 0 && range.upperBound <= 1)
        if range.contains(population[place]) { covered[place] += 1 }
      }
    }
    #expect(covered.allSatisfy { $0 >= 25 }, "\(covered) of 30")
  }

  @Test("a correlation that is not told from 0 has an interval that begins there, a clear one has not")
  func zero() throws {
    let few = try intervals(rows([0, 0], 30, seed: 2))
    #expect(few[0].lowerBound == 0 && few[0].upperBound > 0.2)
    let clear = try intervals(rows([0.8, 0], 500, seed: 2))
    #expect(clear[0].lowerBound > 0.7 && clear[0].upperBound < 0.9)
    #expect(clear[1].lowerBound == 0 && clear[1].upperBound < 0.3)
    #expect(try intervals(rows([0.8, 0], 500, seed: 2)) == clear)
  }

  @Test("with as many directions as rows a correlation of 1 says nothing")
  func trivial() throws {
    let ends = try intervals(rows([0, 0, 0, 0, 0], 10, seed: 3))
    #expect(ends[0] == 0...1)
  }

  @Test("samples of views that are wide have the correlation that the bias is taken from")
  func bias() throws {
    let population = [0.7] + [Double](repeating: 0, count: 29)
    let found = try (0..<10).map { seed in
      var joint = try JointCovariance(views: ["x", "y"], widths: [31, 30])
      try joint.add(rows(population, 300, seed: UInt64(seed)))
      return try CanonicalSolver().solve(joint).correlations[0].item(as: Double.self)
    }
    let mean = found.reduce(0, +) / 10
    #expect(mean > 0.73)
    #expect(abs(CanonicalIntervals.withoutBias(mean, 31, 30, degrees: 299) - 0.7) < 0.03)
    #expect(CanonicalIntervals.withoutBias(0.3, 31, 30, degrees: 299) == 0)
  }

  @Test("rows with heavy tails have wider intervals than normal ones")
  func tails() throws {
    var widths: [Double] = []
    for isHeavy in [false, true] {
      let width = try (0..<8).map { seed in
        let generator = try Generator(seed: UInt64(100 + seed))
        var rows = try rows([0.7, 0], 300, seed: UInt64(seed))
        if isHeavy {
          // Each row is scaled as a whole, which leaves correlations as they are.
          let scale = try Tensor.uniform([300, 1], in: 0.01..<1, .float64, using: generator).power(-0.4)
          rows = try rows.map { try $0 * scale }
        }
        let range = try intervals(rows)[0]
        return range.upperBound - range.lowerBound
      }
      widths.append(width.reduce(0, +))
    }
    #expect(widths[1] > 1.1 * widths[0])
  }

  @Test("loadings have intervals from rows drawn again")
  func loadings() throws {
    let found = try CanonicalBootstrap(
      rows: rows([0.9, 0], 200, seed: 4), views: ["x", "y"],
      solver: CanonicalSolver(components: .exactly(1)), count: 60, seed: 1)
    for view in found.loadings {
      let (lower, upper) = (try view.lower.values(as: Double.self), try view.upper.values(as: Double.self))
      #expect(lower[0] * upper[0] > 0 && min(abs(lower[0]), abs(upper[0])) > 0.9)
      #expect(zip(lower, upper).allSatisfy { $0 <= $1 })
    }
  }
}
