import Torch

/// What an evaluation of a run gave: the contents of `evaluate --json`.
public struct RunEvaluation: Sendable {
  public let method: String
  public let dataset: String
  public let split: String
  /// Retrieval between the first two modalities.
  public let retrieval: RetrievalMetrics
  /// Pearson correlation of each component on the pairs of the split; nil for methods without canonical pairs.
  public let correlations: [Double]?
  /// How well each modality's rows are predicted from another's; nil for methods that predict none.
  public let prediction: [PredictionQuality]?
  /// Every other pair of modalities, where the method takes more than two.
  public let further: [PairEvaluation]
  public let seconds: Double
  /// Vectors of the first two modalities, for what else is done with them; nil for methods of several an item, which
  /// may be too many to keep.
  let vectors: [Features]?

  /// Retrieval between two modalities of several.
  public struct PairEvaluation: Sendable {
    public let retrieval: RetrievalMetrics
    public let correlations: [Double]?
  }

  /// The first pair of modalities and every other.
  public var pairs: [PairEvaluation] {
    [PairEvaluation(retrieval: retrieval, correlations: correlations)] + further
  }

  /// Confidence intervals of every number, by dotted names (`image_to_text.R@1`).
  public func intervals(_ resampling: Resampling = Resampling()) -> [(
    name: String, interval: ConfidenceInterval
  )] {
    pairs.flatMap { pair in
      resampling.intervals(of: pair.retrieval).filter { further.isEmpty || $0.name != "rsum" }
    }
  }

  /// The document of `evaluate --json`.
  public var json: JSON {
    var metrics = retrieval.json
    var counts = retrieval.countsJSON
    if !further.isEmpty {
      let names = pairs.flatMap { zip($0.retrieval.modalities, $0.retrieval.counts) }
      var seen: Set<String> = []
      counts = .object(names.filter { seen.insert($0.0).inserted }.map { JSON.Member($0, .int($1)) })
      let directions = pairs.flatMap { pair in
        zip(pair.retrieval.directionNames, [pair.retrieval.forward, pair.retrieval.backward])
      }
      metrics = .object(directions.map { JSON.Member($0, $1.summary.json) })
    }
    var json: JSON = [
      "method": .string(method), "dataset": .string(dataset), "split": .string(split),
      "protocol": .string(retrieval.protocol), "n": counts, "metrics": metrics,
    ]
    if let correlations {
      json["correlations"] = .array(correlations.map(JSON.double))
      json["total_correlation"] = .double(correlations.reduce(0, +))
    }
    if !further.isEmpty, correlations != nil {
      json["pair_correlations"] = .object(
        pairs.map { pair in
          JSON.Member(
            pair.retrieval.modalities.joined(separator: "_"),
            .array((pair.correlations ?? []).map(JSON.double)))
        })
    }
    if let prediction {
      json["prediction"] = .object(prediction.map { JSON.Member($0.name, $0.json) })
    }
    json["seconds"] = .double(seconds)
    return json
  }
}

extension Run {
  /// Measures retrieval on a split in both directions; of a method of several modalities, between every two.
  ///
  /// - Parameters:
  ///   - split: rows with the run's modalities.
  ///   - evaluation: the protocol and the rule for ties; nil for ``evaluation(of:)``.
  ///   - others: runs whose scores are combined with this one's: an ensemble.
  ///   - progress: told how many of how many items are encoded.
  public func evaluate(
    on split: Split, _ evaluation: RetrievalEvaluation? = nil, with others: [Run] = [],
    combining combination: ScoreCombination = .mean, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> RunEvaluation {
    let start = ContinuousClock.now
    let evaluation = try evaluation ?? self.evaluation(of: split)
    let counts = [split.count(side: 0), split.count(side: 1)]
    let (scores, x, y) = try scores(of: split, with: others, combining: combination, progress: progress)
    let truth = try RetrievalTruth(
      first: counts[0], second: counts[1], pairs: split.pairs.map(Array.init),
      labels: (split.labels(side: 0), split.labels(side: 1)))
    let metrics = try withoutGradient {
      try evaluation.metrics(of: scores, truth: truth, modalities: Array(modalities.prefix(2)))
    }
    let isSingle = others.isEmpty
    return RunEvaluation(
      method: ([self] + others).map(\.about.name).joined(separator: " + "), dataset: split.description.name,
      split: split.name, retrieval: metrics,
      correlations: isSingle ? try correlations(split, [0, 1], x, y) : nil,
      prediction: isSingle ? try predictionQuality(on: split) : nil,
      further: isSingle && about.modalities.upperBound > 2 ? try further(split, [x, y], evaluation) : [],
      seconds: (ContinuousClock.now - start) / .seconds(1),
      vectors: method is any JointEmbedding ? [x, y] : nil)
  }

  /// How retrieval on a split is measured: as the run's settings have it, else every item at once.
  public func evaluation(of split: Split) throws -> RetrievalEvaluation {
    guard let measuring = method as? any RetrievalMeasuring else { return RetrievalEvaluation() }
    return try measuring.evaluation(rows: split.count(side: 0))
  }

  /// Scores of all items of a split, a block at a time, and the features that they come from; of one modality with
  /// itself.
  ///
  /// - Parameters:
  ///   - others: runs whose scores are combined with this one's: an ensemble.
  ///   - progress: told how many of how many items are encoded.
  public func scores(
    of split: Split, with others: [Run] = [], combining combination: ScoreCombination = .mean,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> (scores: ScoreSource, x: Features, y: Features) {
    let runs = [self] + others
    let second = comparedSides.second
    let counts = [split.count(side: 0), split.count(side: second)]
    let whole = runs.count * (counts[0] + counts[1])
    var (sources, features): ([ScoreSource], [Features]) = ([], [])
    // The larger side first: joining its blocks takes twice its memory for a moment.
    let order = second == 0 ? [0] : counts[1] > counts[0] ? [1, 0] : [0, 1]
    var done = 0
    for (number, run) in runs.enumerated() {
      var sides: [Int: Features] = [:]
      for side in order {
        sides[side] = try run.features(of: split, side: side) { progress(done + $0, whole) }
        done += counts[side]
      }
      guard let x = sides[0], let y = sides[second] else { continue }
      sources.append(try source(run.alignment(), x, y))
      if number == 0 { features = [x, y] }
    }
    let scores = sources.count == 1 ? sources[0] : try ScoreSource(sources, combined: combination)
    return (scores, features[0], features[1])
  }

  private func source(_ method: some Alignment, _ x: Features, _ y: Features) throws -> ScoreSource {
    try ScoreSource(method, x, y)
  }

  /// Every two of more than two modalities but the first two, whose features are given.
  private func further(_ split: Split, _ first: [Features], _ evaluation: RetrievalEvaluation) throws
    -> [RunEvaluation.PairEvaluation]
  {
    let features = try first + modalities.indices.dropFirst(2).map { try self.features(of: split, side: $0) }
    let sides = features.indices.flatMap { side in features.indices.filter { $0 > side }.map { [side, $0] } }
    return try sides.dropFirst().map { sides in
      let rows = sides.map { split.pairedRows(side: $0) }
      let truth = try RetrievalTruth(
        first: split.count(side: sides[0]), second: split.count(side: sides[1]),
        pairs: split.pairs == nil ? nil : zip(rows[0], rows[1]).map { ($0, $1) },
        labels: (split.labels(side: sides[0]), split.labels(side: sides[1])))
      let (x, y) = (features[sides[0]], features[sides[1]])
      let metrics = try withoutGradient {
        try evaluation.metrics(
          of: source(alignment(), x, y), truth: truth, modalities: sides.map { modalities[$0] })
      }
      return RunEvaluation.PairEvaluation(
        retrieval: metrics, correlations: try correlations(split, sides, x, y))
    }
  }

  private func correlations(_ split: Split, _ sides: [Int], _ x: Features, _ y: Features) throws -> [Double]?
  {
    guard let method = method as? any CorrelationReporting, split.count > 1 else { return nil }
    let found = try method.correlations(
      x.rows(at: split.pairedRows(side: sides[0])), y.rows(at: split.pairedRows(side: sides[1])))
    return found.isEmpty ? nil : found
  }
}
