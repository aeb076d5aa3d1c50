import Testing
import Torch

@testable import CrossModal

@Suite("Confidence intervals")
struct ConfidenceIntervalTests {
  /// 0 and 1, the latter `hits` times.
  private func shares(_ hits: Int, of items: Int) -> [Double] { (0..<items).map { $0 < hits ? 1 : 0 } }

  @Test("shares have Wilson's interval, with a width also where nothing or everything was found")
  func wilson() throws {
    // Newcombe, Statistics in Medicine 1998, table I, method 3.
    for (hits, items, lower, upper) in [
      (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718),
    ] {
      let interval = try Resampling(samples: 3).interval(ofMean: shares(hits, of: items))
      #expect(abs(interval.lower - lower) < 6e-5 && abs(interval.upper - upper) < 6e-5, "\(hits) of \(items)")
      #expect(interval.value == Double(hits) / Double(items))
      let misses = try Resampling(samples: 3).interval(ofMean: shares(items - hits, of: items))
      #expect(abs(misses.lower + interval.upper - 1) < 1e-12)
    }
  }

  @Test("items that stand and fall together tell as much as one, others as much as themselves")
  func groups() throws {
    let hits = shares(30, of: 100)
    let one = try Resampling(samples: 10).interval(ofMean: hits)
    let copies = (0..<500).map { hits[$0 / 5] }
    let groups = (0..<500).map { $0 / 5 }
    let together = try Resampling(samples: 2000).interval(ofMean: copies, groups: groups)
    #expect(abs(together.lower - one.lower) < 0.005 && abs(together.upper - one.upper) < 0.005)
    var random = SeededGenerator(seed: 3)
    let apart = (0..<500).map { _ in random.unit() < 0.3 ? 1.0 : 0 }
    let grouped = try Resampling(samples: 2000).interval(ofMean: apart, groups: groups)
    let single = try Resampling(samples: 10).interval(ofMean: apart)
    #expect(abs(grouped.upper - grouped.lower - (single.upper - single.lower)) < 0.015)
    // Of groups that all failed nobody knows.
    let none = try Resampling(samples: 10).interval(ofMean: copies.map { _ in 0 }, groups: groups)
    let few = try Resampling(samples: 10).interval(ofMean: shares(0, of: 100))
    #expect(none == few)
  }

  @Test("of many tests the interval of a mean between two ends holds the truth in about 95 %")
  func means() throws {
    // Most items are all right and some are not at all, or the other way round.
    for (high, truth) in [(true, 0.975), (false, 0.025)] {
      var random = SeededGenerator(seed: 5)
      let covered = try (0..<100).count { set in
        let values = (0..<60).map { _ in random.unit() < 0.05 ? random.unit() : 0 }.map { high ? 1 - $0 : $0 }
        let test = try SummedTest(means: [.init("mean", values)])
        let interval = Resampling(samples: 100, seed: UInt64(set)).intervals(of: test)[0].interval
        #expect(interval.lower <= interval.value && interval.value <= interval.upper)
        #expect(interval.lower >= 0 && interval.upper <= 1 && interval.lower < interval.upper)
        return interval.lower <= truth && truth <= interval.upper
      }
      #expect((88...99).contains(covered), "\(covered) of 100")
    }
  }

  @Test(
    "an unseen part of a number that is a mean of many moves it less, unless all are at an end as a whole")
  func parts() {
    let middle = [0.1, 0.2, 0.3]
    #expect(ResampledKind.mean(of: middle, within: 0...1) == .bounded(0...1))
    guard case .bounded(let ends) = ResampledKind.mean(of: middle, parts: 50, within: 0...1) else {
      Issue.record("a mean between two ends is none")
      return
    }
    #expect(abs(ends.lowerBound - 0.196) < 1e-12 && abs(ends.upperBound - 0.216) < 1e-12)
    #expect(ResampledKind.mean(of: [1, 1, 1], parts: 50, within: 0...1) == .bounded(0...1))
  }

  @Test("two equal results differ by nothing, give or take what so few items can tell")
  func equalResults() throws {
    let same = shares(60, of: 60)
    let comparison = try Resampling(samples: 500).comparison(ofMeans: same, same)
    let difference = comparison.difference
    #expect(difference.value == 0 && difference.lower < 0 && difference.upper > 0)
    #expect(difference.lower > -0.1 && difference.upper < 0.1)
    #expect(comparison.bootstrap == 1 && comparison.randomization == 1)
  }

  @Test("quantiles of the normal distribution are right to 12 digits")
  func normalQuantiles() {
    for (p, z) in [
      (0.975, 1.959963984540054), (0.5, 0), (1e-10, -6.361340902404056), (0.9, 1.2815515655446004),
    ] {
      #expect(abs(TailProbability.normalQuantile(p) - z) < 1e-12)
    }
    #expect(TailProbability.normalQuantile(1) == .infinity && TailProbability.normalQuantile(0) == -.infinity)
    #expect(abs(TailProbability.normal(1.959963984540054) - 0.025) < 1e-15)
  }
}
