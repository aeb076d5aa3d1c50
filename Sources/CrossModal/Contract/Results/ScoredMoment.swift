import Torch

/// A stretch of a video that may be the one asked for, in seconds.
public struct ScoredMoment: Sendable, Equatable {
  public var start: Double
  public var end: Double
  /// Higher is more likely.
  public var score: Double

  public init(start: Double, end: Double, score: Double = 0) {
    self.start = start
    self.end = end
    self.score = score
  }

  /// Length of the common part over the length from the earlier start to the later end; 0 when disjoint.
  public func overlap(with other: ScoredMoment) -> Double {
    let common = min(end, other.end) - max(start, other.start)
    let hull = max(end, other.end) - min(start, other.start)
    return hull > 0 ? max(0, common) / hull : 0
  }

  /// ``overlap(with:)`` of every cell of a map `[clips, clips]`, in row-major order: cell (i, j) is the moment from the start of
  /// clip i to the end of clip j.
  public func overlaps(clips: Int, duration: Double) -> [Double] {
    let unit = duration / Double(clips)
    return (0..<clips * clips).map { cell in
      overlap(
        with: ScoredMoment(start: Double(cell / clips) * unit, end: Double(cell % clips + 1) * unit))
    }
  }

  /// The moments of a score map `[clips, clips]`: cell (i, j) is the one from the start of clip i to the end
  /// of clip j. Cells of score 0 and NaN are none.
  ///
  /// - Returns: best first; equal scores in row-major order.
  public static func candidates(_ scores: Tensor, duration: Double) throws -> [ScoredMoment] {
    let clips = scores.size(along: 0)
    guard scores.shape == [clips, clips] else {
      throw EvaluationError.badBlock(shape: scores.shape, expected: [clips, clips])
    }
    let values = try scores.values(as: Double.self)
    let cells = values.indices.filter { values[$0] != 0 && !values[$0].isNaN }
    let unit = duration / Double(clips)
    return cells.sorted { values[$0] > values[$1] || (values[$0] == values[$1] && $0 < $1) }.map { cell in
      ScoredMoment(
        start: Double(cell / clips) * unit, end: Double(cell % clips + 1) * unit, score: values[cell])
    }
  }

  /// Greedy non-maximum suppression: of moments ordered best first those that overlap no kept one by more
  /// than `threshold`, at most `count`.
  public static func suppressed(_ moments: [ScoredMoment], threshold: Double, keeping count: Int = .max)
    -> [ScoredMoment]
  {
    var kept: [ScoredMoment] = []
    for moment in moments where kept.count < count {
      if kept.allSatisfy({ $0.overlap(with: moment) <= threshold }) { kept.append(moment) }
    }
    return kept
  }
}
