import Torch

extension Grounding {
  public func selectionNames(on data: some TrainingSet) throws -> [String] { try momentNames(on: data) }

  public func evaluate(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult {
    try momentResult(on: data, options)
  }

  /// ``selectionNames(on:)``, for methods of more than one task.
  func momentNames(on data: some TrainingSet) throws -> [String] {
    let nothing = ScoredMoment(start: 0, end: 1)
    return try GroundingMetrics(moments: [[nothing]], truth: [nothing]).selection.map(\.name)
  }

  /// The moments found for every sentence beside the one that was meant.
  func momentResult(on data: some TrainingSet, _ options: EvaluationOptions) throws -> GroundingMetrics {
    try check(options, for: data.description)
    guard let moments = data.moments else {
      throw EvaluationError.badValue("\(data.place) has no moments to compare with")
    }
    let truth = moments.map { ScoredMoment(start: $0.lowerBound, end: $0.upperBound) }
    var found: [[ScoredMoment]] = []
    try data.forEachChunk(rows: min(options.block, 256)) { batch in
      let batch = try batch.to(options.device, options.dtype)
      found += try withoutGradient { try self.moments(in: batch) }
      options.progress(found.count, data.count)
    }
    var priors: [Prior] = []
    if !options.isBrief, let learned = options.learned, let durations = data.durationsOfPairs,
      let own = learned.moments, let lengths = learned.durationsOfPairs
    {
      priors =
        try MomentPriors(moments: own, durations: lengths)?.priors(truth: truth, durations: durations) ?? []
    }
    return try GroundingMetrics(moments: found, truth: truth, priors: priors)
  }
}
