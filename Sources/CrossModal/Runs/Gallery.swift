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
  /// The splits without the items that cannot be read, where those were looked for.
  public let splits: [Split]
  /// Items that cannot be read, in the order of ``splits``.
  public let damaged: [[DamagedPicture]]
  private let run: Run
  private let places: [(split: Split, row: Int)]
  private let side: Int

  /// - Parameters:
  ///   - splits: where the items are; an item of several splits is found once, in the first of them.
  ///   - side: the modality whose items are searched.
  ///   - kept: where features are looked for, and put, so that the next gallery need not encode; items that cannot be
  ///     read are then left out.
  ///   - progress: told how many items are encoded.
  /// - Throws: ``FeatureError`` without items; what reading and encoding them throws.
  public init(
    _ run: Run, of splits: [Split], side: Int, kept: KeptFeatures? = nil,
    progress: (Int) -> Void = { _ in }
  ) throws {
    var parts: [KeptFeatures.Contents] = []
    var done = 0
    for split in splits {
      parts.append(
        try kept?.contents(run, of: split, side: side, progress: { progress(done + $0) })
          ?? KeptFeatures.Contents(
            split: split, damaged: [],
            features: try run.features(of: split, side: side, progress: { progress(done + $0) })))
      done += split.count(side: side)
    }
    self.splits = parts.map(\.split)
    damaged = parts.map(\.damaged)
    let all = parts.flatMap { part in (0..<part.split.count(side: side)).map { (part.split, $0) } }
    var seen: Set<Int> = []
    let first = all.indices.filter { place in
      let (split, row) = all[place]
      return split.sharedRow(side: side, row: row).map { seen.insert($0).inserted } ?? true
    }
    let joined = try Features(joining: parts.map(\.features))
    features = first.count == all.count ? joined : try joined.rows(at: first)
    places = first.map { all[$0] }
    self.run = run
    self.side = side
  }

  /// Number of items.
  public var count: Int { places.count }

  /// The place of an item among those that are searched; nil where it is not among them.
  public func place(split: String, row: Int) -> Int? {
    guard let wanted = splits.first(where: { $0.name == split }) else { return nil }
    let shared = wanted.sharedRow(side: side, row: row)
    return places.firstIndex {
      $0.row == row && $0.split.name == split
        || shared != nil && $0.split.sharedRow(side: side, row: $0.row) == shared
    }
  }

  /// The items nearest to a text of the other modality.
  ///
  /// - Throws: ``QueryError`` where the other modality is no text.
  public func search(_ text: String, top count: Int = 10) throws -> [Hit] {
    let other = try otherSide()
    return try search(Items(text: text, as: run.record.data.modalities[other]), top: count)[0]
  }

  /// The items nearest to each of some items of another modality; of the same, where the run has but one or the method
  /// gives vectors (picture to picture).
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
    let found = try run.ranked(
      queries, from: side, in: features, of: self.side, top: count + (own == nil ? 0 : 1))
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
