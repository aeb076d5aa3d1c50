import Foundation
import Testing
import Torch

@testable import CrossModal

/// A result of one share and one mean of items.
private struct ToyResult: TaskResult {
  let hits: [Double]
  let sizes: [Double]
  var `protocol` = "toys"

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
  var measures: [Measure] {
    [Measure("hits", 100 * Self.mean(hits), .percent), Measure("size", Self.mean(sizes))]
  }
  var counts: [(name: String, count: Int)] { [("toys", hits.count)] }
  var resampled: [any ResampledTest] {
    (try? SummedTest(means: [
      .init("hits", hits, scale: 100), .init("size", sizes, range: nil),
    ])).map { [$0] } ?? []
  }
}

@Suite("Results of several seeds")
struct AveragedResultTests {
  /// What a model gives on items whose difficulty is the same for all: its own luck moves every number.
  private func results(
    _ models: Int, luck: Double, items: Int = 60, gain: Double = 0, _ random: inout SeededGenerator
  ) throws -> AveragedResult {
    let difficulty = (0..<items).map { _ in random.unit() }
    return try AveragedResult(
      (0..<models).map { model in
        let own = luck * Self.normal(&random) + gain
        return (
          name: "seed-\(model)",
          result: ToyResult(
            hits: difficulty.map { $0 + own > 0.5 ? 1 : 0 }, sizes: difficulty.map { $0 + own })
        )
      })
  }

  private static func normal(_ random: inout SeededGenerator) -> Double {
    (2 * random.exponential()).squareRoot() * cos(2 * .pi * random.unit())
  }

  @Test("numbers are means over the models, with their standard deviation, in the form of the task")
  func means() throws {
    let each = [[1.0, 1, 0, 0], [1, 1, 1, 0]].map { ToyResult(hits: $0, sizes: $0.map { 2 * $0 }) }
    let result = try AveragedResult([("a", each[0]), ("b", each[1])])
    #expect(result.measures.map(\.value) == [62.5, 1.25])
    #expect(result.values(of: result.measures[0]) == [50, 75])
    let deviation = try #require(result.deviation(of: result.measures[0]))
    #expect(abs(deviation - 12.5 * 2.0.squareRoot()) < 1e-12)
    #expect(result.protocol == "toys" && result.counts.map(\.count) == [4])
    #expect(result.json["hits"]?.double == 62.5)
    let details = JSON.object(result.details)
    #expect(details["models"]?.array?.compactMap(\.string) == ["a", "b"])
    #expect(details["deviations"]?["hits"]?.double == deviation)
    let alone = try AveragedResult([("a", each[0])])
    #expect(alone.deviation(of: alone.measures[0]) == nil)
    #expect(alone.measures == each[0].measures)
  }

  @Test("results of different tests are refused, and none are")
  func refused() throws {
    let result = ToyResult(hits: [1, 0], sizes: [1, 2])
    var other = result
    other.protocol = "others"
    #expect(throws: EvaluationError.self) { try AveragedResult([("a", result), ("b", other)]) }
    #expect(throws: EvaluationError.self) {
      try AveragedResult([("a", result), ("b", ToyResult(hits: [1], sizes: [1]))])
    }
    #expect(throws: EvaluationError.noQueries) { try AveragedResult([]) }
  }

  @Test("models that are the same give the interval of items alone, and luck makes it wider")
  func intervals() throws {
    var random = SeededGenerator(seed: 3)
    let same = try results(3, luck: 0, items: 400, &random)
    let resampling = Resampling(samples: 600, seed: 1)
    let found = resampling.intervals(of: same).map(\.interval)
    let alone = resampling.intervals(of: same.results[0].result).map(\.interval)
    for (found, alone) in zip(found, alone) {
      #expect(abs(found.value - alone.value) < 1e-9)
      #expect(
        abs(found.upper - found.lower - (alone.upper - alone.lower)) < 0.15 * (alone.upper - alone.lower))
    }
    random = SeededGenerator(seed: 3)
    let lucky = try resampling.intervals(of: results(3, luck: 0.2, items: 400, &random)).map(\.interval)
    for (lucky, found) in zip(lucky, found) {
      #expect(lucky.upper - lucky.lower > 2 * (found.upper - found.lower))
    }
    // However far few models are apart, a share stays a share.
    #expect(lucky[0].lower >= 0 && lucky[0].upper <= 100)
  }

  @Test("the interval holds what other seeds and items give on average, about as often as it says")
  func coverage() throws {
    var random = SeededGenerator(seed: 11)
    var held = 0
    for seed in 0..<300 {
      let result = try results(3, luck: 0.05, &random)
      let interval = try #require(
        Resampling(samples: 200, seed: UInt64(seed)).intervals(of: result).last?.interval)
      if interval.lower <= 0.5, 0.5 <= interval.upper { held += 1 }
    }
    #expect(held > 300 * 9 / 10, "\(held) of 300")
  }

  @Test("groups are compared with groups of any size, and with one model")
  func comparisons() throws {
    var random = SeededGenerator(seed: 5)
    let base = try results(3, luck: 0.01, &random)
    // The same items for all.
    func others(_ models: Int, luck: Double, gain: Double) throws -> AveragedResult {
      var random = SeededGenerator(seed: 5)
      return try results(models, luck: luck, gain: gain, &random)
    }
    let resampling = Resampling(samples: 300, seed: 2)
    func size(_ other: AveragedResult) throws -> PairedComparison {
      try #require(resampling.comparisons(of: base, other).last?.comparison)
    }
    for models in [1, 2, 5] {
      let better = try size(others(models, luck: 0.001, gain: 0.3))
      #expect(abs(better.difference.value - 0.3) < 0.02 && better.randomization < 0.05, "\(models)")
      #expect(better.difference.lower > 0 || models == 2, "\(models)")
    }
    // What luck alone may do is no difference, though every item says so.
    let lucky = try size(others(3, luck: 0.3, gain: 0))
    #expect(lucky.randomization > 0.05 && lucky.bootstrap > 0.05)
    let same = try size(base)
    #expect(same.difference.value == 0 && same.randomization == 1)
    // Without items in common there is nothing to compare.
    #expect(throws: EvaluationError.self) {
      try resampling.comparisons(of: base, results(3, luck: 0, items: 61, &random))
    }
  }
}
