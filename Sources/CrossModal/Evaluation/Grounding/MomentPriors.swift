import Torch

/// Moments that are guessed without a look: the middle of a video, and the one stretch that fits the moments that were
/// learned from best, as shares of a video's length.
struct MomentPriors {
  /// Begin and end as shares of the length.
  private let center, fixed: (start: Double, end: Double)

  /// Places that a stretch may begin and end at.
  private static let steps = 32
  /// More tell no more.
  private static let most = 20_000

  /// - Parameters:
  ///   - moments: that were learned from.
  ///   - durations: of the video of each, in seconds.
  init?(moments: [ClosedRange<Double>], durations: [Double]) {
    let every = Swift.max(1, moments.count / Self.most)
    let shares = zip(moments, durations).enumerated().compactMap { place, pair -> ScoredMoment? in
      let (moment, duration) = pair
      guard place % every == 0, duration > 0 else { return nil }
      return ScoredMoment(start: moment.lowerBound / duration, end: moment.upperBound / duration)
    }
    guard !shares.isEmpty else { return nil }
    let length = shares.reduce(0) { $0 + $1.end - $1.start } / Double(shares.count)
    center = (0.5 - length / 2, 0.5 + length / 2)
    var best = (overlap: -1.0, start: 0.0, end: 1.0)
    for start in 0..<Self.steps {
      for end in start + 1...Self.steps {
        let window = ScoredMoment(
          start: Double(start) / Double(Self.steps), end: Double(end) / Double(Self.steps))
        let overlap = shares.reduce(0) { $0 + $1.overlap(with: window) }
        if overlap > best.overlap { best = (overlap, window.start, window.end) }
      }
    }
    fixed = (best.start, best.end)
  }

  /// What they reach on other videos.
  func priors(truth: [ScoredMoment], durations: [Double]) throws -> [Prior] {
    try [("center", center), ("best fixed window", fixed)].map { name, window in
      let guesses = durations.map {
        [ScoredMoment(start: window.start * $0, end: window.end * $0)]
      }
      return Prior(name, try GroundingMetrics(moments: guesses, truth: truth, depths: [1]).measures)
    }
  }
}

extension TrainingSet {
  /// Seconds of the video of each pair: of the modality whose rows have a rate; nil where none has.
  var durationsOfPairs: [Double]? {
    for side in description.modalities.indices {
      guard let rate = rate(side: side), let lengths = lengths(side: side) else { continue }
      let seconds = lengths.map { Double($0) / rate }
      return itemsOfPairs.map { items in items[side].map { seconds[$0] } } ?? seconds
    }
    return nil
  }
}
