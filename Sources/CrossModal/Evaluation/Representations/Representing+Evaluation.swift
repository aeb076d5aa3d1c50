import Torch

extension Representing {
  public func selectionNames(on data: some TrainingSet) throws -> [String] {
    data.labels(side: 0) == nil && self is any DenseRepresenting ? ["match@1cell"] : ["kNN accuracy"]
  }

  /// How much the features of the first modality tell: classes of items where there are labels, classes of pixels where
  /// there are masks, places of pictures where there are maps. Beside it what the same network tells with random weights.
  public func evaluate(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult {
    try check(options, for: data.description)
    var result = try metrics(on: data, options)
    if !options.isBrief, let fresh = try untrained(on: data, options) {
      var quiet = options
      quiet.progress = { _, _ in }
      result.random = try fresh.metrics(on: data, quiet).measures
    }
    return result
  }

  /// The method with the first weights of seed 0; nil where it does not learn by gradient.
  private func untrained(on data: some TrainingSet, _ options: EvaluationOptions) throws -> (
    any Representing
  )? {
    guard let fresh = try Self(configuration, for: data.description) as? any Trainable & Representing else {
      return nil
    }
    let learned: any TrainingSet = options.learned ?? data
    try fresh.drawFirstWeights(learned)
    for entry in fresh.stateEntries {
      entry.tensor = try entry.tensor.detached().to(options.device)
      if let dtype = options.dtype, entry.tensor.dtype.isFloatingPoint {
        entry.tensor = try entry.tensor.to(dtype)
      }
    }
    return fresh
  }

  /// The figures of the method as it is.
  func metrics(on data: some TrainingSet, _ options: EvaluationOptions) throws -> RepresentationMetrics {
    let labels = data.labels(side: 0)
    let dense = (self as? any DenseRepresenting).map { DenseEvaluation(method: $0, options: options) }
    guard labels != nil || dense != nil else {
      throw EvaluationError.badValue("\(data.place) has no labels to compare with")
    }
    let chosen = try selectionNames(on: data)
    // Items that were learned from are compared with each other.
    let learned = options.learned.flatMap { $0.place == data.place ? nil : $0 }
    var (neighbors, probed): (NeighborMetrics?, [Double]?) = (nil, nil)
    if let labels {
      let vectors = try features(of: data, side: 0, options) { options.progress($0, labels.count) }.values
      if !options.isBrief, let learned, let known = learned.labels(side: 0), !known.isEmpty {
        let bank = try features(ofLearned: learned, options)
        neighbors = try NeighborMetrics(vectors, labels: labels, among: (bank, known))
        let found = try LinearProbe(bank, classes: known).scores(vectors).argmax(along: 1).values(
          as: Int.self)
        probed = zip(found, labels).map { $0 == $1 ? 1 : 0 }
      } else {
        neighbors = try NeighborMetrics(vectors, labels: labels)
      }
    }
    var pixels: DenseEvaluation.Pixels?
    if let dense, !options.isBrief, data.hasMasks(side: 0), let learned, learned.hasMasks(side: 0) {
      pixels = try dense.pixels(of: data, fitted: learned)
    }
    let places = try options.isBrief && labels != nil ? nil : dense?.places(of: data)
    return RepresentationMetrics(
      neighbors: neighbors, probed: probed, pixels: pixels?.probe, pixelNeighbors: pixels?.neighbors,
      commonest: pixels?.commonest, places: places, chosen: chosen)
  }

  /// Vectors of the items that were learned from.
  private func features(ofLearned learned: any TrainingSet, _ options: EvaluationOptions) throws -> Tensor {
    func vectors(_ data: some TrainingSet) throws -> Tensor {
      try features(of: data, side: 0, options) { _ in }.values
    }
    return try vectors(learned)
  }
}

extension Trainable {
  /// For use through `any Trainable`.
  fileprivate func drawFirstWeights(_ data: any TrainingSet) throws { try prepare(on: data, Preparation()) }
}
