extension CCA {
  /// How the ridge is stated (`cca.md` section 3).
  public enum RidgeMode: String, Codable, Sendable, CaseIterable {
    case none
    case absolute
    case shrinkage
    case relative
    case scatter
    /// By the number of rows; see ``Ridge/perRow(_:)``.
    case perRow = "per-row"
    /// Per row, and what is left open beside it, chosen on held-out pairs.
    case auto
    /// Relative, chosen from the grid on held-out folds.
    case crossValidated = "cv"
    /// Shrinkage towards the mean variance by the rule of Ledoit and Wolf.
    case ledoitWolf = "ledoit-wolf"
    /// The same by the oracle approximating shrinkage of Chen et al.
    case oas
  }

  /// How items are compared in the common space.
  public enum Score: String, Codable, Sendable, CaseIterable {
    case cosine
    case dot
    case euclidean
    /// The log of how much likelier two items are a pair than strangers, under normal views; see ``PairLikelihood``.
    case likelihood

    /// How vectors are compared.
    var metric: Metric {
      switch self {
      case .cosine: .cosine
      case .dot, .likelihood: .dot
      case .euclidean: .euclidean
      }
    }
  }

  /// How the problem is solved.
  public enum Solver: String, Codable, Sendable, CaseIterable {
    /// By Gram matrices when a view has more columns than there are rows, else by covariances.
    case auto
    /// Covariances, in one pass over the data.
    case covariance
    /// Gram matrices of the rows, which are held in memory.
    case gram
  }

  /// How the correlations are tested after the fit.
  public enum Significance: String, Codable, Sendable, CaseIterable {
    case none
    /// Wilks, Bartlett, Lawley, Rao, Pillai, Hotelling-Lawley and Roy; without a ridge only.
    case parametric
    /// Step-down permutation test; without a ridge.
    case permutation
    /// Confidence intervals of the population's correlations, from samples drawn anew.
    case bootstrap
  }

  /// The settings of ``CCA``.
  public struct Configuration: MethodConfiguration {
    /// Components kept; nil keeps 10, or as many as the views have directions.
    public var k: ComponentCount? = .all
    /// Keep as many components as there are when `k` is too large, instead of an error.
    public var clip = false
    /// How the ridge is stated, for both views or each.
    public var ridgeMode = PerView(RidgeMode.perRow)
    /// The ridge, for both views or each.
    public var ridge = PerView(0.5)
    /// Eigenvalues below this times the largest count as zero.
    public var rankRtol = 1e-10
    /// Subtract the means.
    public var center = true
    /// What columns are divided by before the ridge; nil leaves it to `auto`.
    public var scale: ColumnScale? = .floored
    /// How the problem is solved.
    public var solver = Solver.auto
    /// Rows read at a time.
    public var chunkRows = 65_536
    /// How items are compared in the common space; nil leaves it to `auto`.
    public var score: Score? = .cosine
    /// Scores are multiplied by the correlations to this power, 0 leaves them; nil multiplies by ρ/√(1-ρ²), which
    /// counts a component as much as it tells about the other view.
    public var rhoPower: Double?

    /// More than two views: what is made large; nil for two views.
    public var multiview: MultiviewCorrelation.Objective?
    /// Importance of each view under `gcca`; nil makes them equal.
    public var viewWeights: [Double]?
    /// Folds, when the ridge or the number of components is chosen.
    public var folds = 5
    /// Relative ridges to choose from.
    public var grid = [0, 1e-4, 1e-3, 1e-2, 1e-1, 1]
    /// What held-out pairs are asked; nil is the rank of the mate under `auto`, recall where the number of components is
    /// chosen, else correlation.
    public var criterion: Criterion?
    /// Take the most regularised candidate within one standard error of the best.
    public var oneStandardError = false
    /// A test of the correlations after the fit.
    public var tests = Significance.none
    /// Permutations or bootstrap samples of the test.
    public var testCount = 999

    public init() {}

    /// The analysis of textbooks, which stands behind published figures: columns as they are, a slight ridge, 10
    /// components that all count alike.
    public static let textbook = {
      var textbook = Configuration()
      textbook.k = nil
      textbook.ridgeMode = PerView(.relative)
      textbook.ridge = PerView(1e-3)
      textbook.scale = ColumnScale.none
      textbook.rhoPower = 0
      return textbook
    }()

    /// The defaults belong together: many components and weights need a sound ridge. Who states the ridge in another way,
    /// or relates several views, begins from the textbook; who has it chosen leaves scale and score open.
    public static func base(for overrides: JSON) throws -> Configuration {
      let mode = overrides["ridge_mode"]
      let modes = (mode?.array ?? mode.map { [$0] } ?? []).compactMap(\.string)
      if modes.contains(RidgeMode.auto.rawValue) {
        var open = Configuration()
        (open.scale, open.score) = (nil, nil)
        // Weights that are stated are those of a cosine.
        if overrides["rho_power"]?.isNull == false { open.score = .cosine }
        return open
      }
      let ridge = keys.first { $0.name == "ridge" }.flatMap(overrides.value)
      let isTextbook =
        mode == nil ? ridge != nil : modes.contains { $0 != RidgeMode.perRow.rawValue }
      return isTextbook || overrides["multiview"]?.isNull == false ? textbook : Configuration()
    }

    /// `ridge: auto` is `ridge_mode: auto`.
    public static func spelledOut(_ overrides: JSON) -> JSON {
      guard overrides["ridge"]?.string == RidgeMode.auto.rawValue, overrides["ridge_mode"] == nil else {
        return overrides
      }
      var spelled = overrides
      spelled["ridge"] = nil
      spelled["ridge_mode"] = .string(RidgeMode.auto.rawValue)
      return spelled
    }

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "k",
        "components kept: a number, all (up to \(CCA.mostComponents)), or cv, which chooses by held-out folds; null keeps 10, or as many as the views have directions",
        in: .units.or("all or cv"),
        reason: "with a sound ridge and weights further components cost nothing, and 10 are too few"),
      ConfigurationKey("clip", "keep fewer than k when the views have fewer directions, instead of an error"),
      ConfigurationKey(
        "ridge_mode",
        "how the ridge is stated: per-row (S + c trace(S)/n I), none, absolute, shrinkage, relative, scatter, ledoit-wolf or oas; auto chooses c, scale and score on held-out pairs of the training part, cv a relative ridge from grid by held-out folds; a list gives each view its own. Modes but per-row and auto begin from the textbook: scale false, 10 components, rho_power 0",
        reason: "a view that is wide for its rows needs more, and constant columns change nothing"),
      ConfigurationKey(
        "ridge",
        "the ridge in the units of ridge_mode; a list gives each view its own; without a ridge_mode it is relative",
        aliases: ["reg", "c", "kappa"], in: .from(0),
        reason:
          "least regret over 23 pairs of views: 0.3 to 0.5 find mates best, 1 to 3 classes; ridge_mode=auto looks at your data"
      ),
      ConfigurationKey("rank_rtol", "eigenvalues below this times the largest count as zero", in: .fraction),
      ConfigurationKey("center", "subtract the means"),
      ConfigurationKey(
        "scale",
        "what columns are divided by before the ridge: false (nothing), true (their deviation) or floored (their deviation, or the median of all where that is larger); null leaves it to ridge_mode auto",
        reason:
          "brings columns of large units down and blows no column up that hardly varies: never far from the better of both"
      ),
      ConfigurationKey(
        "solver", "auto, covariance (one pass, any number of rows) or gram (more columns than rows)"),
      ConfigurationKey("chunk_rows", "rows read at a time", in: .count(from: 1)),
      ConfigurationKey(
        "score",
        "how items are compared in the common space: cosine, dot, euclidean, or likelihood (of a pair against two strangers; finds mates best, classes less well); null leaves it to ridge_mode auto"
      ),
      ConfigurationKey(
        "rho_power",
        "scores are multiplied by the correlations to this power, 0 leaves them; null multiplies by ρ/√(1-ρ²), ρ at most \(CanonicalWeights.largest), which stands in the projection",
        in: .from(0, to: 100).or("null"),
        reason: "a component counts as much as it tells about the other view, so that none has to be left out"
      ),
      ConfigurationKey("multiview", "for two or more views at once: mcca or gcca; null for two views"),
      ConfigurationKey(
        "view_weights", "importance of each view under gcca; null makes them equal", in: .above(0)),
      ConfigurationKey(
        "folds", "folds, when the ridge or the number of components is chosen", in: .count(2...1000)),
      ConfigurationKey("grid", "relative ridges to choose from", in: .from(0)),
      ConfigurationKey(
        "criterion",
        "what held-out pairs are asked: rank (mean log rank of the mate) or map (mean average precision over classes) with ridge_mode auto; recall (recall@1 of the mate), correlation or reconstruction with cv; null is rank with auto, recall where k is chosen, else correlation"
      ),
      ConfigurationKey(
        "one_standard_error", "take the most regularised candidate within one standard error of the best"),
      ConfigurationKey("tests", "after the fit: none, parametric, permutation or bootstrap"),
      ConfigurationKey("test_count", "permutations or bootstrap samples", in: .count(1...1_000_000)),
    ]

    public func validateRelations() throws {
      try require(!grid.isEmpty, "grid", grid, "a list of numbers")
      for mode in [RidgeMode.crossValidated, .auto] where ridgeMode.values.contains(mode) {
        try require(
          ridgeMode.values.allSatisfy { $0 == mode }, "ridge_mode", ridgeMode.values.map(\.rawValue),
          "\(mode.rawValue) for both views or for none")
      }
      if multiview != nil {
        try require(
          k != .crossValidated && ridgeMode.values.allSatisfy { Ridge($0, 0) != nil } && tests == .none,
          "multiview", multiview?.rawValue ?? "",
          "used with k, ridge_mode and tests that are given: choosing and testing are for two views")
        try require(
          score != .likelihood, "score", "likelihood", "for several views, which are compared by angle")
      }
      let isAuto = ridgeMode[0] == .auto
      try require(!isAuto || k != .crossValidated, "k", "cv", "used with ridge_mode auto, which keeps all")
      if let criterion {
        try require(
          isAuto == (criterion == .rank || criterion == .map), "criterion", criterion.rawValue,
          isAuto ? "rank or map, which ridge_mode auto asks" : "correlation, recall or reconstruction")
      }
      try require(
        score != .likelihood || rhoPower == nil, "rho_power", rhoPower ?? 0,
        "null with score likelihood, which has weights of its own")
      for view in 0..<max(ridge.values.count, ridgeMode.values.count) {
        try ridge(of: view)?.validate()
      }
    }

    /// The ridge of a view; nil when the data decide.
    public func ridge(of view: Int) -> Ridge? { Ridge(ridgeMode[view], ridge[view]) }
  }
}
