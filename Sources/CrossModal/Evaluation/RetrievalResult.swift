import Torch

/// What measuring retrieval gave: between the first two modalities, and between every other two where there are more.
public struct RetrievalResult: TaskResult {
  /// Retrieval between the first two modalities.
  public let retrieval: RetrievalMetrics
  /// Pearson correlation of each component on the pairs; nil for methods without canonical pairs.
  public let correlations: [Double]?
  /// How well each modality's rows are predicted from another's; nil for methods that predict none.
  public let prediction: [PredictionQuality]?
  /// Every other pair of modalities, where the method takes more than two.
  public let further: [PairOfModalities]
  /// Vectors of the first two modalities, for what else is done with them; nil for methods of several an item, which
  /// may be too many to keep.
  let vectors: [Features]?

  /// Retrieval between two modalities of several.
  public struct PairOfModalities: Sendable {
    public let retrieval: RetrievalMetrics
    public let correlations: [Double]?
  }

  init(
    _ retrieval: RetrievalMetrics, correlations: [Double]? = nil, prediction: [PredictionQuality]? = nil,
    further: [PairOfModalities] = [], vectors: [Features]? = nil
  ) {
    self.retrieval = retrieval
    self.correlations = correlations
    self.prediction = prediction
    self.further = further
    self.vectors = vectors
  }

  /// The first pair of modalities and every other.
  public var pairs: [PairOfModalities] {
    [PairOfModalities(retrieval: retrieval, correlations: correlations)] + further
  }

  public var `protocol`: String { retrieval.protocol }

  public var counts: [(name: String, count: Int)] {
    var seen: Set<String> = []
    return pairs.flatMap { zip($0.retrieval.modalities, $0.retrieval.counts) }
      .filter { seen.insert($0.0).inserted }.map { (name: $0.0, count: $0.1) }
  }

  /// Both directions of every pair of modalities; the sum of recalls where there is one pair.
  public var measures: [Measure] {
    pairs.flatMap { pair in pair.retrieval.measures.filter { further.isEmpty || $0.name != "rsum" } }
  }

  public var json: JSON {
    guard !further.isEmpty else { return retrieval.json }
    return .object(
      pairs.flatMap { pair in
        zip(pair.retrieval.directionNames, [pair.retrieval.forward, pair.retrieval.backward])
          .map { JSON.Member($0, $1.summary.json) }
      })
  }

  public var details: [JSON.Member] {
    var members = retrieval.omissionsJSON
    if let correlations {
      members.append(JSON.Member("correlations", .array(correlations.map(JSON.double))))
      members.append(JSON.Member("total_correlation", .double(correlations.reduce(0, +))))
    }
    if !further.isEmpty, correlations != nil {
      let all = pairs.map { pair in
        JSON.Member(
          pair.retrieval.modalities.joined(separator: "_"),
          .array((pair.correlations ?? []).map(JSON.double)))
      }
      members.append(JSON.Member("pair_correlations", .object(all)))
    }
    if let prediction {
      members.append(
        JSON.Member("prediction", .object(prediction.map { JSON.Member($0.name, $0.json) })))
    }
    return members
  }

  /// Where there are labels, mAP is what the field goes by; else the sum of recalls. Behind everything stands the mean
  /// of R@1, R@5 and R@10 of both directions, each rounded to 0.1 first, as programs of two branches choose weights by.
  public var selection: [Measure] {
    let all = retrieval.measures
    let precisions = all.filter { $0.name.hasSuffix(".mAP") }
    let first =
      retrieval.hasLabels && precisions.count == 2
      ? Measure("mAP", precisions.map(\.value).reduce(0, +) / 2) : all.first { $0.name == "rsum" }
    let recalls = all.filter { $0.unit == .percent && $0.name != "rsum" }.map {
      ($0.value * 10).rounded() / 10
    }
    let mean =
      recalls.isEmpty ? [] : [Measure("mR", recalls.reduce(0, +) / Double(recalls.count), .percent)]
    return (first.map { [$0] } ?? []) + all.filter { $0.name != first?.name } + mean
  }

  public var resampled: [any ResampledTest] {
    pairs.map { RetrievalTest($0.retrieval, hasSum: further.isEmpty) }
  }
}

// MARK: - Measuring

extension Alignment {
  public func options(for data: DataDescription) -> Set<EvaluationOption> {
    data.modalities.count > 1 ? [.protocol, .ties, .models] : []
  }

  public func selectionNames(on data: some TrainingSet) throws -> [String] { try retrievalNames(on: data) }

  /// ``selectionNames(on:)``, for methods of more than one task.
  func retrievalNames(on data: some TrainingSet) throws -> [String] {
    guard data.description.modalities.count > 1 else { return ObjectResult.selectionNames }
    // What two pairs are measured by is what any number of them is.
    let labels = (0..<2).map { data.labels(side: $0).map { _ in [0, 1] } }
    let truth = try RetrievalTruth(
      first: 2, second: 2, pairs: [(0, 0), (1, 1)], labels: (labels[0], labels[1]))
    let metrics = try RetrievalEvaluation().metrics(
      of: ScoreSource(Tensor.identity(2)), truth: truth,
      modalities: data.description.modalities.prefix(2).map(\.name))
    return RetrievalResult(metrics).selection.map(\.name)
  }

  /// Retrieval in both directions, between every two modalities where there are more; of one modality alone, how well
  /// its items find those of their own class.
  public func evaluate(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult {
    try retrievalResult(on: data, options)
  }

  /// ``evaluate(on:_:)``, for methods of more than one task.
  func retrievalResult(on data: some TrainingSet, _ options: EvaluationOptions) throws -> any TaskResult {
    try check(options, for: data.description)
    return try withoutGradient { () -> any TaskResult in
      guard data.description.modalities.count > 1 else { return try objects(in: data, options) }
      return try retrieval(on: data, options)
    }
  }

  /// How retrieval is measured: as the options say, else as the method's settings have it, else every item at once.
  func retrievalEvaluation(
    of data: some TrainingSet, _ options: EvaluationOptions
  ) throws -> RetrievalEvaluation {
    let isOpen = options.searched == nil || options.ties == nil
    var evaluation =
      isOpen
      ? try (self as? any RetrievalMeasuring)?.evaluation(rows: data.count(side: 0)) ?? RetrievalEvaluation()
      : RetrievalEvaluation()
    evaluation.protocol = options.searched ?? evaluation.protocol
    evaluation.ties = options.ties ?? evaluation.ties
    return evaluation
  }

  private func retrieval(
    on data: some TrainingSet, _ options: EvaluationOptions
  ) throws -> RetrievalResult {
    let evaluation = try retrievalEvaluation(of: data, options)
    let names = data.description.modalities.map(\.name)
    // The larger side first: joining its blocks takes twice its memory for a moment.
    let (first, second) = (data.count(side: 0), data.count(side: 1))
    let order = second > first ? [1, 0] : [0, 1]
    var (features, done): ([Int: Features], Int) = ([:], 0)
    for side in order {
      features[side] = try self.features(of: data, side: side, options) {
        options.progress(done + $0, first + second)
      }
      done += data.count(side: side)
    }
    guard let x = features[0], let y = features[1] else { throw FeatureError.nothingToEncode }
    let metrics = try evaluation.metrics(
      of: ScoreSource(self, x, y), truth: RetrievalTruth(data, [0, 1]), modalities: Array(names.prefix(2)))
    guard !options.isBrief else { return RetrievalResult(metrics) }
    return RetrievalResult(
      metrics, correlations: try correlations(data, [0, 1], x, y),
      prediction: try (self as? any Predicting)?.quality(on: data, rows: options.block),
      further: Self.description.modalities.upperBound > 2
        ? try further(data, [x, y], evaluation, options) : [],
      vectors: self is any JointEmbedding ? [x, y] : nil)
  }

  /// Every two of more than two modalities but the first two, whose features are given.
  private func further(
    _ data: some TrainingSet, _ first: [Features], _ evaluation: RetrievalEvaluation,
    _ options: EvaluationOptions
  ) throws -> [RetrievalResult.PairOfModalities] {
    let names = data.description.modalities.map(\.name)
    let features =
      try first + names.indices.dropFirst(2).map { try self.features(of: data, side: $0, options) }
    let sides = features.indices.flatMap { side in features.indices.filter { $0 > side }.map { [side, $0] } }
    return try sides.dropFirst().map { sides in
      let (x, y) = (features[sides[0]], features[sides[1]])
      let metrics = try evaluation.metrics(
        of: ScoreSource(self, x, y), truth: RetrievalTruth(data, sides), modalities: sides.map { names[$0] })
      return RetrievalResult.PairOfModalities(
        retrieval: metrics, correlations: try correlations(data, sides, x, y))
    }
  }

  private func correlations(
    _ data: some TrainingSet, _ sides: [Int], _ x: Features, _ y: Features
  ) throws -> [Double]? {
    guard let method = self as? any CorrelationReporting, data.count > 1 else { return nil }
    let rows = sides.map { data.itemsOfPairs?[$0] ?? Array(0..<data.count) }
    let found = try method.correlations(x.rows(at: rows[0]), y.rows(at: rows[1]))
    return found.isEmpty ? nil : found
  }
}

extension RetrievalTruth {
  /// What belongs together of two modalities of a set of pairs.
  public init(_ data: some TrainingSet, _ sides: [Int]) throws {
    let items = data.itemsOfPairs
    try self.init(
      first: data.count(side: sides[0]), second: data.count(side: sides[1]),
      pairs: items.map { Array(zip($0[sides[0]], $0[sides[1]])) },
      labels: (data.labels(side: sides[0]), data.labels(side: sides[1])))
  }
}

extension Encoding {
  /// Features of all items of one modality, a block of items at a time.
  ///
  /// - Parameter progress: told how many are encoded.
  public func features(
    of data: some TrainingSet, side: Int, _ options: EvaluationOptions = EvaluationOptions(),
    progress: (Int) -> Void = { _ in }
  ) throws -> Features {
    let count = data.count(side: side)
    var parts: [Features] = []
    for start in stride(from: 0, to: count, by: options.block) {
      let end = min(start + options.block, count)
      let items = try data.items(side: side, rows: start..<end).to(options.device, options.dtype)
      parts.append(try withoutGradient { try encode(items, side: side) })
      progress(end)
    }
    return try Features(joining: parts)
  }
}
