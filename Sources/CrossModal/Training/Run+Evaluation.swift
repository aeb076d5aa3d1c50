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
  ///   - progress: told how many of how many items are encoded.
  public func evaluate(
    on split: Split, _ evaluation: RetrievalEvaluation = RetrievalEvaluation(),
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> RunEvaluation {
    let start = ContinuousClock.now
    let method = try alignment()
    let counts = [split.count(side: 0), split.count(side: 1)]
    let x = try features(of: split, side: 0) { progress($0, counts[0] + counts[1]) }
    let y = try features(of: split, side: 1) { progress(counts[0] + $0, counts[0] + counts[1]) }
    let truth = try RetrievalTruth(
      first: counts[0], second: counts[1], pairs: split.pairs.map(Array.init),
      labels: (split.labels(side: 0), split.labels(side: 1)))
    let metrics = try withoutGradient {
      try evaluation.metrics(of: method, x, y, truth: truth, modalities: modalities)
    }
    return RunEvaluation(
      method: about.name, dataset: split.description.name, split: split.name, retrieval: metrics,
      correlations: try correlations(split, x, y), seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  private func correlations(_ split: Split, _ x: Features, _ y: Features) throws -> [Double]? {
    guard let method = method as? any CorrelationReporting, split.count > 1 else { return nil }
    let found = try method.correlations(
      x.rows(at: split.pairedRows(side: 0)), y.rows(at: split.pairedRows(side: 1)))
    return found.isEmpty ? nil : found
  }
}
