import Foundation
import Torch

/// The choice of scale, ridge and score on held-out pairs of the training part (`ridge_mode: auto`).
///
/// A fifth of the pairs, at most 500, is held out once. Both covariances of the others are decomposed once for each scale;
/// then a ridge costs one decomposition of their whitened product. What does best is fitted to all pairs, whose
/// covariances are those of the others and the held-out ones together.
struct RidgeSearch {
  /// The given settings with what was chosen in them.
  let configuration: CCA.Configuration
  /// Covariances of all pairs; nil where rows are held in memory.
  let joint: JointCovariance?
  let selection: FitSelection
  let chosen: ChosenSettings

  /// Ridges per row to choose from: classes want larger ones than mates.
  static func ridges(byClass: Bool) -> [Double] { byClass ? [0.3, 1, 3, 10] : [0.1, 0.3, 1, 3] }
  static let scales = [ColumnScale.none, .floored]
  static let share = 0.2
  static let mostHeld = 500

  /// What is tried.
  private struct Candidate {
    let scale: ColumnScale
    let ridge: Double
    let score: CCA.Score
    let rhoPower: Double?
    let components: Int
    /// Higher is better.
    let value: Double
  }

  init(
    _ data: some TrainingSet, views: [String], configuration: CCA.Configuration, seed: UInt64
  ) throws {
    let byClass = configuration.criterion == .map
    guard !byClass || data.labels != nil else {
      throw CorrelationError.impossible(
        "criterion map asks for classes, and the data set '\(data.description.name)' has no labels")
    }
    let division = try PairDivision(of: data, share: Self.share, most: Self.mostHeld, seed: seed)
    guard division.kept.count >= 2, division.held.count >= 2 else {
      throw CorrelationError.impossible(
        "ridge_mode auto holds a fifth of the pairs out, which \(data.count) pairs that hang together do not allow; "
          + "give a ridge")
    }
    let source = try Source(data, division, views: views, configuration)
    let mates = try MateRanks(
      pairs: division.held.count,
      items: data.itemsOfPairs.map { items in items.map { own in division.held.map { own[$0] } } })
    let classes = byClass ? data.labels.map { labels in division.held.map { labels[$0] } } : nil
    let most = configuration.k.request(most: CCA.mostComponents, clip: true)
    let weightings = Self.weightings(configuration, byClass: byClass)

    var tried: [Candidate] = []
    for scale in configuration.scale.map({ [$0] }) ?? Self.scales {
      let spectra = try source.spectra(scale)
      for ridge in Self.ridges(byClass: byClass) {
        let roots = try spectra.views.map { try $0.whitening(.perRow(ridge), degrees: source.degrees) }
        let (u, s, v) = try roughSingularVectors(spectra.cross * roots[0].unsqueezed(at: 1) * roots[1])
        let k = try most.count(ranks: [s.count, s.count], views: views)
        let rho = try s[0..<k]
        let scores = try zip([u, v], spectra.held.indices).map { turn, side in
          try (spectra.held[side] * roots[side]).matmul(turn.narrowed(to: 0..<k, along: 1))
        }
        for (score, rhoPower) in weightings {
          let table = try Self.table(scores, rho, score, rhoPower)
          let value =
            if let classes {
              try Self.precision(table, classes)
            } else { -(try mates.meanLogRank(table)) }
          tried.append(
            Candidate(
              scale: scale, ridge: ridge, score: score, rhoPower: rhoPower, components: k, value: value))
        }
      }
    }
    guard let best = tried.max(by: { $0.value < $1.value }) else {
      throw CorrelationError.impossible("nothing was left to choose from")
    }
    var settled = configuration
    settled.ridgeMode = PerView(.perRow)
    settled.ridge = PerView(best.ridge)
    (settled.scale, settled.score, settled.rhoPower) = (best.scale, best.score, best.rhoPower)
    settled.criterion = nil
    self.configuration = settled
    joint = try source.whole()
    let measure = byClass ? "mAP on held-out pairs" : "mean log rank of the mate"
    let reported = { (candidate: Candidate) in
      try Self.reported(candidate, sign: byClass ? 1 : -1, measure: byClass ? "map" : "mean_log_rank")
    }
    selection = FitSelection(
      measure: measure, tried: try tried.map(reported), best: try reported(best), plainest: nil)
    let figure = String(format: "%.3f", byClass ? best.value : -best.value)
    let reason =
      "best of \(tried.count) on \(division.held.count) held-out pairs: \(measure) \(figure)"
    chosen = ChosenSettings(["ridge", "scale", "score"].map { ($0, reason) })
  }

  /// Scores and powers of ρ that are tried: what the settings state, else likelihood for mates, and for classes cosines
  /// of several weights beside it.
  private static func weightings(
    _ configuration: CCA.Configuration, byClass: Bool
  ) -> [(CCA.Score, Double?)] {
    if let score = configuration.score { return [(score, configuration.rhoPower)] }
    return byClass
      ? [(.cosine, nil), (.cosine, 1), (.cosine, 2), (.likelihood, nil)] : [(.likelihood, nil)]
  }

  /// Scores `[m, m]` of every first held-out item with every second.
  private static func table(
    _ z: [Tensor], _ rho: Tensor, _ score: CCA.Score, _ rhoPower: Double?
  ) throws -> Tensor {
    if score == .likelihood {
      let weights = try PairLikelihood.weights(rho)
      let vectors = try z.indices.map { try PairLikelihood.vectors(z[$0] * weights, rho, side: $0) }
      return try score.metric.scores(vectors[0], vectors[1])
    }
    let weights = try rhoPower.map { try rho.clamped(from: 0).power($0) } ?? CanonicalWeights.odds(rho)
    return try score.metric.scores(z[0] * weights, z[1] * weights)
  }

  private static func precision(_ table: Tensor, _ classes: [Int]) throws -> Double {
    let rule = LabeledRetrieval()
    return try
      (rule.meanAveragePrecision(table, queries: classes, gallery: classes)
      + rule.meanAveragePrecision(table.transposed(), queries: classes, gallery: classes)) / 2
  }

  private static func reported(
    _ candidate: Candidate, sign: Double, measure: String
  ) throws -> FitSelection.Candidate {
    let scale = try JSON(encoding: [candidate.scale]).array?.first ?? .null
    let weights = candidate.rhoPower.map { " rho_power \(Int($0))" } ?? ""
    return FitSelection.Candidate(
      setting: ("ridge", candidate.ridge),
      variant: "scale \(scale.string ?? scale.text()), \(candidate.score.rawValue)\(weights)",
      components: candidate.components, value: sign * candidate.value,
      json: [
        "ridge": .double(candidate.ridge), "scale": scale, "score": .string(candidate.score.rawValue),
        "rho_power": candidate.rhoPower.map(JSON.double) ?? .null, "k": .int(candidate.components),
        measure: .double(sign * candidate.value),
      ])
  }
}

extension RidgeSearch {
  /// Both views of the pairs that are learned from, along the directions of their variance, and of those held out.
  private struct Spectra {
    let views: [SpectralView]
    /// Covariance of the coordinates of both, `[r, r]`.
    let cross: Tensor
    /// Coordinates of the held-out rows, `[m, r]`.
    let held: [Tensor]
  }

  /// What the pairs that are learned from are known by.
  private struct Source {
    private enum Kept {
      case covariances(JointCovariance)
      case rows([Tensor])
    }

    private let kept: Kept
    /// Rows held out, `[m, p]`, and means of the others.
    private let held: [Tensor]
    private let means: [Tensor]
    private let centers: Bool
    /// n - 1 of the pairs that are learned from.
    let degrees: Double

    init(
      _ data: some TrainingSet, _ division: PairDivision, views: [String], _ configuration: CCA.Configuration
    ) throws {
      let widths = try rowsOfViews(data.batch(at: [0]), views).map { $0.size(along: 1) }
      degrees = Double(division.kept.count - 1)
      centers = configuration.center
      guard !configuration.solver.usesRows(widths: widths, count: data.count) else {
        let rows = try rowsOfViews(data.all(), views).map { try $0.to(.float64) }
        for (view, tensor) in zip(views, rows) { try checkFinite(tensor, view: view) }
        let own = try rows.map { try $0.rows(at: division.kept) }
        held = try rows.map { try $0.rows(at: division.held) }
        let found = try own.map { try $0.mean(along: 0) }
        means = centers ? found : try found.map { try $0.zerosLike() }
        kept = .rows(try zip(own, means).map { try $0 - $1 })
        return
      }
      let isHeld = Set(division.held)
      var joint = try JointCovariance(views: views, widths: widths)
      var parts: [[Tensor]] = [[], []]
      var start = 0
      try data.forEachChunk(rows: configuration.chunkRows) { batch in
        let rows = try rowsOfViews(batch, views)
        for (view, tensor) in zip(views, rows) { try checkFinite(tensor, view: view, firstRow: start) }
        let places = (0..<batch.count).map { ($0, isHeld.contains(start + $0)) }
        try joint.add(rows.map { try $0.rows(at: places.filter { !$0.1 }.map(\.0)) })
        for side in 0..<2 {
          parts[side].append(try rows[side].rows(at: places.filter(\.1).map(\.0)).to(.float64))
        }
        start += batch.count
      }
      kept = .covariances(joint)
      held = try parts.map { try Tensor.concatenated($0) }
      means = centers ? joint.means : try joint.means.map { try $0.zerosLike() }
    }

    func spectra(_ scaling: ColumnScale) throws -> Spectra {
      let views: [SpectralView]
      let cross: Tensor
      switch kept {
      case .covariances(let joint):
        views = try (0..<2).map { view in
          try SpectralView(
            covariance: joint.covariance(view, view, centered: centers),
            constant: joint.isConstant(view, centered: centers), scaling: scaling)
        }
        cross = try views[0].axes.transposed().matmul(joint.covariance(0, 1, centered: centers))
          .matmul(views[1].axes)
      case .rows(let rows):
        views = try rows.map { try SpectralView(rows: $0, scaling: scaling) }
        cross = try rows[0].matmul(views[0].axes).transposed().matmul(rows[1].matmul(views[1].axes)) / degrees
      }
      return Spectra(
        views: views, cross: cross,
        held: try (0..<2).map { try (held[$0] - means[$0]).matmul(views[$0].axes) })
    }

    /// Covariances of all pairs, those held out included; nil where rows are in memory.
    func whole() throws -> JointCovariance? {
      guard case .covariances(var joint) = kept else { return nil }
      try joint.add(held)
      return joint
    }
  }
}
