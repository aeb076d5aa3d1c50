import Torch

/// An item that a search found.
public struct Match: Sendable, Equatable {
  /// Place of the item among those that were searched.
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
  /// The best of `gallery` for each query, best first; equal scores in order of their rows.
  ///
  /// - Parameters:
  ///   - queries: features of modality number `side`.
  ///   - gallery: features of the other modality.
  ///   - count: how many to find for each query; fewer when the gallery is smaller.
  public func matches(
    for queries: Features, from side: Int, in gallery: Features, count: Int
  ) throws -> [[Match]] {
    let method = try alignment()
    return try withoutGradient {
      let scores =
        side == 0
        ? try method.similarity(queries, gallery) : try method.similarity(gallery, queries).transposed()
      let (values, rows) = try scores.to(.float64).sorted(along: 1, descending: true)
      let kept = min(count, gallery.count)
      let best = try values.narrowed(to: 0..<kept, along: 1).values(as: Double.self)
      let places = try rows.narrowed(to: 0..<kept, along: 1).values(as: Int.self)
      return (0..<queries.count).map { query in
        (0..<kept).map {
          Match(row: places[query * kept + $0], score: best[query * kept + $0], rank: $0 + 1)
        }
      }
    }
  }
}
