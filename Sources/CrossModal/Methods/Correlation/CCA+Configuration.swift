extension CCA {
  /// How the ridge is stated (`cca.md` section 3).
  public enum RidgeMode: String, Codable, Sendable, CaseIterable {
    case none
    case absolute
    case shrinkage
    case relative
    case scatter
    /// Relative, chosen from the grid on held-out folds.
    case crossValidated = "cv"
    /// Shrinkage towards the mean variance by the rule of Ledoit and Wolf.
    case ledoitWolf = "ledoit-wolf"
    /// The same by the oracle approximating shrinkage of Chen et al.
    case oas
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
    public var k: Choice<Int>?
    /// Keep as many components as there are when `k` is too large, instead of an error.
    public var clip = false
    /// How the ridge is stated, for both views or each.
    public var ridgeMode = PerView(RidgeMode.relative)
    /// The ridge, for both views or each.
    public var ridge = PerView(1e-3)
    /// Eigenvalues below this times the largest count as zero.
    public var rankRtol = 1e-10
    /// Subtract the means.
    public var center = true
    /// Bring columns to unit variance before the ridge.
    public var scale = false
    /// How the problem is solved.
    public var solver = Solver.auto
    /// Rows read at a time.
    public var chunkRows = 65_536
    /// How items are compared in the common space.
    public var score = Metric.cosine
    /// Scores are multiplied by the correlations to this power; 0 leaves them.
    public var rhoPower = 0.0

    /// More than two views: what is made large; nil for two views.
    public var multiview: MultiviewCorrelation.Objective?
    /// Importance of each view under `gcca`; nil makes them equal.
    public var viewWeights: [Double]?
    /// Folds, when the ridge or the number of components is chosen.
    public var folds = 5
    /// Relative ridges to choose from.
    public var grid = [0, 1e-4, 1e-3, 1e-2, 1e-1, 1]
    /// What held-out folds are asked.
    public var criterion = Criterion.correlation
    /// Take the most regularised candidate within one standard error of the best.
    public var oneStandardError = false
    /// A test of the correlations after the fit.
    public var tests = Significance.none
    /// Permutations or bootstrap samples of the test.
    public var testCount = 999

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "k", "components kept; null keeps 10, or as many as the views have directions; cv chooses",
        in: .units.or("cv")),
      ConfigurationKey("clip", "keep fewer than k when the views have fewer directions, instead of an error"),
      ConfigurationKey(
        "ridge_mode",
        "how the ridge is stated: none, absolute, shrinkage, relative, scatter, cv, ledoit-wolf or oas; a list gives each view its own"
      ),
      ConfigurationKey(
        "ridge", "the ridge in the units of ridge_mode; a list gives each view its own",
        aliases: ["reg", "c", "kappa"], in: .from(0)),
      ConfigurationKey("rank_rtol", "eigenvalues below this times the largest count as zero", in: .fraction),
      ConfigurationKey("center", "subtract the means"),
      ConfigurationKey("scale", "bring columns to unit variance before the ridge"),
      ConfigurationKey(
        "solver", "auto, covariance (one pass, any number of rows) or gram (more columns than rows)"),
      ConfigurationKey("chunk_rows", "rows read at a time", in: .count(from: 1)),
      ConfigurationKey("score", "how items are compared in the common space: cosine, dot or euclidean"),
      ConfigurationKey(
        "rho_power", "scores are multiplied by the correlations to this power; 0 leaves them",
        in: .from(0, to: 100)),
      ConfigurationKey("multiview", "for two or more views at once: mcca or gcca; null for two views"),
      ConfigurationKey(
        "view_weights", "importance of each view under gcca; null makes them equal", in: .above(0)),
      ConfigurationKey(
        "folds", "folds, when the ridge or the number of components is chosen", in: .count(2...1000)),
      ConfigurationKey("grid", "relative ridges to choose from", in: .from(0)),
      ConfigurationKey("criterion", "what held-out folds are asked: correlation or reconstruction"),
      ConfigurationKey(
        "one_standard_error", "take the most regularised candidate within one standard error of the best"),
      ConfigurationKey("tests", "after the fit: none, parametric, permutation or bootstrap"),
      ConfigurationKey("test_count", "permutations or bootstrap samples", in: .count(1...1_000_000)),
    ]

    public func validateRelations() throws {
      try require(!grid.isEmpty, "grid", grid, "a list of numbers")
      if ridgeMode.values.contains(.crossValidated) {
        try require(
          ridgeMode.values.allSatisfy { $0 == .crossValidated }, "ridge_mode",
          ridgeMode.values.map(\.rawValue), "cv for both views or for none")
      }
      if multiview != nil {
        try require(
          k != .crossValidated && ridgeMode.values.allSatisfy { Ridge($0, 0) != nil } && tests == .none,
          "multiview", multiview?.rawValue ?? "",
          "used with k, ridge_mode and tests that are given: choosing and testing are for two views")
      }
      for view in 0..<max(ridge.values.count, ridgeMode.values.count) {
        try ridge(of: view)?.validate()
      }
    }

    /// The ridge of a view; nil when the data decide.
    public func ridge(of view: Int) -> Ridge? { Ridge(ridgeMode[view], ridge[view]) }
  }
}
