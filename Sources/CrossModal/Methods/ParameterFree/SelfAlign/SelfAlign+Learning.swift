import Torch

extension SelfAlign {
  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 30
    training.batchSize = 128
    training.learningRate = 2e-4
    training.gradientClip = 2
    training.schedule = Schedule(kind: .step, every: configuration.form == .f30k ? 10 : 15)
    return training
  }

  // MARK: - Weights

  public var assets: [Asset] { [start].compactMap(\.self) }

  private var start: Asset? {
    configuration.startFrom.map { Asset(.weights, key: "start_from", file: $0) }
  }

  public func begin(with contents: AssetContents) throws {
    guard let start, let weights = contents.weights[start.key] else { return }
    try loadWeights(weights, from: start.file)
    hasLoaded = true
    hasLoadedCaptioner = weights.contains { $0.name.hasPrefix("caption_model.") }
  }

  /// Takes weights of a run, or of a published checkpoint, which has no captioner and nothing to scale inputs with: these
  /// stay as they are.
  ///
  /// - Throws: ``StateError`` naming every weight that is missing, unknown or of another shape.
  public func loadWeights(_ tensors: [(name: String, tensor: Tensor)], from source: String) throws {
    let given = Set(tensors.map(\.name))
    var wanted = Set(stateEntries.map(\.name))
    let spare = stateEntries.filter { entry in
      !given.contains(entry.name)
        && (entry.name.hasPrefix("caption_model.") || entry.name.hasPrefix("scaling.")
          || entry.name.hasSuffix("num_batches_tracked"))
    }
    wanted.formUnion(spare.map(\.name))
    // Of what only training needs, a file may have more than these terms.
    let used = tensors.filter {
      wanted.contains($0.name)
        || !($0.name.hasPrefix("caption_model.") || $0.name.hasPrefix("region_loss."))
    }
    try load(used + spare.map { ($0.name, $0.tensor) }, from: source)
  }

  /// The released program saves a list of three dictionaries: of the image encoder, the text encoder, the concepts.
  public static func ownNames(ofOfficial names: [String]) -> [String]? {
    let parts = ["0.": "img_enc.", "1.": "txt_enc.", "2.": "region_loss."]
    guard names.contains("0.ctx_fc.weight"), names.allSatisfy({ parts[String($0.prefix(2))] != nil }) else {
      return nil
    }
    return names.map { (parts[String($0.prefix(2))] ?? "") + $0.dropFirst(2) }
  }

  // MARK: - Learning

  /// Batches in which no item is twice.
  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    let size = min(training.batchSize ?? data.count, data.count)
    try configuration.require(
      size > 1, "batch_size", size, "2 or more: statistics of a batch need more than one pair")
    guard let items = data.itemsOfPairs else {
      return ShuffledSampler(count: data.count, batchSize: size, dropsLast: true)
    }
    return DistinctItemSampler(items: items, batchSize: size)
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    try scaling?.fit(
      to: data, side: sides.regionSide, epsilon: 1e-6, places: data.firstPairs(side: sides.regionSide),
      rows: 256)
    let parts = try Parts(configuration, sides, using: Generator(seed: preparation.seed))
    if !hasLoadedCaptioner, let fresh = parts.captioner { try captioner?.take(stateOf: fresh) }
    guard !hasLoaded else { return }
    try images.take(stateOf: parts.images)
    try texts.take(stateOf: parts.texts)
    if let fresh = parts.concepts { try concepts?.take(stateOf: fresh) }
  }

  /// With several processes of the whole batch.
  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let (regionSide, wordSide) = (sides.regionSide, sides.wordSide)
    let terms = configuration.terms
    let (image, reasoned) = try tower(batch.items[regionSide], side: regionSide, step.pass)
    let text = try tower(batch.items[wordSide], side: wordSide, step.pass).items
    var all: [WeightedLoss] = []
    if terms.contains(.rank) {
      let (x, y) = (try step.gathered(image.embedding()), try step.gathered(text.embedding()))
      let known = try Matches(
        anyOf: batch.rows.prefix(2).map { rows in
          let ids = try Tensor(step.gathered(rows)).to(x.device)
          return (x: ids, y: ids)
        })
      all.append(WeightedLoss(name: "rank", weight: 1, value: try configuration.ranking()(x, y, known).total))
    }
    if let captioner, let reasoned {
      let costs = try captioner.losses(reasoned, captions(batch.items[wordSide]), step.pass)
      let value = try step.gathered(costs).mean()
      all.append(WeightedLoss(name: "caption", weight: configuration.captionWeight, value: value))
    }
    all += try configuration.alignment.losses(
      image, text, concepts: concepts?.learned(step), comparesContexts: terms.contains(.context), step)
    var total = try all[0].value * all[0].weight
    for term in all.dropFirst() { total = try total + term.value * term.weight }
    return try Loss(total, named: all.map { ($0.name, $0.value) })
  }

  /// What the captioner is to write.
  private func captions(_ items: Items) throws -> RegionCaptioner.Captions {
    guard case .tokens(let rows, let lengths) = items else { return .init(labels: [], weights: []) }
    let numbers = try rows.to(.cpu).values(as: Int.self)
    let width = rows.size(along: 1)
    return RegionCaptioner.Captions(
      lengths.enumerated().map { Array(numbers[$0 * width..<$0 * width + $1]) },
      longest: configuration.maxLen)
  }
}
