import Torch

/// What an evaluation of a run gave: the contents of `evaluate --json`.
public struct RunEvaluation: Sendable {
  public let method: String
  public let dataset: String
  public let split: String
  public let retrieval: RetrievalMetrics
  /// Pearson correlation of each component on the pairs of the split; nil for methods without canonical pairs.
  public let correlations: [Double]?
  public let seconds: Double

  /// The document of `evaluate --json`.
  public var json: JSON {
    var json: JSON = [
      "method": .string(method), "dataset": .string(dataset), "split": .string(split),
      "protocol": .string(retrieval.protocol), "n": retrieval.countsJSON, "metrics": retrieval.json,
    ]
    if let correlations {
      json["correlations"] = .array(correlations.map(JSON.double))
      json["total_correlation"] = .double(correlations.reduce(0, +))
    }
    json["seconds"] = .double(seconds)
    return json
  }
}

extension Run {
  /// Measures retrieval on a split in both directions.
  ///
  /// - Parameters:
  ///   - split: rows with the run's modalities.
  ///   - evaluation: the protocol and the rule for ties.
  ///   - others: runs whose scores are combined with this one's: an ensemble.
  ///   - progress: told how many of how many items are encoded.
  public func evaluate(
    on split: Split, _ evaluation: RetrievalEvaluation = RetrievalEvaluation(), with others: [Run] = [],
    combining combination: ScoreCombination = .mean, progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> RunEvaluation {
    let start = ContinuousClock.now
    let counts = [split.count(side: 0), split.count(side: 1)]
    let (scores, x, y) = try scores(of: split, with: others, combining: combination, progress: progress)
    let truth = try RetrievalTruth(
      first: counts[0], second: counts[1], pairs: split.pairs.map(Array.init),
      labels: (split.labels(side: 0), split.labels(side: 1)))
    let metrics = try withoutGradient {
      try evaluation.metrics(of: scores, truth: truth, modalities: modalities)
    }
    return RunEvaluation(
      method: ([self] + others).map(\.about.name).joined(separator: " + "), dataset: split.description.name,
      split: split.name, retrieval: metrics,
      correlations: others.isEmpty ? try correlations(split, x, y) : nil,
      seconds: (ContinuousClock.now - start) / .seconds(1))
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

  private func correlations(_ split: Split, _ x: Features, _ y: Features) throws -> [Double]? {
    guard let method = method as? any CorrelationReporting, split.count > 1 else { return nil }
    let found = try method.correlations(
      x.rows(at: split.pairedRows(side: 0)), y.rows(at: split.pairedRows(side: 1)))
    return found.isEmpty ? nil : found
  }
}
