import Torch

extension SCM {
  /// Settings that were chosen, or given.
  struct Settings {
    var k: Int
    var c: Double
    var score: SemanticScore

    var key: Candidate.Key {
      Candidate.Key(k: k, c: c, score: SemanticScore.allCases.firstIndex(of: score) ?? 0)
    }
  }

  /// One candidate and how it did on held-out folds.
  struct Candidate {
    let settings: Settings
    /// Mean average precision of both directions, of each fold.
    var folds: [Double]

    var mean: Double { folds.reduce(0, +) / Double(folds.count) }
    /// Standard error of ``mean``.
    var error: Double {
      guard folds.count > 1 else { return 0 }
      let squares = folds.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (squares / Double(folds.count - 1) / Double(folds.count)).squareRoot()
    }

    var reported: FitSelection.Candidate {
      FitSelection.Candidate(
        setting: ("c", settings.c), variant: settings.score.rawValue, components: settings.k, value: mean,
        json: [
          "k": .int(settings.k), "c": .double(settings.c), "score": .string(settings.score.rawValue),
          "map": .double(mean), "standard_error": .double(error), "folds": .int(folds.count),
        ])
    }
  }

  /// Chooses what the configuration leaves open, by the mean average precision of both directions on held-out
  /// folds of the training pairs: first the components with the middle penalty of the grid, then the penalty.
  ///
  /// Candidates that a division into folds cannot tell from the best (within one standard error) are measured
  /// on further divisions, so that the choice hardly depends on the seed.
  /// - Returns: the candidates tried, in order of (k, c, score), and the one chosen.
  func select(
    _ rows: [Tensor], labels: [Int], classes: Int, ridges: [Ridge], seed: UInt64
  ) throws -> (tried: [Candidate], best: Candidate?) {
    func tried(_ ks: [Int]?, _ penalties: [Double], division: Int) throws -> [Candidate] {
      let folds = try FoldAssignment(
        rows: labels.count, folds: configuration.folds, labels: labels, seed: seed &+ UInt64(division))
      let results = try (0..<folds.count).map { fold in
        let (train, test) = folds.split(fold)
        return try measure(
          rows.map { try $0.rows(at: train) }, train.map { labels[$0] }, rows.map { try $0.rows(at: test) },
          test.map { labels[$0] }, classes: classes, ridges: ridges, ks: ks, penalties: penalties)
      }
      // Only what every fold could measure.
      let common = results.dropFirst().reduce(Set(results[0].keys)) { $0.intersection($1.keys) }
      return common.sorted().map { key in
        Candidate(
          settings: Settings(k: key.k, c: key.c, score: SemanticScore.allCases[key.score]),
          folds: results.compactMap { $0[key] })
      }
    }
    func race(_ ks: [Int]?, _ penalties: [Double]) throws -> [Candidate] {
      var found = try tried(ks, penalties, division: 0)
      for division in 1..<max(1, configuration.repeats) {
        guard let best = SCM.best(of: found) else { break }
        let near = found.indices.filter {
          found[$0].folds.count == best.folds.count && found[$0].mean >= best.mean - best.error
        }
        guard near.count > 1 else { break }
        let open = near.map { found[$0].settings }
        let again = try tried(
          Array(Set(open.map(\.k))).sorted(), Array(Set(open.map(\.c))).sorted(), division: division)
        let byKey = Dictionary(uniqueKeysWithValues: again.map { ($0.settings.key, $0.folds) })
        for place in near { found[place].folds += byKey[found[place].settings.key] ?? [] }
      }
      return found
    }
    let grid = configuration.c.value.map { [$0] } ?? Array(Set(configuration.grid)).sorted()
    let opensK = configuration.mode.usesCanonicalScores && configuration.k.value == nil
    let given = configuration.k.value.map { [$0] }
    guard opensK, configuration.mode.usesClasses, grid.count > 1 else {
      let tried = try race(given, grid)
      return (tried, SCM.best(of: tried))
    }
    let byComponents = try race(nil, [grid[grid.count / 2]])
    guard let best = SCM.best(of: byComponents) else { return (byComponents, nil) }
    let byPenalty = try race([best.settings.k], grid)
    let others = byComponents.filter { $0.settings.k != best.settings.k }
    return ((others + byPenalty).sorted { $0.settings.key < $1.settings.key }, SCM.best(of: byPenalty))
  }

  /// The best of the candidates that were measured on the most folds.
  private static func best(of candidates: [Candidate]) -> Candidate? {
    let most = candidates.map(\.folds.count).max() ?? 0
    return candidates.filter { $0.folds.count == most }.max { $0.mean < $1.mean }
  }

  /// Mean average precision on test rows of every candidate fitted to training rows.
  private func measure(
    _ train: [Tensor], _ trainLabels: [Int], _ test: [Tensor], _ testLabels: [Int], classes: Int,
    ridges: [Ridge], ks wanted: [Int]?, penalties: [Double]
  ) throws -> [Candidate.Key: Double] {
    let mode = configuration.mode
    var spaces: [(k: Int, train: [Tensor], test: [Tensor])] = []
    if mode.usesCanonicalScores {
      let fit = try canonical(ridges, components: .upTo(.max)).fit(train, views: views)
      let ranks = fit.solution.ranks
      let (learned, held) = (
        try train.indices.map { try fit.scores(train[$0], view: $0) },
        try test.indices.map { try fit.scores(test[$0], view: $0) }
      )
      let rho = try fit.solution.correlations.clamped(from: 0)
      for k in wanted ?? SCM.dimensions(upTo: ranks.min() ?? 1) {
        _ = try ComponentRequest.exactly(k).count(ranks: ranks, views: views)
        let weigh = mode == .cm && configuration.rhoPower != 0
        func first(_ scores: Tensor) throws -> Tensor {
          let kept = try scores.narrowed(to: 0..<k, along: 1)
          return weigh ? try kept * rho[0..<k].power(configuration.rhoPower) : kept
        }
        spaces.append((k, try learned.map(first), try held.map(first)))
      }
    } else {
      spaces.append((0, train, test))
    }
    var found: [Candidate.Key: Double] = [:]
    for space in spaces {
      guard mode.usesClasses else {
        try compare(space.test, testLabels, k: space.k, c: 0, into: &found)
        continue
      }
      let scaled = try space.train.map { try Standardization($0, active: standardizes) }
      var models = [LogisticRegression?](repeating: nil, count: 2)
      for c in penalties {
        let posteriors = try space.train.indices.map { side in
          let model = try LogisticRegression.fit(
            scaled[side].apply(space.train[side]), classes: trainLabels, count: classes, penalty: c,
            kind: configuration.classifier, balanced: configuration.balanced, start: models[side],
            tolerance: 1e-6)
          models[side] = model
          return try model.probabilities(scaled[side].apply(space.test[side]))
        }
        try compare(posteriors, testLabels, k: space.k, c: c, into: &found)
      }
    }
    return found
  }

  private func compare(
    _ vectors: [Tensor], _ labels: [Int], k: Int, c: Double, into found: inout [Candidate.Key: Double]
  ) throws {
    let rule = LabeledRetrieval(ties: configuration.mapTies, at: configuration.mapAt)
    let open = SemanticScore.allCases.filter { configuration.mode.usesClasses || !$0.needsPosteriors }
    for score in configuration.score.value.map({ [$0] }) ?? open {
      let forward = try score.scores(vectors[0], vectors[1])
      let backward =
        score.isSymmetric ? try forward.transposed() : try score.scores(vectors[1], vectors[0])
      let precision =
        try
        (rule.meanAveragePrecision(forward, queries: labels, gallery: labels)
        + rule.meanAveragePrecision(backward, queries: labels, gallery: labels)) / 2
      found[Settings(k: k, c: c, score: score).key] = precision
    }
  }

  /// 1, 2, … 20, then in steps that grow, up to the rank.
  static func dimensions(upTo rank: Int) -> [Int] {
    var found = Array(1...min(20, max(1, rank)))
    while let last = found.last, last < rank { found.append(min(rank, last + max(1, last / 4))) }
    return found
  }
}

extension SCM.Candidate {
  struct Key: Hashable, Comparable {
    let k: Int
    let c: Double
    let score: Int

    static func < (a: Key, b: Key) -> Bool { (a.k, a.c, a.score) < (b.k, b.c, b.score) }
  }
}

/// Mean and spread of training features, taken out before a classifier is fitted.
struct Standardization {
  let mean: Tensor
  let spread: Tensor

  /// - Parameter active: without it nothing is changed.
  init(_ rows: Tensor, active: Bool) throws {
    let d = rows.size(along: 1)
    guard active else {
      mean = try Tensor.zeros([d], .float64)
      spread = try Tensor.ones([d], .float64)
      return
    }
    let moments = try ColumnMoments(of: rows)
    mean = moments.mean
    let found = try moments.deviation(correction: 0)
    // Columns that are constant but for rounding stay as they are.
    spread = try found.masked(with: found .<= (mean.magnitude() * 1e-12), fill: 1)
  }

  func apply(_ rows: Tensor) throws -> Tensor { try (rows.to(.float64) - mean) / spread }

  /// The classifier that does to raw features what `model` does to standardized ones.
  func folded(into model: LogisticRegression) throws -> LogisticRegression {
    let weight = try model.weight / spread
    return LogisticRegression(kind: model.kind, weight: weight, bias: try model.bias - weight.matmul(mean))
  }
}
