import Torch

extension Answering {
  public func options(for data: DataDescription) -> Set<EvaluationOption> { [.wordnet] }

  public func selectionNames(on data: some TrainingSet) throws -> [String] {
    ["accuracy"] + (data.answers?.contains { $0.count > 1 } == true ? ["vqa_accuracy"] : [])
  }

  /// The first answer to every question beside what people answered.
  public func evaluate(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult {
    try check(options, for: data.description)
    guard let answers = data.answers else {
      throw EvaluationError.badValue("\(data.place) has no answers to compare with")
    }
    guard let list = data.description.target(Target.answers.name) else {
      throw EvaluationError.badValue("\(data.place) has no list of answers to choose from")
    }
    let given = try firstAnswers(to: data, options).map { list.text(of: [$0]) }
    let form = { list.form(of: $0) }
    guard !options.isBrief else {
      return try AnsweringMetrics(predictions: given, answers: answers, in: form)
    }
    let asked = try data.questions()
    let truths = answers.map { AnsweringMetrics.mostFrequent($0.map(form)) ?? "" }
    return try AnsweringMetrics(
      predictions: given, answers: answers, in: form, nouns: options.nouns(),
      kinds: data.questionKinds(asked: asked?.texts, truths: truths, side: asked?.side),
      priors: options.learned.flatMap { try priors(of: $0, form) }?
        .answers(to: asked?.texts, count: answers.count) ?? [:])
  }

  /// The number of the best answer to each question; questions about one picture are asked together, so that it is
  /// encoded once.
  private func firstAnswers(to data: some TrainingSet, _ options: EvaluationOptions) throws -> [Int] {
    // The modality with fewer items is the one that is asked about.
    let sides = data.description.modalities.indices
    let items = data.itemsOfPairs?[sides.min { data.count(side: $0) < data.count(side: $1) } ?? 0]
    let places = items.map { items in items.indices.sorted { (items[$0], $0) < (items[$1], $1) } }
    let order = places ?? Array(0..<data.count)
    var found = [Int](repeating: 0, count: order.count)
    let block = min(options.block, 256)
    for start in stride(from: 0, to: order.count, by: block) {
      let own = Array(order[start..<min(start + block, order.count)])
      let batch = try data.batch(at: own).to(options.device, options.dtype)
      let answers = try withoutGradient { try self.answers(to: batch, count: 1) }
      for (place, best) in zip(own, answers) { found[place] = best.first?.number ?? 0 }
      options.progress(start + own.count, order.count)
    }
    return found
  }

  private func priors(of learned: any TrainingSet, _ form: (String) -> String) throws -> AnswerPriors? {
    guard let answers = learned.answers else { return nil }
    return AnswerPriors(
      truths: answers.map { AnsweringMetrics.mostFrequent($0.map(form)) ?? "" },
      questions: try learned.questions()?.texts)
  }
}

extension EvaluationOptions {
  /// WordNet's nouns: of the folder that is named, else where they usually are; nil without any.
  ///
  /// - Throws: ``WordNetError`` for a folder that was named and has none.
  fileprivate func nouns() throws -> NounSimilarity? {
    if let wordNet { return try NounSimilarity(folder: wordNet) }
    return try? NounSimilarity()
  }
}

extension TrainingSet {
  /// The text of each pair as people wrote it, and which modality it is of; nil where no modality has texts.
  fileprivate func questions() throws -> (texts: [String], side: Int)? {
    for side in description.modalities.indices {
      guard let texts = try texts(side: side) else { continue }
      return (itemsOfPairs.map { items in items[side].map { texts[$0] } } ?? texts, side)
    }
    return nil
  }

  /// What tells the questions apart: what the data say under `answer_type` and `question_type`, else what the answers
  /// and the first words say.
  fileprivate func questionKinds(asked: [String]?, truths: [String], side: Int?) throws -> [QuestionKinds] {
    func stated(_ key: String) throws -> [String]? {
      guard let side, let all = try attributes(key, side: side) else { return nil }
      return itemsOfPairs.map { items in items[side].map { all[$0] } } ?? all
    }
    let answerTypes = try stated("answer_type") ?? truths.map(QuestionKinds.answerType)
    let questionTypes = try stated("question_type") ?? asked?.map(QuestionKinds.questionType)
    return [QuestionKinds("answer_type", answerTypes)]
      + (questionTypes.map { [QuestionKinds("question_type", $0)] } ?? [])
  }
}
