import Torch

/// A row that a search found.
public struct RankedRow: Sendable, Equatable {
  /// Place of the row among those that were searched.
  public let row: Int
  public let score: Double
  /// 1 for the best.
  public let rank: Int

  public init(row: Int, score: Double, rank: Int) {
    self.row = row
    self.score = score
    self.rank = rank
  }
}

extension Run {
  /// Scores that are looked at together.
  private static let blockSize = 1 << 22

  /// The best rows of `gallery` for each query, best first; equal scores in order of their rows, NaN last.
  ///
  /// - Parameters:
  ///   - queries: features of modality number `side`.
  ///   - gallery: features of modality number `target`; nil for the other one.
  ///   - count: how many to find for each query; fewer when the gallery is smaller.
  /// - Throws: ``RunError/comparesAcross(method:modality:)`` where items of one modality are to be compared by a method
  ///   that cannot.
  public func ranked(
    _ queries: Features, from side: Int, in gallery: Features, of target: Int? = nil, top count: Int
  ) throws -> [[RankedRow]] {
    let score = try scoring(from: side, to: target)
    let kept = min(count, gallery.count)
    guard kept > 0 else { return Array(repeating: [], count: queries.count) }
    let block = max(1, Self.blockSize / gallery.count)
    return try withoutGradient {
      try stride(from: 0, to: queries.count, by: block).flatMap { start in
        let part = try queries.items(start..<min(start + block, queries.count))
        return try score(part, gallery).to(.cpu).to(.float64).ranked(top: kept)
      }
    }
  }

  /// How queries of a modality are scored against items of another or of the same, `[n, m]`.
  private func scoring(from side: Int, to target: Int?) throws -> (Features, Features) throws -> Tensor {
    let method = try alignment()
    guard side != target || modalities.count == 1 else {
      // What stands in one space is compared there, but for an order, which has an upper and a lower side.
      guard let joint = method as? any JointEmbedding, joint.metric != .order else {
        throw RunError.comparesAcross(method: about.name, modality: modalities[side])
      }
      return { try joint.metric.scores($0.values, $1.values) }
    }
    return side == 0 ? method.similarity : { try method.similarity($1, $0).transposed() }
  }
}

extension Tensor {
  /// The best columns of each row, of float64 `[n, m]`.
  fileprivate func ranked(top count: Int) throws -> [[RankedRow]] {
    let scores = try masked(with: isNaN(), fill: -.infinity)
    // One more than is wanted shows whether equals stand on both sides of the cut.
    let width = Swift.min(count + 1, size(along: 1))
    let (values, columns) = try scores.top(width)
    let (best, places) = (try values.values(as: Double.self), try columns.values(as: Int.self))
    return try (0..<size(along: 0)).map { row in
      let own = row * width..<(row + 1) * width
      var found = zip(best[own], places[own]).map { (score: $0, row: $1) }
      if width > count, found[count].score == found[count - 1].score {
        found = try scores[row].values(as: Double.self).enumerated().filter {
          $0.element >= found[count].score
        }
        .map { (score: $0.element, row: $0.offset) }
      }
      found.sort { ($1.score, $0.row) < ($0.score, $1.row) }
      return found.prefix(count).enumerated().map {
        RankedRow(row: $1.row, score: $1.score, rank: $0 + 1)
      }
    }
  }
}
