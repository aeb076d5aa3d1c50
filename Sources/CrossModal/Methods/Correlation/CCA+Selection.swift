import Torch

extension CCA {
  /// What held-out pairs are asked when the ridge or the number of components is chosen.
  public enum Criterion: String, Codable, Sendable, CaseIterable {
    /// Mean log rank of the mate among them, of a ridge chosen by ``RidgeMode/auto``.
    case rank
    /// Mean average precision over the items of a class, likewise.
    case map
    /// How many mates come first.
    case recall
    /// Sum of the correlations of the scores.
    case correlation
    /// Share of the second view's variance that the first predicts.
    case reconstruction
  }

  /// One ridge and number of components, and how they did on held-out folds.
  struct Candidate {
    let ridge: Double?
    let k: Int
    let folds: [Double]

    var mean: Double { folds.reduce(0, +) / Double(folds.count) }
    /// Standard error of ``mean``.
    var error: Double {
      let squares = folds.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (squares / Double(folds.count - 1) / Double(folds.count)).squareRoot()
    }

    fileprivate var reported: FitSelection.Candidate {
      FitSelection.Candidate(
        setting: ridge.map { ("ridge", $0) }, variant: nil, components: k, value: mean,
        json: [
          "ridge": ridge.map(JSON.double) ?? .null, "k": .int(k), "criterion": .double(mean),
          "standard_error": .double(error),
        ])
    }
  }

  /// What cross-validation chose, and every candidate.
  struct Selection {
    let tried: [Candidate]
    let best: Candidate
    /// The most regularised candidate within one standard error of the best: the largest ridge, then the
    /// fewest components.
    let plainest: Candidate

    var reported: FitSelection {
      FitSelection(
        measure: "held-out criterion", tried: tried.map(\.reported), best: best.reported,
        plainest: plainest.reported)
    }
  }

  /// Tries ridges and numbers of components on held-out folds of the training pairs.
  ///
  /// - Parameters:
  ///   - ridges: of both views, for candidates that choose only the number of components.
  ///   - choosingRidge: try the relative ridges of the grid.
  func select(
    _ data: some TrainingSet, ridges: [Ridge], choosingRidge: Bool, request: ComponentRequest, seed: UInt64
  ) throws -> Selection {
    let choosesK = configuration.k == .crossValidated
    // The sum of correlations grows with the number of components, whether they help or not.
    let criterion = configuration.criterion ?? (choosesK ? .recall : .correlation)
    let folds = try CanonicalFolds(
      data, views: views, folds: configuration.folds, seed: seed, route: configuration.solver,
      chunkRows: configuration.chunkRows, keepsRows: criterion == .recall)
    let values: [Double?] = choosingRidge ? Array(Set(configuration.grid)).sorted() : [nil]
    var tried: [Candidate] = []
    for value in values {
      let solver = self.solver(
        value.map { [.relative($0), .relative($0)] } ?? ridges, components: choosesK ? .upTo(.max) : request)
      let results = try (0..<folds.count).map { fold -> [Int: Double] in
        let fit = try folds.fit(without: fold, with: solver)
        switch criterion {
        case .reconstruction: return CCA.numbered(try folds.explained(by: fit, on: fold))
        case .recall: return try recalls(of: fit, folds.rows(of: fold), folds.items(of: fold), choosesK)
        case .correlation, .rank, .map:
          var sum = 0.0
          return CCA.numbered(
            try folds.correlations(of: fit, on: fold).map {
              sum += $0
              return sum
            })
        }
      }
      // Only what every fold could measure.
      let common = results.dropFirst().reduce(Set(results[0].keys)) { $0.intersection($1.keys) }.sorted()
      for k in choosesK ? common : Array(common.suffix(1)) {
        tried.append(Candidate(ridge: value, k: k, folds: results.compactMap { $0[k] }))
      }
    }
    guard let best = tried.max(by: { $0.mean < $1.mean }) else {
      throw ConfigurationError.badValue(key: "grid", value: "[]", expected: "at least one ridge")
    }
    let near = tried.filter { $0.mean >= best.mean - best.error }
    let plainest = near.min { (-($0.ridge ?? 0), $0.k) < (-($1.ridge ?? 0), $1.k) } ?? best
    return Selection(tried: tried, best: best, plainest: plainest)
  }

  /// By the number of components, from 1.
  private static func numbered(_ values: [Double]) -> [Int: Double] {
    Dictionary(uniqueKeysWithValues: values.enumerated().map { ($0.offset + 1, $0.element) })
  }

  /// Share of held-out mates that come first by the first k components, by k: of some k up to all.
  private func recalls(
    of fit: CanonicalFit, _ rows: [Tensor], _ items: [[Int]]?, _ choosesK: Bool
  ) throws -> [Int: Double] {
    let all = fit.achieved.count
    let rho = try fit.solution.correlations[0..<all]
    let z = try rows.enumerated().map { side, rows in
      let scores = try fit.scores(rows, view: side)
      if let weights = try weights(of: rho) { return try scores * weights }
      return try scores * rho.clamped(from: 0).power(configuration.rhoPower ?? 0)
    }
    let mates = try MateRanks(pairs: rows[0].size(along: 0), items: items)
    let numbers = choosesK ? SCM.dimensions(upTo: all) : [all]
    return Dictionary(
      uniqueKeysWithValues: try numbers.map { k in
        let kept = try z.map { try $0.narrowed(to: 0..<k, along: 1) }
        let vectors =
          configuration.score == .likelihood
          ? try kept.indices.map { try PairLikelihood.vectors(kept[$0], rho[0..<k], side: $0) } : kept
        return (k, try mates.recall(metric.scores(vectors[0], vectors[1])))
      })
  }
}
