import Torch

/// Structure-preserving embedding (Wang, Li & Lazebnik, "Learning Deep Structure-Preserving Image-Text Embeddings",
/// CVPR 2016; Wang, Li, Huang & Lazebnik, TPAMI 2019): two branches to one space of unit vectors, in which partners
/// are nearer than others in both directions, and so are items of one modality that share a partner.
///
/// By default the released program's form. Differs from it in that no picture is twice in a batch, and that padding
/// does not count; the recipe `structure-preserving-official` follows it there too.
public final class StructurePreserving: JointBranches, Trainable, JointEmbedding {
  public static let description = MethodDescription(
    name: "structure-preserving", family: .metric, task: .retrieval,
    summary: "ranks both ways, and keeps items of one modality that share a partner together",
    citation:
      "L. Wang, Y. Li, S. Lazebnik, Learning deep structure-preserving image-text embeddings, CVPR 2016",
    accepts: [.vector, .set, .sequence, .tokens], modalities: 2...2)

  public let configuration: Configuration
  /// The modality that plays the picture's part: its items have several partners.
  let imageSide: Int

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    self.configuration = configuration
    let isText = data.modalities.map { $0.kind == .tokens || $0.kind == .text }
    let pictures = isText.first == true && isText.last == false ? 1 : 0
    imageSide = pictures
    if configuration.neighbourhood == .labels, data.classes == nil {
      throw ConfigurationError.badValue(
        key: "neighbourhood", value: "labels", expected: "possible: data set '\(data.name)' has no labels")
    }
    let projected = data.modalities.map { $0.kind == .tokens ? configuration.wordDim : $0.flatSize }.min()
    let areTexts = data.modalities.prefix(2).allSatisfy { $0.kind == .tokens }
    let names = data.modalities.prefix(2).enumerated().map { side, modality in
      // Of two texts the first plays the picture's part, under a name of its own.
      modality.kind == .tokens && !(areTexts && side == pictures)
        ? "" : side == pictures ? "image_branch" : "text_branch"
    }
    try super.init(
      settings: configuration, data: data, names: (names[0], names[names.count - 1])
    ) { side, generator in
      try configuration.branch(
        on: data.modalities[side], side: side,
        size: configuration.start == .cca
          ? min(configuration.metricDim, projected ?? 1) : configuration.metricDim,
        using: generator)
    }
  }

  public var metric: Metric { .cosine }

  public func encode(_ items: Items, side: Int) throws -> Features {
    try features(items, side: side, normalizes: false)
  }

  // MARK: - Learning

  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 20
    training.batchSize = 500
    training.learningRate = 1e-4
    training.weightDecay = 1e-3
    training.schedule = Schedule(
      kind: configuration.lrGamma == 1 ? .constant : .exponential, gamma: configuration.lrGamma)
    training.patience = 10
    training.selectBy = "mR"
    training.minimumGain = 0.1
    return training
  }

  /// `batch_size` items of the picture's modality, each with `sample_size` partners.
  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler {
    if configuration.batchNorm, let size = training.batchSize, size < 2 {
      throw ConfigurationError.badValue(
        key: "batch_size", value: "\(size)", expected: "2 or more, which batch_norm needs")
    }
    return neighborSampler(data, training)
  }

  private func neighborSampler(
    _ data: some TrainingSet, _ training: TrainingConfiguration
  ) -> NeighborSampler {
    let rows = data.itemsOfPairs ?? Array(repeating: Array(0..<data.count), count: 2)
    return NeighborSampler(
      items: Array(rows.prefix(2)), side: imageSide, batchSize: training.batchSize ?? data.count,
      sample: configuration.sampleSize, isDistinct: configuration.distinctImages)
  }

  /// The text branch learns at a rate of its own; the table of words does not decay.
  public override func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup] {
    let isPicture = { (name: String) in name.hasPrefix("image_branch.") }
    let isWord = { (name: String) in name.hasSuffix("words.weight") }
    let rate = configuration.textLrMulti
    let decay: Double? = configuration.start == .cca && configuration.ccaWeightReg > 0 ? 0 : nil
    return [(true, 1), (false, rate)].flatMap { isOfPictures, rate in
      let own = parameters.filter { isPicture($0.name) == isOfPictures }
      return [
        ParameterGroup(own.filter { !isWord($0.name) }, rateFactor: rate, weightDecay: decay),
        ParameterGroup(own.filter { isWord($0.name) }, rateFactor: rate, weightDecay: 0),
      ]
    }.filter { !$0.parameters.isEmpty }
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    try prepareBranches(data, preparation)
    let few = neighborSampler(data, preparation.training).itemsWithFewer
    if few > 0, configuration.sampleSize > 1 {
      preparation.note("\(few) items have fewer than \(configuration.sampleSize) partners to draw")
    }
    if configuration.start == .cca { try beginWithCorrelations(data, preparation) }
    if configuration.sampleSize == 1, configuration.sentOnlyLossFactor > 0,
      configuration.neighbourhood == .partners
    {
      preparation.note(
        "with sample_size 1 no two texts of a picture meet, so sent_only_loss_factor adds nothing")
    }
  }

  private static let wordVectors = "word_vectors"

  /// The file of word vectors.
  public override var assets: [Asset] {
    super.assets
      + (configuration.wordVectors.map { [Asset(.wordVectors, key: Self.wordVectors, file: $0)] } ?? [])
  }

  public override func begin(with contents: AssetContents) throws {
    try super.begin(with: contents)
    for (branch, vectors) in zip([branchA, branchB], contents.wordVectors[Self.wordVectors] ?? []) {
      guard let vectors else { continue }
      let width = vectors.table.size(along: 1)
      try configuration.require(
        width == configuration.wordDim, "word_dim", configuration.wordDim,
        "\(width), the width of the word vectors in the file")
      (branch as? any WordTableBranch)?.firstWords = vectors.table
    }
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let needsLabels = positives == .class || configuration.neighbourhood == .labels
    let parts = try NeighborBatch(
      batch, step, side: imageSide, labels: needsLabels ? labels(batch) : nil, positives: positives,
      neighbourhood: configuration.neighbourhood)
    let objective = try objective(rows: parts.rows.map(\.count).max() ?? 0)
    func score(_ x: Tensor, _ y: Tensor) throws -> ObjectiveValue {
      try objective(
        step.gathered(x).rows(at: parts.rows[0]), step.gathered(y).rows(at: parts.rows[1]), parts.matches,
        groupsX: parts.groups[0], groupsY: parts.groups[1])
    }
    var value: ObjectiveValue
    if configuration.chunkSize > 0, configuration.chunkSize < batch.count, step.isTraining {
      value = try self.value(batch, step) { x, y in
        try score(x.rows(at: parts.places[0]), y.rows(at: parts.places[1]))
      }
    } else {
      let pass = step.pass
      let vectors = try (0..<2).map {
        try self.vectors(batch.items[$0].rows(at: parts.places[$0]), side: $0, pass)
      }
      value = try self.value(of: vectors, step, score)
    }
    for (name, weight, penalty) in try penalties(step) where weight > 0 {
      value.total = try value.total + penalty * weight
      value.parts.append((name, try penalty.detached()))
    }
    return try Loss(value)
  }

  private func objective(rows: Int) throws -> StructurePreservingLoss {
    let weights =
      imageSide == 0
      ? StructurePreservingLoss.Weights(
        forward: 1, backward: configuration.imLossFactor, withinFirst: configuration.imOnlyLossFactor,
        withinSecond: configuration.sentOnlyLossFactor)
      : StructurePreservingLoss.Weights(
        forward: configuration.imLossFactor, backward: 1, withinFirst: configuration.sentOnlyLossFactor,
        withinSecond: configuration.imOnlyLossFactor)
    return try StructurePreservingLoss(
      configuration.objective, margin: configuration.margin, nearest: configuration.numNegSample,
      weights: weights, positives: configuration.hardestPositive, chunk: Self.blockRows(rows))
  }

  /// What is added to the objective: how far words and projections went from their start.
  private func penalties(_ step: Step) throws -> [(name: String, weight: Double, value: Tensor)] {
    var found: [(name: String, weight: Double, value: Tensor)] = []
    let texts = [branchA, branchB].compactMap { $0 as? any WordTableBranch }
    for text in texts where configuration.wordEmbeddingReg > 0 {
      let table = try step.shared(text.words.weight)
      found.append(("words", configuration.wordEmbeddingReg, try (table - text.wordsStart).squared().mean()))
    }
    for projection in projections where configuration.ccaWeightReg > 0 {
      let weight = try step.shared(projection.weight)
      found.append(
        (
          "departure", configuration.ccaWeightReg, try (weight - projection.start).squared().sum() * 0.5
        ))
    }
    return found
  }
}
