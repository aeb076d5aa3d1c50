import Torch

/// Correlation matching, semantic matching, and both together: items are compared by canonical scores, by
/// class posteriors of their own features, or by class posteriors of their canonical scores (Rasiwasia et
/// al., ACM Multimedia 2010).
///
/// What the configuration leaves open (components, penalty, score) is chosen by cross-validation on the
/// training pairs. Everything is closed-form or convex: the same data and seed give the same model.
public final class SCM: Fittable, CorrelationReporting, FitReporting {
  public static let description = MethodDescription(
    name: "scm", family: .correlation, task: .retrieval,
    summary: "class posteriors of canonical scores (scm), of raw features (sm), or the scores alone (cm)",
    citation:
      "N. Rasiwasia, J. Costa Pereira, E. Coviello, G. Doyle, G. Lanckriet, R. Levy, N. Vasconcelos, A new "
      + "approach to cross-modal multimedia retrieval, ACM Multimedia 2010",
    accepts: [.vector])

  public let configuration: Configuration
  /// Names of the two modalities.
  public let views: [String]
  public private(set) var fitReport: FitReport?

  @Buffer private var meanX: Tensor
  @Buffer private var meanY: Tensor
  @Buffer private var weightX: Tensor
  @Buffer private var weightY: Tensor
  /// Canonical correlations, descending, `[k]`; empty in mode `sm`.
  @Buffer public private(set) var rho: Tensor
  @Buffer private var classWeightX: Tensor
  @Buffer private var classBiasX: Tensor
  @Buffer private var classWeightY: Tensor
  @Buffer private var classBiasY: Tensor
  /// Labels in the order of the posteriors, int64 `[classes]`; empty in mode `cm`.
  @Buffer public private(set) var classes: Tensor
  /// Which of ``SemanticScore/allCases`` compares items, int64 `[1]`.
  @Buffer private var chosenScore: Tensor

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    try configuration.validate()
    guard data.modalities.count == 2 else {
      throw CorrelationError.wrongViews(found: data.modalities.count, expected: "2")
    }
    self.configuration = configuration
    views = data.modalities.map(\.name)
    let (x, y) = (views[0], views[1])
    _meanX = try learned([0], "cca.\(x).mean")
    _meanY = try learned([0], "cca.\(y).mean")
    _weightX = try learned([0, 0], "cca.\(x).weight")
    _weightY = try learned([0, 0], "cca.\(y).weight")
    _rho = try learned([0], "cca.rho")
    let stage = configuration.mode == .sm ? "sm" : "scm"
    _classWeightX = try learned([0, 0], "\(stage).\(x).weight")
    _classBiasX = try learned([0], "\(stage).\(x).bias")
    _classWeightY = try learned([0, 0], "\(stage).\(y).weight")
    _classBiasY = try learned([0], "\(stage).\(y).bias")
    _classes = try learned([0], "classes", .int64)
    let score = configuration.score.value.flatMap { SemanticScore.allCases.firstIndex(of: $0) } ?? 0
    _chosenScore = Buffer(wrappedValue: try Tensor([score]), "score")
  }

  // MARK: - Learning

  /// Chooses open settings on held-out folds, then fits to all pairs.
  ///
  /// - Throws: ``CorrelationError`` when labels are needed and missing, or the views cannot be correlated.
  /// - Complexity: O(n (p + q)²) for the canonical part; each classifier O(iterations · n · classes · d).
  public func fit(to data: some TrainingSet, seed: UInt64 = 0) throws {
    guard data.count > 0 else { throw CorrelationError.tooFewRows(0) }
    let columns = try rowsOfViews(data.batch(at: [0]), views).reduce(0) { $0 + $1.size(along: 1) }
    // Small data mean thousands of small operations, which threads only slow down.
    let isSmall = data.count * columns < 1 << 22
    try Runtime.withThreads(isSmall ? 1 : Runtime.threads) {
      try fit(to: data, columns: columns, seed: seed)
    }
  }

  private func fit(to data: some TrainingSet, columns: Int, seed: UInt64) throws {
    let mode = configuration.mode
    let open =
      (mode.usesCanonicalScores && configuration.k.value == nil)
      || (mode.usesClasses && configuration.c.value == nil) || configuration.score.value == nil
    guard let labels = data.labels ?? (mode == .cm && !open ? [] : nil) else {
      throw CorrelationError.impossible(
        "scm in mode \(mode.rawValue) learns from classes, and the data set '\(data.description.name)' has no labels"
      )
    }
    let order = Array(Set(labels)).sorted()
    let place = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    guard !mode.usesClasses || order.count >= 2 else {
      throw CorrelationError.impossible("classifiers need at least 2 classes, found \(order.count)")
    }
    let ridges = self.ridges(rows: data.count, columns: columns)

    var settings = Settings(
      k: configuration.k.value ?? 0, c: configuration.c.value ?? 0, score: configuration.score.value ?? .nc)
    var selection: (tried: [Candidate], best: Candidate?)?
    if open {
      let sample = try data.sample(configuration.selectionRows, seed: seed)
      let rows = try rowsOfViews(sample, views).map { try $0.to(.float64) }
      for (view, tensor) in zip(views, rows) { try checkFinite(tensor, view: view) }
      let found = try select(
        rows, labels: (sample.labels ?? []).compactMap { place[$0] }, classes: order.count, ridges: ridges,
        seed: seed)
      selection = found
      if let best = found.best { settings = best.settings }
    }
    var report = FitReport()
    if mode.usesCanonicalScores {
      let fit = try CanonicalFit(
        data, views: views, route: .auto, chunkRows: configuration.chunkRows,
        with: canonical(ridges, components: .exactly(settings.k)))
      (meanX, meanY) = (fit.means[0], fit.means[1])
      (weightX, weightY) = (fit.solution.weights[0], fit.solution.weights[1])
      rho = try fit.solution.correlations[0..<settings.k].copied()
      report = try fit.report(views: views, ridges: ridges)
    }
    if mode.usesClasses {
      try fitClassifiers(to: data, labels: labels.compactMap { place[$0] }, count: order.count, c: settings.c)
      classes = try Tensor(order)
      report.add("classes", .array(order.map(JSON.int)))
      report.add("c", .double(settings.c))
    }
    chosenScore = try Tensor([SemanticScore.allCases.firstIndex(of: settings.score) ?? 0])
    report.add("score", .string(settings.score.rawValue))
    if let selection, let best = selection.best {
      report.add(
        FitSelection(
          measure: "mAP on held-out folds", tried: selection.tried.map(\.reported), best: best.reported,
          plainest: nil))
    }
    report.warnings += warnings(settings)
    fitReport = report
  }

  private func fitClassifiers(to data: some TrainingSet, labels: [Int], count: Int, c: Double) throws {
    var parts: [[Tensor]] = [[], []]
    try data.forEachChunk(rows: configuration.chunkRows) { batch in
      for (side, rows) in try rowsOfViews(batch, views).enumerated() {
        if !configuration.mode.usesCanonicalScores { try checkFinite(rows, view: views[side]) }
        parts[side].append(
          configuration.mode.usesCanonicalScores ? try canonicalScores(rows, side: side) : rows)
      }
    }
    let models = try parts.map { part in
      let rows = try Tensor.concatenated(part)
      let scale = try Standardization(rows, active: standardizes)
      return try scale.folded(
        into: LogisticRegression.fit(
          scale.apply(rows), classes: labels, count: count, penalty: c, kind: configuration.classifier,
          balanced: configuration.balanced))
    }
    (classWeightX, classBiasX) = (models[0].weight, models[0].bias)
    (classWeightY, classBiasY) = (models[1].weight, models[1].bias)
  }

  /// Whether features are standardized before the classifiers.
  var standardizes: Bool { configuration.standardize ?? (configuration.mode == .sm) }

  /// The ridge of each view: as configured, or none where there are rows enough.
  private func ridges(rows: Int, columns: Int) -> [Ridge] {
    (0..<2).map { view in
      let mode = configuration.ridgeMode?[view] ?? (rows > 10 * columns ? .none : .relative)
      return Ridge(mode, configuration.ridge[view]) ?? .relative(configuration.ridge[view])
    }
  }

  func canonical(_ ridges: [Ridge], components: ComponentRequest) -> CanonicalSolver {
    CanonicalSolver(ridges: ridges, components: components, rankTolerance: configuration.rankRtol)
  }

  private func warnings(_ settings: Settings) -> [String] {
    var found: [String] = []
    if configuration.mode == .cm, settings.score == .ncc, settings.k == 2 {
      found.append("ncc of 2 components can only be 1 or -1: the ranking is all ties")
    }
    return found
  }

  // MARK: - Using

  /// How items are compared: as configured, or as chosen.
  public var score: SemanticScore {
    let number = (try? chosenScore.item(as: Int.self)) ?? 0
    return SemanticScore.allCases.indices.contains(number) ? SemanticScore.allCases[number] : .nc
  }

  /// The metric that orders vectors as ``score`` does; for l1, kl, kl_sym, js and nc_sum, which no metric of
  /// an index matches, the cosine, which comes near.
  public var metric: Metric {
    switch score {
    case .dot: .dot
    case .l2: .euclidean
    default: .cosine
    }
  }

  /// Canonical scores `[n, k]` in mode `cm`, else class posteriors `[n, classes]`, float64; under `ncc` without
  /// their own mean. The companion `canonical` holds the canonical scores.
  public func encode(_ items: Items, side: Int) throws -> Features {
    let rows = try vectors(of: items, view: views[side]).to(.float64)
    let mode = configuration.mode
    var companions: [String: Tensor] = [:]
    var values = rows
    if mode.usesCanonicalScores {
      guard rho.count > 0 else { throw CorrelationError.notFitted }
      values = try canonicalScores(rows, side: side)
      companions["canonical"] = values
      if mode == .cm, configuration.rhoPower != 0 {
        values = try values * rho.clamped(from: 0).power(configuration.rhoPower)
      }
    }
    if mode.usesClasses { values = try posteriors(values, side: side) }
    if score == .ncc { values = try values - values.mean(along: 1, keepingDimension: true) }
    return Features(values, companions: companions)
  }

  public func similarity(_ x: Features, _ y: Features) throws -> Tensor {
    try score.scores(x.values, y.values)
  }

  /// Correlations of the canonical scores; empty in mode `sm`.
  public func correlations(_ x: Features, _ y: Features) throws -> [Double] {
    guard let a = x.companions["canonical"], let b = y.companions["canonical"] else { return [] }
    return try pearsonCorrelations(a, b).values()
  }

  /// ρ of the canonical scores; nil in mode `sm`.
  public var learnedCorrelations: Tensor? { rho.count > 0 ? rho : nil }

  /// Class posteriors of items, in the order of ``classes``: float64 `[n, classes]`.
  ///
  /// - Throws: ``CorrelationError/impossible(_:)`` in mode `cm`, which knows no classes.
  public func posteriors(of items: Items, side: Int) throws -> Tensor {
    guard configuration.mode.usesClasses else {
      throw CorrelationError.impossible("mode cm has no classes")
    }
    let rows = try vectors(of: items, view: views[side]).to(.float64)
    return try posteriors(
      configuration.mode.usesCanonicalScores ? canonicalScores(rows, side: side) : rows, side: side)
  }

  private func canonicalScores(_ rows: Tensor, side: Int) throws -> Tensor {
    let (mean, weight) = side == 0 ? (meanX, weightX) : (meanY, weightY)
    guard mean.count > 0 else { throw CorrelationError.notFitted }
    try checkWidth(rows, mean.count, side: side)
    return try (rows.to(.float64) - mean).matmul(weight)
  }

  private func posteriors(_ rows: Tensor, side: Int) throws -> Tensor {
    let (weight, bias) = side == 0 ? (classWeightX, classBiasX) : (classWeightY, classBiasY)
    guard bias.count > 0 else { throw CorrelationError.notFitted }
    try checkWidth(rows, weight.size(along: 1), side: side)
    return try LogisticRegression(kind: configuration.classifier, weight: weight, bias: bias)
      .probabilities(rows)
  }

  private func checkWidth(_ rows: Tensor, _ expected: Int, side: Int) throws {
    guard rows.size(along: 1) == expected else {
      throw CorrelationError.wrongWidth(view: views[side], found: rows.size(along: 1), expected: expected)
    }
  }
}

extension SCM: RelationLearning {
  public var learnedRelation: LearnedRelation {
    configuration.mode.usesClasses
      ? .classes(forPairs: "mode=cm learns pairs, as the method cca does")
      : .pairs(forClasses: "mode=scm learns classes")
  }
}
