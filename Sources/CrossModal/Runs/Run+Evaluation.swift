import Foundation
import Torch

/// What an evaluation of a run gave: the contents of `evaluate --json`.
public struct RunEvaluation: Sendable {
  public let method: String
  public let dataset: String
  public let split: String
  public let task: MethodDescription.Task
  /// The numbers, whatever the task.
  public let result: any TaskResult
  public let seconds: Double
  /// Whether pairs or classes were learned, of data that have both; nil where that is no question.
  public let learned: LearnedRelation?

  /// What measuring retrieval between modalities gave; nil for other tasks.
  public var retrieval: RetrievalMetrics? { (result as? RetrievalResult)?.retrieval }

  /// The document of `evaluate --json`.
  public var json: JSON {
    var json: JSON = [
      "method": .string(method), "dataset": .string(dataset), "split": .string(split),
      "task": .string(task.rawValue), "protocol": .string(result.protocol),
      "n": .object(result.counts.map { JSON.Member($0.name, .int($0.count)) }), "metrics": result.json,
    ]
    for member in result.details { json[member.key] = member.value }
    if !result.priors.isEmpty {
      json["priors"] = .object(
        result.priors.map { prior in
          JSON.Member(prior.name, .object(prior.measures.map { JSON.Member($0.name, $0.json) }))
        })
    }
    if let learned { json["learned"] = learned.json }
    json["seconds"] = .double(seconds)
    return json
  }
}

extension RunEvaluation {
  /// What measuring the captions of a file gave, without a run.
  public init(ofCaptions file: String, references: [String], _ result: CaptionMetrics, seconds: Double) {
    let name = { (path: String) in URL(fileURLWithPath: path).lastPathComponent }
    self.init(
      method: name(file), dataset: references.map(name).joined(separator: " + "), split: "all",
      task: .captioning, result: result, seconds: seconds, learned: nil)
  }
}

extension Run {
  /// The modalities that are compared: the two, or the only one with itself.
  public var comparedSides: (first: Int, second: Int) { (0, modalities.count > 1 ? 1 : 0) }

  /// Measures the run on a split, as its task is measured.
  ///
  /// - Parameters:
  ///   - split: rows with the run's modalities.
  ///   - options: how it is measured.
  ///   - others: runs whose scores are combined with this one's: an ensemble of retrieval.
  /// - Throws: ``EvaluationError`` for options that mean nothing for the task, and for data that cannot be measured.
  public func evaluate(
    on split: Split, _ options: EvaluationOptions = EvaluationOptions(), with others: [Run] = [],
    combining combination: ScoreCombination = .mean
  ) throws -> RunEvaluation {
    let start = ContinuousClock.now
    let method = try evaluable()
    var options = options
    if options.learned == nil,
      method is any Answering || method is any Grounding || method is any Captioning
    {
      options.learned = learned(beside: split)
    }
    if options.learned == nil, method is any Representing {
      options.learned = learned(beside: split).flatMap { try? pairs(of: $0) }
    }
    let data = try pairs(of: split)
    let result =
      others.isEmpty
      ? try method.evaluate(on: data, options)
      : try ensemble(on: split, data, options, with: others, combining: combination)
    return RunEvaluation(
      method: ([self] + others).map(\.about.name).joined(separator: " + "), dataset: split.description.name,
      split: split.name, task: about.task, result: result,
      seconds: (ContinuousClock.now - start) / .seconds(1),
      learned: others.isEmpty && (result as? RetrievalResult)?.retrieval.hasLabels == true
        ? (self.method as? any RelationLearning)?.learnedRelation : nil)
  }

  /// What was learned from, where it is still there.
  private func learned(beside split: Split) -> Split? {
    let isOwn = (split.source.path ?? "") == record.dataPath
    guard let data = isOwn ? split.source : try? record.dataSet() else { return nil }
    return try? data.split(record.split)
  }

  /// Throws for options that mean nothing for the run's task.
  public func check(_ options: EvaluationOptions) throws {
    try evaluable().check(options, for: record.data)
  }

  private func evaluable() throws -> any Evaluable {
    guard let evaluable = method as? any Evaluable else {
      throw RunError.wrongTask(method: about.name, task: about.task.rawValue, needed: "figures of its own")
    }
    return evaluable
  }

  private func ensemble(
    on split: Split, _ data: FeaturizedSplit, _ options: EvaluationOptions, with others: [Run],
    combining combination: ScoreCombination
  ) throws -> RetrievalResult {
    var options = options
    options.hasModels = true
    let method = try alignment()
    try method.check(options, for: record.data)
    let scores = try scores(of: split, with: others, combining: combination, progress: options.progress)
    return try withoutGradient {
      RetrievalResult(
        try method.retrievalEvaluation(of: data, options).metrics(
          of: scores, truth: RetrievalTruth(data, [0, 1]), modalities: Array(modalities.prefix(2))))
    }
  }

  /// Scores of all items of a split, a block at a time; of one modality with itself.
  ///
  /// - Parameters:
  ///   - others: runs whose scores are combined with this one's: an ensemble.
  ///   - progress: told how many of how many items are encoded.
  public func scores(
    of split: Split, with others: [Run] = [], combining combination: ScoreCombination = .mean,
    progress: (Int, Int) -> Void = { _, _ in }
  ) throws -> ScoreSource {
    let runs = [self] + others
    let second = comparedSides.second
    let counts = [split.count(side: 0), split.count(side: second)]
    let whole = runs.count * (counts[0] + counts[1])
    // The larger side first: joining its blocks takes twice its memory for a moment.
    let order = second == 0 ? [0] : counts[1] > counts[0] ? [1, 0] : [0, 1]
    var done = 0
    let sources = try runs.map { run in
      let method = try run.alignment()
      var features: [Int: Features] = [:]
      for side in order {
        features[side] = try run.features(of: split, side: side) { progress(done + $0, whole) }
        done += counts[side]
      }
      guard let x = features[0], let y = features[second] else { throw FeatureError.nothingToEncode }
      return try run.source(method, x, y)
    }
    return sources.count == 1 ? sources[0] : try ScoreSource(sources, combined: combination)
  }

  private func source(_ method: some Alignment, _ x: Features, _ y: Features) throws -> ScoreSource {
    try ScoreSource(method, x, y)
  }
}
