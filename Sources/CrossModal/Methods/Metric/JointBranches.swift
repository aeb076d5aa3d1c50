import Torch

/// What methods of metric learning share: a network a modality, scaling of what it is given, and what of a batch
/// belongs together. One modality alone is compared with itself.
public class JointBranches: Module {
  /// Parameters and scaling of the first modality, then of the second where it has its own.
  @Named var scalingA: InputScaling
  @Named var scalingB: InputScaling?
  @Named var branchA: any VectorEncoder
  @Named var branchB: (any VectorEncoder)?

  let modalities: [DataDescription.Modality]
  let positives: Positives
  private let settings: any BranchSettings

  /// - Throws: ``ConfigurationError`` for networks that do not fit the modalities, and shared ones of modalities of
  ///   different widths; for `positives: class` without labels.
  init(settings: some BranchSettings, data: DataDescription) throws {
    try settings.validate()
    self.settings = settings
    modalities = data.modalities
    positives = settings.positives ?? (data.modalities.count > 1 ? .pair : .class)
    if positives == .class, data.classes == nil {
      throw ConfigurationError.badValue(
        key: "positives", value: "class", expected: "possible: data set '\(data.name)' has no labels")
    }
    if data.modalities.count == 1, positives == .pair {
      throw ConfigurationError.badValue(
        key: "positives", value: "pair", expected: "possible: one modality alone has no pairs (use class)")
    }
    let generator = try Generator(seed: 0)
    func scaling(_ side: Int) throws -> InputScaling {
      try InputScaling(
        for: data.modalities[side], transform: settings.transform[side],
        keepsPictures: settings.encoder[side].keepsPictures(data.modalities[side].kind))
    }
    func branch(_ side: Int) throws -> any VectorEncoder {
      try settings.encoder[side].encoder(
        for: data.modalities[side], size: settings.embedSize, hidden: settings.hidden, using: generator)
    }
    _scalingA = Named(wrappedValue: try scaling(0), "scaling_a")
    _branchA = Named(wrappedValue: try branch(0), "branch_a")
    let hasSecond = data.modalities.count > 1
    _scalingB = Named(wrappedValue: hasSecond ? try scaling(1) : nil, "scaling_b")
    let isShared = settings.branches == .shared
    _branchB = Named(wrappedValue: hasSecond && !isShared ? try branch(1) : nil, "branch_b")
    if hasSecond, isShared {
      let (x, y) = (data.modalities[0], data.modalities[1])
      guard x.kind == y.kind, (x.shape ?? [x.size ?? 0]) == (y.shape ?? [y.size ?? 0]) else {
        throw ConfigurationError.badValue(
          key: "branches", value: "shared",
          expected: "possible: \(x.name) has width \(x.size ?? 0) and \(y.name) \(y.size ?? 0)")
      }
    }
  }

  // MARK: - Vectors

  /// Vectors of items as the network gives them, `[n, embed_size]`.
  func vectors(_ items: Items, side: Int) throws -> Tensor {
    let scaling = side == 0 ? scalingA : scalingB ?? scalingA
    return try (side == 0 ? branchA : branchB ?? branchA)(scaling(items))
  }

  /// ``vectors(_:side:)`` a thousand at a time without a graph, divided by their norms where `normalizes`.
  func features(_ items: Items, side: Int, normalizes: Bool) throws -> Features {
    let block = 1024
    return try withoutGradient {
      let parts = try stride(from: 0, to: max(1, items.count), by: block).map { start in
        let rows = Array(start..<min(start + block, items.count))
        return try vectors(rows.count == items.count ? items : items.rows(at: rows), side: side)
      }
      let all = parts.count == 1 ? parts[0] : try Tensor.concatenated(parts)
      return Features(normalizes ? try all.normalized(along: -1) : all)
    }
  }

  /// Batches of all pairs in a new order each epoch, the last only where it is whole; no item twice in a batch
  /// where pairs tell what matches.
  func pairSampler(_ data: some TrainingSet, _ training: TrainingConfiguration) throws -> any BatchSampler {
    let size = min(training.batchSize ?? data.count, data.count)
    if positives == .pair, let items = data.itemsOfPairs {
      return DistinctItemSampler(items: items, batchSize: size)
    }
    return ShuffledSampler(count: data.count, batchSize: size, dropsLast: true)
  }

  /// Draws the networks' parameters by the run's seed and learns the scaling of the inputs.
  func prepareBranches(_ data: some TrainingSet, _ preparation: Preparation) throws {
    for (side, network) in [branchA, branchB].enumerated() {
      try network?.reset(using: Generator(seed: mixed(preparation.seed, UInt64(side))))
    }
    guard settings.standardize else { return }
    try scalingA.fit(to: data, side: 0, epsilon: settings.standardizeEpsilon)
    try scalingB?.fit(to: data, side: 1, epsilon: settings.standardizeEpsilon)
  }

  // MARK: - A batch

  /// What of the gathered batch belongs together.
  func matches(_ batch: Batch, _ step: Step) throws -> Matches {
    let rows = try batch.rows.map { try Tensor(step.gathered($0)).to(step.device) }
    switch positives {
    case .class:
      let labels = try Tensor(step.gathered(labels(batch))).to(step.device)
      return Matches(ids: labels, labels, identities: modalities.count == 1 ? (rows[0], rows[0]) : nil)
    case .pair: return Matches(anyOf: rows.prefix(2).map { (x: $0, y: $0) })
    }
  }

  /// Ids to remember a gathered batch by: its classes, or its items of the first modality.
  func ids(_ batch: Batch, _ step: Step) throws -> Tensor {
    try Tensor(step.gathered(positives == .class ? labels(batch) : batch.rows[0])).to(step.device)
  }

  /// Class of each pair of a batch.
  func labels(_ batch: Batch) throws -> [Int] {
    guard let labels = batch.labels else {
      throw ConfigurationError.badValue(
        key: "positives", value: "class", expected: "possible: these pairs have no labels")
    }
    return labels
  }

  /// The value of an objective of the vectors of a batch: with `chunk_size` by gradient caching.
  ///
  /// - Parameter objective: of the own vectors of each modality (the same twice for one modality alone).
  func value(
    _ batch: Batch, _ step: Step, _ objective: (Tensor, Tensor) throws -> ObjectiveValue
  ) throws -> ObjectiveValue {
    let sides = min(2, modalities.count)
    func encode(_ items: [Items]) throws -> [Tensor] {
      try items.prefix(2).enumerated().map { try vectors($1, side: $0) }
    }
    guard settings.chunkSize > 0, settings.chunkSize < batch.count, step.isTraining else {
      let vectors = try encode(batch.items)
      return try objective(vectors[0], vectors[sides - 1])
    }
    let networks: [any Module] = [branchA] + (branchB.map { [$0] } ?? [])
    return try GradientCache.value(
      count: batch.count, chunk: settings.chunkSize, generator: step.generator,
      parameters: networks.flatMap { $0.parameters.map(\.tensor) }
    ) { range in
      try encode(batch.items.map { try $0.rows(at: Array(range)) })
    } objective: {
      try objective($0[0], $0[sides - 1])
    }
  }

  /// Rows of a block of the matrix of all pairs; 0 for all at once.
  static func blockRows(_ count: Int) -> Int { count > 2048 ? 1024 : 0 }

  /// Retrieval within one modality by class, to choose the best weights by; nil for two modalities.
  func ownMeasures(on data: some TrainingSet, metric: Metric) throws -> [Measure]? {
    guard modalities.count == 1, let labels = data.labels else { return nil }
    var parts: [Tensor] = []
    try data.forEachChunk(rows: 1024) {
      parts.append(try features($0.items[0], side: 0, normalizes: metric == .cosine).values)
    }
    let found = try ObjectRetrieval(features: Tensor.concatenated(parts).to(.cpu), labels: labels)
    return [
      Measure("mAP", found.mean(\.averagePrecision) ?? 0), Measure("R@1", found.recall(at: 1)),
    ]
  }
}

extension Step {
  /// A parameter of the loss itself, whose gradient every process computes in full: its share, so that the
  /// gradients of the processes add up.
  func shared(_ parameter: Tensor) throws(TorchError) -> Tensor {
    guard processes > 1 else { return parameter }
    let fixed = try parameter.detached()
    return try fixed + (parameter - fixed) / Double(processes)
  }
}
