import Torch

extension Captioning {
  public func selectionNames(on data: some TrainingSet) throws -> [String] {
    ["BLEU-4"] + CaptionMetrics.names.filter { $0 != "BLEU-4" }
  }

  /// A caption of every item beside what people wrote of it.
  public func evaluate(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult {
    try check(options, for: data.description)
    let (side, count) = (describedSide, data.count(side: describedSide))
    var references = [[String]](repeating: [], count: count)
    guard let texts = try data.texts(side: 1 - side) else {
      throw EvaluationError.badValue("\(data.place) has no texts to compare captions with")
    }
    let pairs = data.itemsOfPairs ?? [Array(0..<data.count), Array(0..<data.count)]
    for (owner, text) in zip(pairs[side], pairs[1 - side]) { references[owner].append(texts[text]) }
    // What nobody described cannot be compared.
    let described = references.indices.filter { !references[$0].isEmpty }
    guard let words = data.description.target(Target.captions(side: 1 - side).name) else {
      throw EvaluationError.badValue("\(data.place) has no list of words to say")
    }
    var found: [String] = []
    for start in stride(from: 0, to: count, by: options.block) {
      let rows = start..<min(start + options.block, count)
      let items = try data.items(side: side, rows: rows).to(options.device, options.dtype)
      found += try withoutGradient { try captions(of: items) }
        .map(words.text)
      options.progress(found.count, count)
    }
    return try CaptionMetrics(
      hypotheses: described.map { found[$0] }, references: described.map { references[$0] })
  }
}
