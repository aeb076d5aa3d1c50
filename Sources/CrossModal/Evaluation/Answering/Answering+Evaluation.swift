import Torch

extension Answering {
  public func selectionNames(on data: some TrainingSet) throws -> [String] {
    ["accuracy"] + (data.answers?.contains { $0.count > 1 } == true ? ["vqa_accuracy"] : [])
  }

  /// The first answer to every question beside what people answered.
  public func evaluate(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult {
    try check(options, for: data.description)
    guard let truth = data.answers else {
      throw EvaluationError.badValue("\(data.place) has no answers to compare with")
    }
    guard let list = data.description.target(Target.answers.name) else {
      throw EvaluationError.badValue("\(data.place) has no list of answers to choose from")
    }
    var given: [String] = []
    try data.forEachChunk(rows: options.block) { batch in
      let batch = try batch.to(options.device, options.dtype)
      given += try withoutGradient { try answers(to: batch, count: 1) }
        .map { list.text(of: $0.prefix(1).map(\.number)) }
      options.progress(given.count, data.count)
    }
    return try AnsweringMetrics(predictions: given, answers: truth)
  }
}
