extension CCA {
  /// How the ridge is stated (`cca.md` section 3).
  public enum RidgeMode: String, Codable, Sendable, CaseIterable {
    case none
    case absolute
    case shrinkage
    case relative
    case scatter
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

  /// The settings of ``CCA``.
  public struct Configuration: MethodConfiguration {
    /// Components kept; nil keeps 10, or as many as the views have directions.
    public var k: Int?
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

    public init() {}

    public static let keys = [
      ConfigurationKey("k", "components kept; null keeps 10, or as many as the views have directions"),
      ConfigurationKey("clip", "keep fewer than k when the views have fewer directions, instead of an error"),
      ConfigurationKey(
        "ridge_mode",
        "how the ridge is stated: none, absolute, shrinkage, relative or scatter; a list gives each view its own"
      ),
      ConfigurationKey(
        "ridge", "the ridge in the units of ridge_mode; a list gives each view its own",
        aliases: ["reg", "c", "kappa"]),
      ConfigurationKey("rank_rtol", "eigenvalues below this times the largest count as zero"),
      ConfigurationKey("center", "subtract the means"),
      ConfigurationKey("scale", "bring columns to unit variance before the ridge"),
      ConfigurationKey(
        "solver", "auto, covariance (one pass, any number of rows) or gram (more columns than rows)"),
      ConfigurationKey("chunk_rows", "rows read at a time"),
      ConfigurationKey("score", "how items are compared in the common space: cosine, dot or euclidean"),
      ConfigurationKey("rho_power", "scores are multiplied by the correlations to this power; 0 leaves them"),
    ]

    public func validate() throws {
      if let k { try require(k >= 1, "k", k, "1 or more") }
      try require(rankRtol >= 0 && rankRtol < 1, "rank_rtol", rankRtol, "from 0 to below 1")
      try require(chunkRows >= 1, "chunk_rows", chunkRows, "1 or more")
      try require(rhoPower >= 0 && rhoPower.isFinite, "rho_power", rhoPower, "0 or more")
      for view in 0..<max(ridge.values.count, ridgeMode.values.count) {
        try ridge(of: view).validate()
      }
    }

    private func require(_ holds: Bool, _ key: String, _ value: some Any, _ expected: String) throws {
      guard holds else {
        throw ConfigurationError.badValue(key: key, value: "\(value)", expected: expected)
      }
    }

    /// The ridge of a view.
    public func ridge(of view: Int) -> Ridge { Ridge(ridgeMode[view], ridge[view]) }
  }
}
