extension SCM {
  /// Which of the three methods of the paper.
  public enum Mode: String, Codable, Sendable, CaseIterable {
    /// Correlation matching: canonical scores. Needs pairs.
    case cm
    /// Semantic matching: class posteriors of each modality's own features. Needs labels.
    case sm
    /// Semantic correlation matching: class posteriors of the canonical scores. Needs both.
    case scm

    /// Whether items go through canonical correlation analysis.
    var usesCanonicalScores: Bool { self != .sm }
    /// Whether items become class posteriors.
    var usesClasses: Bool { self != .cm }
  }

  /// The settings of ``SCM``.
  public struct Configuration: MethodConfiguration {
    /// Which of the three methods.
    public var mode = Mode.scm
    /// Canonical components.
    public var k = Choice<Int>.crossValidated
    /// How the ridge of the canonical analysis is stated; nil means none when there are more than 10 rows a
    /// column, else relative.
    public var ridgeMode: PerView<CCA.RidgeMode>?
    /// The ridge.
    public var ridge = PerView(1e-3)
    /// Inverse penalty of the classifiers, for the sum of losses.
    public var c = Choice<Double>.crossValidated
    /// Candidates for `c`.
    public var grid = [0.1, 1, 10, 30, 100]
    /// Bring features to mean 0 and unit variance before the classifiers; nil means for `sm` only.
    public var standardize: Bool?
    /// How classes are told apart.
    public var classifier = LogisticRegression.Kind.multinomial
    /// Whether all classes weigh the same.
    public var balanced = false
    /// How items are compared.
    public var score = Choice<SemanticScore>.fixed(.nc)
    /// Canonical scores are multiplied by the correlations to this power; for `cm` only.
    public var rhoPower = 0.0
    /// What counts when scores are equal, in the choice of settings.
    public var mapTies = LabeledRetrieval.Ties.index
    /// Ranks that count in the choice of settings; nil counts all.
    public var mapAt: Int?
    /// Folds for the choice of settings.
    public var folds = 5
    /// Divisions into folds at most, for settings that one division cannot tell apart.
    public var repeats = 5
    /// At most so many pairs, chosen at random, serve the choice of settings.
    public var selectionRows = 20_000
    /// Eigenvalues below this times the largest count as zero.
    public var rankRtol = 1e-10
    /// Rows read at a time.
    public var chunkRows = 65_536

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "mode", "cm (canonical scores), sm (class posteriors) or scm (posteriors of the scores)"),
      ConfigurationKey("k", "canonical components; cv chooses among 1 to the rank", in: .units.or("cv")),
      ConfigurationKey(
        "ridge_mode", "as for cca; null means none when there are more than 10 rows a column, else relative"),
      ConfigurationKey(
        "ridge", "the ridge in the units of ridge_mode; a list gives each view its own", in: .from(0)),
      ConfigurationKey(
        "c", "inverse penalty of the classifiers, for the sum of losses; cv chooses from grid",
        aliases: ["C"], in: .above(0, or: "cv")),
      ConfigurationKey("grid", "candidates for c", in: .above(0)),
      ConfigurationKey(
        "standardize",
        "bring features to mean 0 and unit variance before the classifiers; null means for sm only"),
      ConfigurationKey("classifier", "multinomial, or ovr (a sigmoid a class, normalised)"),
      ConfigurationKey("balanced", "all classes weigh the same"),
      ConfigurationKey(
        "score", "nc, ncc, dot, l1, l2, kl, kl_sym, js or nc_sum; cv chooses by mean average precision"),
      ConfigurationKey(
        "rho_power", "canonical scores are multiplied by the correlations to this power; cm only",
        in: .from(0, to: 100)),
      ConfigurationKey("map_ties", "equal scores when settings are chosen: index or threshold"),
      ConfigurationKey(
        "map_at", "ranks that count when settings are chosen; null counts all",
        in: .count(from: 1, or: "null")),
      ConfigurationKey("folds", "folds when settings are chosen", in: .count(2...1000)),
      ConfigurationKey(
        "repeats", "divisions into folds at most, for settings that one cannot tell apart",
        in: .count(1...1000)),
      ConfigurationKey(
        "selection_rows", "at most so many pairs, chosen at random, serve the choice of settings",
        in: .count(from: 4)),
      ConfigurationKey("rank_rtol", "eigenvalues below this times the largest count as zero", in: .fraction),
      ConfigurationKey("chunk_rows", "rows read at a time", in: .count(from: 1)),
    ]

    public func validateRelations() throws {
      try require(!grid.isEmpty, "grid", grid, "a list of numbers")
      try require(selectionRows >= 2 * folds, "selection_rows", selectionRows, "at least 2 a fold")
      if mode == .cm, let score = score.value {
        try require(
          !score.needsPosteriors, "score", score.rawValue,
          "for canonical scores, which are no posteriors: choose nc, ncc, dot, l1 or l2")
      }
      for view in 0..<max(ridge.values.count, ridgeMode?.values.count ?? 1) {
        guard let ridge = Ridge(ridgeMode?[view] ?? .relative, ridge[view]) else {
          throw ConfigurationError.badValue(
            key: "ridge_mode", value: ridgeMode?[view].rawValue ?? "",
            expected: "none, absolute, shrinkage, relative or scatter, which scm takes")
        }
        try ridge.validate()
      }
    }
  }
}
