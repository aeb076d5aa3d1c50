import Torch

extension CCA {
  /// What held-out folds are asked when the ridge or the number of components is chosen.
  public enum Criterion: String, Codable, Sendable, CaseIterable {
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
    let folds = try CanonicalFolds(
      data, views: views, folds: configuration.folds, seed: seed, route: configuration.solver,
      chunkRows: configuration.chunkRows)
    let choosesK = configuration.k == .crossValidated
    let values: [Double?] = choosingRidge ? Array(Set(configuration.grid)).sorted() : [nil]
    var tried: [Candidate] = []
    for value in values {
      let solver = self.solver(
        value.map { [.relative($0), .relative($0)] } ?? ridges, components: choosesK ? .upTo(.max) : request)
      let results = try (0..<folds.count).map { fold -> [Double] in
        let fit = try folds.fit(without: fold, with: solver)
        switch configuration.criterion {
        case .correlation:
          var sum = 0.0
          return try folds.correlations(of: fit, on: fold).map {
            sum += $0
            return sum
          }
        case .reconstruction: return try folds.explained(by: fit, on: fold)
        }
      }
      let most = results.map(\.count).min() ?? 0
      for k in choosesK ? Array(1...max(1, most)) : [most] {
        tried.append(Candidate(ridge: value, k: k, folds: results.map { $0[k - 1] }))
      }
    }
    guard let best = tried.max(by: { $0.mean < $1.mean }) else {
      throw ConfigurationError.badValue(key: "grid", value: "[]", expected: "at least one ridge")
    }
    let near = tried.filter { $0.mean >= best.mean - best.error }
    let plainest = near.min { (-($0.ridge ?? 0), $0.k) < (-($1.ridge ?? 0), $1.k) } ?? best
    return Selection(tried: tried, best: best, plainest: plainest)
  }
}
