import Torch

/// A method whose settings say how retrieval is measured where nothing else is said.
protocol RetrievalMeasuring {
  /// - Parameter rows: items of the first modality.
  /// - Throws: ``EvaluationError`` when there are too few.
  func evaluation(rows: Int) throws -> RetrievalEvaluation
}

/// Measures retrieval in both directions from scores that come in blocks.
///
/// Ranks are counted, not sorted: the rank of a query is one more than the number of other items that score
/// higher than its best paired item, with equals by ``ties``. mAP and nDCG are over the whole gallery, with
/// equal scores in the order of the gallery.
///
/// Without labels no matrix is kept. Float32 vectors of a joint space are ranked by ``VectorRanking``. Of other
/// sources the scores of the pairs are computed first, then all scores a block at a time, so that those of the
/// pairs are computed twice. Scores are computed once and kept, up to ``memoryLimit`` in memory, where classes
/// decide, where an item has many pairs, and where a source gives a pair another score beside other items.
public struct RetrievalEvaluation: Sendable {
  public var `protocol`: RetrievalProtocol
  public var ties: TieRule
  /// Bytes of scores kept in memory; more are kept in a temporary file.
  public var memoryLimit: Int
  /// Bytes of scores asked of the source at a time.
  public var blockSize: Int
  /// Whether scores are kept even where ranks can be counted without.
  var keepsScores = false

  public init(
    protocol: RetrievalProtocol = .full, ties: TieRule = .pessimistic, memoryLimit: Int = 1 << 30,
    blockSize: Int = 1 << 25
  ) {
    self.protocol = `protocol`
    self.ties = ties
    self.memoryLimit = memoryLimit
    self.blockSize = blockSize
  }

  /// Metrics of scores `[first, second]` of all items against all.
  ///
  /// - Parameters:
  ///   - scores: where scores come from; higher is better, NaN is worst.
  ///   - truth: what belongs together.
  ///   - modalities: names of the first and of the second modality.
  /// - Throws: ``EvaluationError`` when counts disagree or nothing can be asked; whatever the source throws.
  /// - Complexity: O(first · second) beside the scores themselves.
  public func metrics(
    of scores: ScoreSource, truth: RetrievalTruth, modalities: [String] = ["first", "second"]
  )
    throws -> RetrievalMetrics
  {
    guard scores.first == truth.first, scores.second == truth.second else {
      throw EvaluationError.badBlock(
        shape: [scores.first, scores.second], expected: [truth.first, truth.second])
    }
    guard truth.first > 0, truth.second > 0 else { throw EvaluationError.noQueries }
    let units = truth.units
    var forward = DirectionSums()
    var backward = DirectionSums()
    let folds = try foldRanges(rows: truth.first)
    var exact: ExactScores?
    for (fold, rows) in folds.enumerated() {
      let columns = folds.count == 1 && rows.count == truth.first ? nil : truth.paired(with: rows)
      let part = columns.map { truth.restricted(to: rows, $0) } ?? truth
      let place = Place(fold: fold, rows: rows, columns: columns ?? Array(0..<truth.second))
      if let vectors = scores.vectors, !keepsScores,
        try rank(vectors, part, place, units, &forward, &backward)
      {
        continue
      }
      exact = try exact ?? scores.vectors.flatMap(ExactScores.init)
      // The first block says how exact the scores are.
      let first = try self.scores(scores, at: place, rows: rows.prefix(blockRows(place.columns.count)))
      if first.dtype == .float64 || exact != nil {
        try measure(Double.self, first, scores, exact, part, place, units, &forward, &backward)
      } else {
        try measure(Float.self, first, scores, exact, part, place, units, &forward, &backward)
      }
    }
    guard (forward.queries + backward.queries).contains(where: { $0.rank != nil || $0.gain != nil }) else {
      throw EvaluationError.noQueries
    }
    return RetrievalMetrics(
      modalities: modalities, counts: [truth.first, truth.second],
      protocol: sentence(truth, modalities, folds: folds), forward: forward.metrics,
      backward: backward.metrics, hasLabels: truth.hasLabels)
  }

  /// Metrics of a method from the features of all items of both modalities.
  public func metrics(
    of method: some Alignment, _ x: Features, _ y: Features, truth: RetrievalTruth,
    modalities: [String] = ["first", "second"]
  ) throws -> RetrievalMetrics {
    try metrics(of: ScoreSource(method, x, y), truth: truth, modalities: modalities)
  }

  // MARK: - One fold

  /// Which rows and columns of the whole test a fold is.
  struct Place {
    let fold: Int
    let rows: Range<Int>
    let columns: [Int]
  }

  struct DirectionSums {
    var queries: [QueryResult] = []
    var precisionRecall = PrecisionRecallSums()
    /// Of the folds so far.
    var gallery: [GalleryItem] = []
    /// Of the fold that is being measured, where classes decide.
    var influence: GalleryInfluence?
    var metrics: DirectionMetrics {
      DirectionMetrics(queries: queries, precisionRecall: precisionRecall.curve, gallery: gallery)
    }
  }

  private func measure<Score: BinaryFloatingPoint & TensorElement>(
    _ type: Score.Type, _ firstBlock: Tensor, _ scores: ScoreSource, _ exact: ExactScores?,
    _ truth: RetrievalTruth, _ place: Place, _ units: (first: [Int], second: [Int]),
    _ forward: inout DirectionSums, _ backward: inout DirectionSums
  ) throws {
    if exact == nil, !keepsScores,
      try stream(type, firstBlock, scores, truth, place, units, &forward, &backward)
    {
      return
    }
    let table = try ScoreTable<Score>(
      rows: truth.first, columns: truth.second, memoryLimit: memoryLimit)
    var start = 0
    while start < truth.first {
      let end = min(start + blockRows(truth.second), truth.first)
      let rows = place.rows.lowerBound + start..<place.rows.lowerBound + end
      let block = start == 0 ? firstBlock : try self.scores(scores, at: place, rows: rows)
      try table.store(block.to(Score.dataType), from: start)
      start = end
    }
    if let exact, firstBlock.dtype != .float64, let table = table as? ScoreTable<Double> {
      try table.refine(exact, rows: Array(place.rows), columns: place.columns, truth: truth)
    }
    let (there, back) = askers(truth, place, units)
    if truth.hasLabels {
      forward.influence = GalleryInfluence(items: truth.second)
      backward.influence = GalleryInfluence(items: truth.first)
    }
    table.forEachRow { there.ask($0, $1, &forward) }
    table.forEachColumn { back.ask($0, $1, &backward) }
    forward.gallery +=
      forward.influence?.items(of: place.fold, units: place.columns.map { units.second[$0] }) ?? []
    backward.gallery +=
      backward.influence?.items(of: place.fold, units: place.rows.map { units.first[$0] }) ?? []
  }

  /// Both directions of one fold.
  func askers(_ truth: RetrievalTruth, _ place: Place, _ units: (first: [Int], second: [Int]))
    -> (there: Asker, back: Asker)
  {
    let rows = Array(place.rows)
    let there = Asker(
      ranking: QueryRanking(ties: ties, gallery: truth.second), fold: place.fold, queries: rows,
      gallery: place.columns, paired: truth.pairedOfFirst,
      classes: truth.hasLabels ? (truth.labelsOfFirst, truth.labelsOfSecond) : nil, units: units.first)
    let back = Asker(
      ranking: QueryRanking(ties: ties, gallery: truth.first), fold: place.fold, queries: place.columns,
      gallery: rows, paired: truth.pairedOfSecond,
      classes: truth.hasLabels ? (truth.labelsOfSecond, truth.labelsOfFirst) : nil, units: units.second)
    return (there, back)
  }

  /// One direction of one fold.
  struct Asker {
    let ranking: QueryRanking
    let fold: Int
    let queries: [Int]
    let gallery: [Int]
    let paired: [[Int]]
    let labels: [Int?]?
    let itemsOfClass: [Int: [Int]]
    let units: [Int]

    init(
      ranking: QueryRanking, fold: Int, queries: [Int], gallery: [Int], paired: [[Int]],
      classes: (queries: [Int?], gallery: [Int?])?, units: [Int]
    ) {
      self.ranking = ranking
      self.fold = fold
      self.queries = queries
      self.gallery = gallery
      self.paired = paired
      self.units = units
      labels = classes?.queries
      var items: [Int: [Int]] = [:]
      for (item, label) in (classes?.gallery ?? []).enumerated() {
        if let label { items[label, default: []].append(item) }
      }
      itemsOfClass = items
    }

    func ask<Score: BinaryFloatingPoint>(
      _ query: Int, _ scores: UnsafeBufferPointer<Score>, _ sums: inout DirectionSums
    ) {
      let relevant: [Int] =
        if let labels { labels[query].flatMap { itemsOfClass[$0] } ?? [] } else { paired[query] }
      let ranks =
        sums.influence?.add(relevant, in: scores, ranking) ?? ranking.ranks(ofRelevant: relevant, in: scores)
      add(
        query, (ranks, ranking.rank(of: paired[query], in: scores)), top: ranking.top(in: scores), &sums)
    }

    /// Adds what was found for a query: the ranks of its relevant items, its best paired item and the first of all.
    func add(
      _ query: Int, _ standing: (ranks: [Int], best: (rank: Double, match: Int)?), top: Int?,
      _ sums: inout DirectionSums
    ) {
      let (ranks, best) = standing
      if !ranks.isEmpty { sums.precisionRecall.add(ranks, gallery: gallery.count) }
      sums.queries.append(
        QueryResult(
          row: queries[query], fold: fold, unit: units[queries[query]], rank: best?.rank,
          match: best.map { gallery[$0.match] }, top: top.map { gallery[$0] },
          relevant: ranks.count, averagePrecision: ranks.isEmpty ? nil : ranking.averagePrecision(ranks),
          gain: ranks.isEmpty ? nil : ranking.gain(ranks)))
    }
  }

  func blockRows(_ columns: Int) -> Int { max(1, blockSize / (4 * max(1, columns))) }

  /// Scores of rows against the columns of a fold.
  func scores(_ source: ScoreSource, at place: Place, rows: Range<Int>) throws -> Tensor {
    guard let from = place.columns.first, let to = place.columns.last else {
      return try Tensor.zeros([rows.count, 0])
    }
    let block = try source.scores(rows: rows, columns: from..<to + 1)
    guard to + 1 - from > place.columns.count else { return block }
    return try block.rows(at: place.columns.map { $0 - from }, along: 1).contiguous()
  }

  private func foldRanges(rows: Int) throws -> [Range<Int>] {
    switch `protocol` {
    case .full: return [0..<rows]
    case .folds(let size):
      guard rows >= size else { throw EvaluationError.tooSmallForFolds(rows: rows, size: size) }
      return (0..<rows / size).map { $0 * size..<($0 + 1) * size }
    }
  }

  // MARK: - The protocol in words

  private func sentence(_ truth: RetrievalTruth, _ modalities: [String], folds: [Range<Int>]) -> String {
    var parts: [String] = []
    if let captions = truth.captions {
      let count =
        captions.lowerBound == captions.upperBound
        ? "\(captions.lowerBound)" : "\(captions.lowerBound) to \(captions.upperBound)"
      let isText = ["text", "caption", "captions", "sentence"].contains(modalities[1])
      let noun = captions.upperBound == 1 ? modalities[1] : isText ? "captions" : "\(modalities[1]) items"
      let article = "aeiou".contains(modalities[0].first ?? " ") ? "an" : "a"
      parts.append("\(count) \(noun) \(article) \(modalities[0])")
    }
    switch `protocol` {
    case .full: parts.append("full set")
    case .folds(let size):
      let rest = truth.first - folds.count * size
      parts.append(
        "mean of \(folds.count) \(folds.count == 1 ? "fold" : "folds") of \(size)"
          + (rest > 0 ? " (\(rest) left out)" : ""))
    }
    parts.append("ties \(ties.rawValue)")
    if truth.hasLabels { parts.append("mAP over items of the same class") }
    return parts.joined(separator: ", ")
  }
}
