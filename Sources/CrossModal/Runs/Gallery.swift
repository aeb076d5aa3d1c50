import Torch

/// Items of one modality of one or several splits, encoded once, to be searched as one.
///
/// ```swift
/// let pictures = try run.gallery("image", of: data.split("test"))
/// for hit in try pictures.search("red heart", top: 5) { print(hit.rank, hit.score, hit.card.label) }
/// ```
public struct Gallery {
  /// An item that a search found.
  public struct Hit: Sendable {
    /// 1 for the best.
    public let rank: Int
    public let score: Double
    /// The split and the row within it.
    public let split: String
    public let row: Int
    /// What a person sees of it.
    public let card: Card
  }

  public let features: Features
  private let run: Run
  private let places: [(split: Split, row: Int)]
  private let side: Int

  /// - Parameter side: the modality whose items are searched.
  /// - Throws: ``FeatureError`` without items; what reading and encoding them throws.
  public init(_ run: Run, of splits: [Split], side: Int) throws {
    features = try Features(joining: splits.map { try run.features(of: $0, side: side) })
    places = splits.flatMap { split in (0..<split.count(side: side)).map { (split, $0) } }
    self.run = run
    self.side = side
  }

  /// Number of items.
  public var count: Int { places.count }

  /// The items nearest to a text of the other modality.
  ///
  /// - Throws: ``QueryError`` where the other modality is no text.
  public func search(_ text: String, top count: Int = 10) throws -> [Hit] {
    let other = try otherSide()
    return try search(Items(text: text, as: run.record.data.modalities[other]), top: count)[0]
  }

  /// The items nearest to each of some items of another modality; of a run of one modality, of the same.
  ///
  /// - Parameter side: the modality of the queries; nil for the other one of two.
  public func search(_ queries: Items, from side: Int? = nil, top count: Int = 10) throws -> [[Hit]] {
    let side = try side ?? otherSide()
    return try search(run.encode(queries, side: side), from: side, top: count)
  }

  /// The items nearest to features that were computed before.
  ///
  /// - Parameter own: the row of each query among the items that are searched, which does not find itself; nil where
  ///   queries are no such items.
  public func search(
    _ queries: Features, from side: Int, top count: Int = 10, except own: [Int]? = nil
  ) throws -> [[Hit]] {
    let found = try run.ranked(queries, from: side, in: features, top: count + (own == nil ? 0 : 1))
    return try found.enumerated().map { query, rows in
      try rows.filter { $0.row != own?[query] }.prefix(count).enumerated().map { place, found in
        let (split, row) = places[found.row]
        return Hit(
          rank: place + 1, score: found.score, split: split.name, row: row,
          card: try split.card(side: self.side, row: row))
      }
    }
  }

  private func otherSide() throws -> Int {
    guard run.modalities.count <= 2 else {
      throw EvaluationError.badValue(
        "a search of \(run.modalities[side]) can begin at \(run.modalities.filter { $0 != run.modalities[side] }.joined(separator: " or ")): name one"
      )
    }
    return run.modalities.count > 1 ? 1 - side : side
  }
}

extension Run {
  /// Items of a modality of some splits, encoded once, to be searched.
  ///
  /// - Throws: ``RunError`` when the run knows no such modality.
  public func gallery(_ modality: String, of splits: Split...) throws -> Gallery {
    try Gallery(self, of: splits, side: side(of: modality))
  }
}
