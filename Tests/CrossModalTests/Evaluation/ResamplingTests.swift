import CrossModal
import Testing
import Torch

@Suite("Resampling")
struct ResamplingTests {
  /// Noisy scores of 40 images against 3 captions each; more `signal` is a better model.
  private func metrics(signal: Double, seed: UInt64, folds: Bool = false) throws -> RetrievalMetrics {
    var random = SeededGenerator(seed: seed)
    let table = (0..<40).flatMap { x in
      (0..<120).map { random.unit() + ($0 / 3 == x ? signal : 0) }
    }
    return try RetrievalEvaluation(protocol: folds ? .folds(size: 10) : .full).metrics(
      of: ScoreSource(Tensor(table).reshaped(40, 120)), truth: .consecutive(3, first: 40),
      modalities: ["image", "text"])
  }

  @Test("intervals hold the measured number, are the same for the same seed, and name every number")
  func intervals() throws {
    for folds in [false, true] {
      let metrics = try metrics(signal: 0.3, seed: 1, folds: folds)
      let intervals = Resampling(samples: 150, seed: 4).intervals(of: metrics)
      #expect(intervals.map(\.name) == metrics.values.map(\.name))
      for (entry, value) in zip(intervals, metrics.values) {
        #expect(entry.interval.value == value.value)
        #expect(entry.interval.lower <= value.value && value.value <= entry.interval.upper)
        // Everything is among the first ten of a fold of ten.
        #expect(entry.interval.lower < entry.interval.upper || value.value == 100)
      }
      let again = Resampling(samples: 150, seed: 4).intervals(of: metrics)
      #expect(again.map(\.interval) == intervals.map(\.interval))
    }
  }

  @Test("the interval of a mean is near the one of the normal distribution")
  func intervalOfMean() throws {
    var random = SeededGenerator(seed: 7)
    let values = (0..<2000).map { _ in random.unit() }
    let interval = try Resampling(samples: 1000, seed: 1).interval(ofMean: values)
    let error = (1.0 / 12 / 2000).squareRoot()
    #expect(abs(interval.upper - interval.lower - 2 * 1.96 * error) < 0.2 * error)
    // Ten equal copies of each item tell no more than the item.
    let copies = (0..<20_000).map { values[$0 / 10] }
    let grouped = try Resampling(samples: 1000, seed: 1).interval(
      ofMean: copies, groups: (0..<20_000).map { $0 / 10 })
    #expect(abs(grouped.upper - interval.upper) < 1e-9 && abs(grouped.lower - interval.lower) < 1e-9)
  }

  @Test("a level outside of 0 to 1 is the nearest inside", arguments: [-1.0, 2, .infinity, .nan])
  func impossibleLevel(level: Double) throws {
    let interval = try Resampling(samples: 20, level: level).interval(ofMean: [1, 2, 3, 4])
    #expect(interval.lower >= 1 && interval.upper <= 4)
  }

  @Test("a clear improvement is significant, another draw of the same model is not, the same results least")
  func comparisons() throws {
    let base = try metrics(signal: 0.3, seed: 1)
    func comparison(_ other: RetrievalMetrics) throws -> PairedComparison {
      let all = try Resampling(samples: 400, seed: 2).comparisons(of: base, other)
      #expect(all.map(\.name) == base.values.map(\.name))
      return try #require(all.first { $0.name == "text_to_image.mAP" }?.comparison)
    }
    let better = try comparison(metrics(signal: 0.6, seed: 2))
    #expect(better.bootstrap < 0.01 && better.randomization < 0.01)
    #expect(better.difference.value > 0 && better.difference.lower > 0)
    let equal = try comparison(metrics(signal: 0.3, seed: 3))
    #expect(equal.bootstrap > 0.05 && equal.randomization > 0.05)
    let same = try comparison(base)
    #expect(same.bootstrap == 1 && same.randomization == 1 && same.difference.value == 0)
  }

  @Test("exchanging results gives the exact probability where it can be counted")
  func randomization() throws {
    // All eight differences have one sign: of 2^8 exchanges only two reach it.
    let comparison = try Resampling(samples: 20_000, seed: 3).comparison(
      ofMeans: [Double](repeating: 0, count: 8), [Double](repeating: 1, count: 8))
    #expect(abs(comparison.randomization - 2.0 / 256) < 0.002)
    #expect(comparison.bootstrap < 0.001)
  }

  @Test("results of different tests are refused")
  func differentTests() throws {
    #expect(throws: EvaluationError.self) {
      try Resampling().comparisons(
        of: metrics(signal: 0.3, seed: 1), metrics(signal: 0.3, seed: 1, folds: true))
    }
    #expect(throws: EvaluationError.self) { try Resampling().comparison(ofMeans: [1, 2], [1]) }
    #expect(throws: EvaluationError.noQueries) { try Resampling().interval(ofMean: []) }
  }

  @Test("Holm's correction multiplies the smallest p by their number and never falls")
  func holm() {
    #expect(holmCorrected([0.01, 0.04, 0.03, 0.005]) == [0.03, 0.06, 0.06, 0.02])
    #expect(holmCorrected([0.9, 0.8]) == [1, 1])
    #expect(holmCorrected([]) == [])
  }
}
