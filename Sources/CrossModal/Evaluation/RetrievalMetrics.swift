import Foundation

/// What one direction of a retrieval test gave: one modality's items search among the other's.
public struct DirectionMetrics: Sendable, Equatable {
  /// Every query, in the order of rows within each fold.
  public let queries: [QueryResult]
  /// Precision against recall over all queries; nil when nothing is relevant.
  public let precisionRecall: PrecisionRecall?
  /// The numbers.
  public let summary: RetrievalSummary
  /// What the items that are searched do to mAP and nDCG; empty where queries hardly share any.
  let gallery: [GalleryItem]

  init(queries: [QueryResult], precisionRecall: PrecisionRecall?, gallery: [GalleryItem] = []) {
    self.queries = queries
    self.precisionRecall = precisionRecall
    self.gallery = gallery
    summary = RetrievalSummary(of: queries)
  }

  /// Queries without a relevant item to find, which are left out of mAP and nDCG.
  public var withoutRelevant: Int { queries.count { $0.averagePrecision == nil } }
  /// Queries without a paired item, which are left out of R@K, ranks and MRR; none where there are no pairs at all.
  public var withoutPair: Int { summary.recalls == nil ? 0 : queries.count { $0.rank == nil } }

  /// The queries whose paired item came latest; the first rows among equals.
  public func worst(_ count: Int) -> [QueryResult] { Array(ordered { $0 > $1 }.prefix(count)) }

  /// The queries whose paired item came first; the first rows among equals.
  public func best(_ count: Int) -> [QueryResult] { Array(ordered { $0 < $1 }.prefix(count)) }

  private func ordered(by comesFirst: (Double, Double) -> Bool) -> [QueryResult] {
    let ranked = queries.compactMap { query in query.rank.map { (rank: $0, query: query) } }
    return ranked.enumerated().sorted {
      $0.element.rank == $1.element.rank
        ? $0.offset < $1.offset : comesFirst($0.element.rank, $1.element.rank)
    }.map(\.element.query)
  }

  /// mAP of the queries of each class, where `labels` holds the class of each query's row.
  public func meanAveragePrecision(byClass labels: [Int]) -> [Int: Double] {
    let known = queries.filter { $0.averagePrecision != nil && labels.indices.contains($0.row) }
    return Dictionary(grouping: known) { labels[$0.row] }.mapValues { members in
      members.reduce(0) { $0 + ($1.averagePrecision ?? 0) } / Double(members.count)
    }
  }
}

/// What a retrieval test gave, in both directions.
public struct RetrievalMetrics: Sendable, Equatable {
  /// Names of the two modalities.
  public let modalities: [String]
  /// Number of items of each modality.
  public let counts: [Int]
  /// How it was measured, in one line; results are comparable when these lines are equal.
  public let `protocol`: String
  /// The first modality's items search among the second's.
  public let forward: DirectionMetrics
  /// The second modality's items search among the first's.
  public let backward: DirectionMetrics

  /// Sum of R@1, R@5 and R@10 of both directions, 600 at best; nil without pairs.
  public var rsum: Double? {
    guard let there = forward.summary.recalls, let back = backward.summary.recalls else { return nil }
    return (there + back).reduce(0, +)
  }

  /// Whether items of the query's class are relevant, rather than its pairs.
  public let hasLabels: Bool

  /// Names of the directions: `image_to_text` and `text_to_image`.
  public var directionNames: [String] {
    ["\(modalities[0])_to_\(modalities[1])", "\(modalities[1])_to_\(modalities[0])"]
  }

  /// The object `metrics` of `evaluate --json`.
  public var json: JSON {
    var members = [
      JSON.Member(directionNames[0], forward.summary.json),
      JSON.Member(directionNames[1], backward.summary.json),
    ]
    if let rsum { members.append(JSON.Member("rsum", .double(rsum))) }
    return .object(members)
  }

  /// Which queries had nothing to find and so are in no mean, a sentence for each direction and reason.
  public var omissions: [String] {
    zip(directionNames, [forward, backward]).flatMap { name, direction -> [String] in
      let (direction, name) = (direction, name.replacingOccurrences(of: "_", with: " "))
      func sentence(_ count: Int, _ lack: String, _ measures: String) -> String {
        "\(name): \(count) of \(direction.queries.count) queries have no \(lack) item and are left out of \(measures)"
      }
      let (pairs, relevant) = (direction.withoutPair, direction.withoutRelevant)
      guard hasLabels else { return pairs > 0 ? [sentence(pairs, "paired", "every mean")] : [] }
      return (pairs > 0 ? [sentence(pairs, "paired", "R@K, ranks and MRR")] : [])
        + (relevant > 0 ? [sentence(relevant, "relevant", "mAP and nDCG")] : [])
    }
  }

  /// The same in numbers: `{"without_pair": {"image_to_text": 3}, "without_relevant": {…}}`, where there are such.
  var omissionsJSON: [JSON.Member] {
    let directions = Array(zip(directionNames, [forward, backward]))
    let kinds: [(String, KeyPath<DirectionMetrics, Int>)] = [
      ("without_pair", \.withoutPair), ("without_relevant", \.withoutRelevant),
    ]
    return
      kinds
      .compactMap { key, count in
        let counts = directions.filter { $0.1[keyPath: count] > 0 }
        guard !counts.isEmpty else { return nil }
        return JSON.Member(key, .object(counts.map { JSON.Member($0.0, .int($0.1[keyPath: count])) }))
      }
  }

  /// The object `n` of `evaluate --json`: items of each modality.
  public var countsJSON: JSON {
    .object(zip(modalities, counts).map { JSON.Member($0, .int($1)) })
  }

  /// Every number under a dotted name (`image_to_text.R@1`, `rsum`), for logs and for choosing the best epoch.
  public var measures: [Measure] {
    let both = zip(directionNames, [forward, backward]).flatMap { name, direction in
      direction.summary.measures.map { $0.named("\(name).\($0.name)") }
    }
    return both + (rsum.map { [Measure("rsum", $0, .percent)] } ?? [])
  }

  /// ``measures`` without what they count.
  public var values: [(name: String, value: Double)] { measures.map { ($0.name, $0.value) } }
}
