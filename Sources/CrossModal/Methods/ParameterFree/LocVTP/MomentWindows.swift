/// Stretches of a video that stand out in a curve of one number a clip.
enum MomentWindows {
  /// Clips next to each other, and how much they stand out: no more than those that were found before.
  struct Window: Equatable {
    var clips: Range<Int>
    var score: Double
  }

  /// The best stretches, none of which overlap, best first.
  ///
  /// The best one has the largest sum of its numbers less the middle between the mean and the maximum of all; the next ones
  /// are found in what is left, by its own middle.
  static func zeroShot(_ curve: [Double], count: Int) -> [Window] {
    windows(in: curve.count, count: count) { free in
      let own = middle(free.flatMap { curve[$0] })
      return { curve[$0] - own }
    }
  }

  /// The best stretches by the sum of numbers that are positive inside of a moment and negative outside. What is found where
  /// all are negative is what stands out of them.
  static func learned(_ gains: [Double], count: Int) -> [Window] {
    windows(in: gains.count, count: count) { free in
      let own = min(0, middle(free.flatMap { gains[$0] }))
      return { gains[$0] - own }
    }
  }

  private static func middle(_ numbers: [Double]) -> Double {
    let mean = numbers.reduce(0, +) / Double(max(1, numbers.count))
    return (mean + (numbers.max() ?? 0)) / 2
  }

  private static func windows(
    in length: Int, count: Int, _ gain: (_ free: [Range<Int>]) -> (Int) -> Double
  ) -> [Window] {
    var (free, found) = (length > 0 ? [0..<length] : [], [Window]())
    while found.count < count, !free.isEmpty {
      let own = gain(free)
      let candidates = free.map { best(in: $0, own) }
      guard let place = candidates.indices.max(by: { candidates[$0].score < candidates[$1].score }) else {
        break
      }
      let range = free[place]
      var window = candidates[place]
      window.score = min(window.score, found.last?.score ?? .infinity)
      found.append(window)
      let rest = [range.lowerBound..<window.clips.lowerBound, window.clips.upperBound..<range.upperBound]
      free.replaceSubrange(place...place, with: rest.filter { !$0.isEmpty })
    }
    return found
  }

  /// The stretch with the largest sum (Kadane's); the first of equals.
  private static func best(in range: Range<Int>, _ gain: (Int) -> Double) -> Window {
    var best = Window(clips: range.lowerBound..<range.lowerBound + 1, score: -.infinity)
    var (start, sum) = (range.lowerBound, 0.0)
    for place in range {
      if sum <= 0 { (start, sum) = (place, 0) }
      sum += gain(place)
      if sum > best.score { best = Window(clips: start..<place + 1, score: sum) }
    }
    return best
  }
}
