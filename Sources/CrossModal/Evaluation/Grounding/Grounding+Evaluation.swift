import Torch

extension Grounding {
  public func selectionNames(on data: some TrainingSet) throws -> [String] {
    let nothing = ScoredMoment(start: 0, end: 1)
    return try GroundingMetrics(moments: [[nothing]], truth: [nothing]).selection.map(\.name)
  }

  /// The moments found for every sentence beside the one that was meant.
  public func evaluate(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult {
    try check(options, for: data.description)
    guard let truth = data.moments else {
      throw EvaluationError.badValue("\(data.place) has no moments to compare with")
    }
    var found: [[ScoredMoment]] = []
    try data.forEachChunk(rows: options.block) { batch in
      let batch = try batch.to(options.device, options.dtype)
      found += try withoutGradient { try moments(in: batch) }
      options.progress(found.count, data.count)
    }
    return try GroundingMetrics(
      moments: found, truth: truth.map { ScoredMoment(start: $0.lowerBound, end: $0.upperBound) })
  }
}
