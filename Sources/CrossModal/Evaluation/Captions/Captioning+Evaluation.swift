import Torch

extension Captioning {
  public func options(for data: DataDescription) -> Set<EvaluationOption> { [.wordnet] }

  public func selectionNames(on data: some TrainingSet) throws -> [String] {
    ["BLEU-4"] + CaptionMetrics.names.filter { $0 != "BLEU-4" }
  }

  /// A caption of every item beside what people wrote of it.
  public func evaluate(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult {
    try check(options, for: data.description)
    let (side, count) = (describedSide, data.count(side: describedSide))
    let references = try data.captions(side: side)
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
    let wanted = described.map { references[$0] }
    func measured(_ captions: [String], _ priors: [Prior] = []) throws -> CaptionMetrics {
      // Weights are chosen by exact words and stems, which takes a tenth of the time.
      try CaptionMetrics(
        hypotheses: described.map { captions[$0] }, references: wanted,
        synonyms: options.isBrief ? nil : options.synonyms(), priors: priors)
    }
    guard !options.isBrief, let learned = options.learned,
      // Pictures that are all the same have none.
      let nearest = try? NearestCaption(learned, side: side)
    else { return try measured(found) }
    return try measured(
      found, [Prior("caption of the most similar picture", measured(nearest.captions(of: data)).measures)])
  }
}

extension TrainingSet {
  /// What people wrote of each item of a modality, in the order of the pairs.
  ///
  /// - Throws: ``EvaluationError`` where the other modality has no texts.
  func captions(side: Int) throws -> [[String]] {
    guard let texts = try texts(side: 1 - side) else {
      throw EvaluationError.badValue("\(place) has no texts to compare captions with")
    }
    var captions = [[String]](repeating: [], count: count(side: side))
    let pairs = itemsOfPairs ?? [Array(0..<count), Array(0..<count)]
    for (owner, text) in zip(pairs[side], pairs[1 - side]) { captions[owner].append(texts[text]) }
    return captions
  }
}

extension EvaluationOptions {
  /// WordNet's synonyms: of the folder that is named, else where they usually are; nil without any.
  ///
  /// - Throws: ``WordNetError`` for a folder that was named and has none.
  fileprivate func synonyms() throws -> SynonymTable? {
    if let wordNet { return try SynonymTable(folder: wordNet) }
    return try? SynonymTable()
  }
}
