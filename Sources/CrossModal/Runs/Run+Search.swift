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

/// Items of one modality of one or several splits, to be searched as one.
public struct Gallery {
  public let features: Features
  private let places: [(split: Split, row: Int)]
  private let side: Int

  /// - Throws: ``RunError`` without items; what reading and encoding them throws.
  public init(_ run: Run, of splits: [Split], side: Int) throws {
    features = try Features(joining: splits.map { try run.features(of: $0, side: side) })
    places = splits.flatMap { split in (0..<split.count(side: side)).map { (split, $0) } }
    self.side = side
  }

  /// The split and the row within it of an item that a search found.
  public func place(of match: Match) -> (split: Split, row: Int) { places[match.row] }

  /// What a person sees of an item that a search found.
  public func card(of match: Match) throws -> Card {
    let (split, row) = place(of: match)
    return try split.card(side: side, row: row)
  }
}
