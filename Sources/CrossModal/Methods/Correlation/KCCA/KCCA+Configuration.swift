import Torch

extension KCCA {
  /// How the problem is solved.
  public enum Solver: String, Codable, Sendable, CaseIterable {
    /// Exact up to 3000 pairs; beyond, partial Gram-Schmidt; beyond a million pairs of wide rows, random
    /// Fourier features.
    case auto
    /// All kernel values among training rows.
    case exact
    /// Partial Gram-Schmidt: kernel values with pivots.
    case pgso
    /// Kernel values with landmarks.
    case nystrom
    /// Random Fourier features, for rbf and laplacian kernels; the data are walked in chunks.
    case rff
  }

  /// How the ridge is stated (`kcca.md` section 3).
  public enum Regularisation: String, Codable, Sendable, CaseIterable {
    case hardoon, shrinkage, bach, identity, range
    /// K'K/(n - 1) + c (trace K / (n (n - 1))) K, as ``Ridge/perRow(_:)`` in the space of features.
    case perRow = "per-row"
  }

  /// What is predicted from the scores of the first view.
  public enum Prediction: String, Codable, Sendable, CaseIterable {
    case none
    /// The columns of the second view.
    case ratings
    /// The classes of the pairs.
    case labels
  }

  /// The settings of ``KCCA``.
  public struct Configuration: MethodConfiguration {
    /// Of both views or of each.
    public var kernel = PerView(KernelSetting(.rbf))
    /// γ of kernels that state none; nil chooses it from the training rows.
    public var gamma: PerView<Double>?
    /// What the γ that the median distance suggests is multiplied by, for rbf kernels.
    public var gammaFactor = 3.0
    /// What columns are divided by before the kernel.
    public var scale = ColumnScale.floored
    /// Of poly kernels that state none.
    public var degree = PerView(3)
    /// The constant of poly and sigmoid kernels that state none.
    public var coef0 = PerView(1.0)
    /// How the ridge is stated.
    public var regularisation = Regularisation.perRow
    /// The ridge, for both views or each.
    public var value = PerView(0.3)
    /// How the problem is solved.
    public var solver = Solver.auto
    /// pgso stops when this share of the trace of the kernel matrix is left.
    public var eta = 1e-3
    /// Pivots of pgso at most.
    public var maxRank = 1000
    /// Landmarks of nystrom.
    public var landmarks = 1000
    /// How they are drawn.
    public var sampler = NystromMap.Sampler.uniform
    /// Random Fourier features of each view.
    public var features = 2000
    /// Draw frequencies at right angles.
    public var orthogonal = false
    /// Components kept; nil keeps 10, or as many as the views have directions.
    public var k: ComponentCount? = .all
    /// Keep as many components as there are when `k` is too large, instead of an error.
    public var clip = false
    /// Eigenvalues below this times the largest count as zero.
    public var rankRtol = 1e-10
    /// What is predicted from the first view.
    public var predict = Prediction.none
    /// Names of the classes or ratings, for people.
    public var classNames: [String]?
    /// Bytes that a fit may take; nil is half of the machine's memory.
    public var memoryLimit: Int?
    /// How items are compared in the common space.
    public var score = Metric.cosine
    /// Scores are multiplied by the correlations to this power, 0 leaves them; nil multiplies by ρ/√(1-ρ²).
    public var rhoPower: Double?

    public init() {}

    /// The analysis of the papers: columns as they are, the median distance, a ridge by shrinkage, 10 components that
    /// all count alike.
    public static let textbook = {
      var textbook = Configuration()
      textbook.gammaFactor = 1
      textbook.scale = .none
      textbook.regularisation = .shrinkage
      textbook.value = PerView(0.01)
      textbook.k = nil
      textbook.rhoPower = 0
      return textbook
    }()

    /// The defaults belong together: who states the ridge in another way, or has ratings predicted as the paper does,
    /// begins from the textbook; a γ that is stated is one of columns as they are.
    public static func base(for overrides: JSON) throws -> Configuration {
      let given = { (name: String) in
        keys.first { $0.name == name }.flatMap { overrides.value(of: $0) }.flatMap { $0.isNull ? nil : $0 }
      }
      let ridge = given("regularisation")?.string
      let predicts = (given("predict")?.string ?? Prediction.none.rawValue) != Prediction.none.rawValue
      if predicts
        || (ridge ?? (given("value") == nil ? nil : "")).map({ $0 != Regularisation.perRow.rawValue })
          == true
      {
        return textbook
      }
      var base = Configuration()
      if given("gamma") != nil || given("kernel")?.text().contains("\"gamma\"") == true { base.scale = .none }
      return base
    }

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "kernel",
        "linear, poly, rbf, laplacian, cosine, sigmoid, precomputed or none; or {type, gamma, coef0, degree}; "
          + "or {type: sum or product, of: [..]}; a list gives each view its own",
        members: ["gamma": .above(0), "coef0": .any, "degree": .count(1...100)]),
      ConfigurationKey(
        "gamma",
        "γ of the kernels; null: for rbf 1/(2σ²) with σ the median distance, for laplacian 1 / median distance, "
          + "else 1 / columns; a list gives each view its own; a γ that is given is of columns as they are",
        in: .above(0)),
      ConfigurationKey(
        "gamma_factor", "what the γ of the median distance is multiplied by, for rbf kernels",
        in: .above(0, to: 1_000_000),
        reason: "the median distance is too wide: over 15 pairs of views 3 is better than 1, 6 and 12"),
      ConfigurationKey(
        "scale",
        "what columns are divided by before the kernel: false (nothing), true (their deviation) or floored (their deviation, or the median of all where that is larger)",
        reason: "brings columns of large units down and blows no column up that hardly varies"),
      ConfigurationKey("degree", "degree of poly kernels", in: .count(1...100)),
      ConfigurationKey("coef0", "constant of poly and sigmoid kernels", in: .any),
      ConfigurationKey(
        "regularisation",
        "how the ridge is stated: per-row (by the number of rows), hardoon, shrinkage, bach, identity or range (none; for kernels of low rank); all but per-row begin from the papers: scale false, gamma_factor 1, 10 components, rho_power 0",
        aliases: ["regularization"],
        reason: "what suits some hundred pairs is a hundred times too strong for some thousand"),
      ConfigurationKey(
        "value",
        "the ridge in the units of regularisation, without which it is of shrinkage; a list gives each view its own; many "
          + "pairs and random Fourier features want a small shrinkage, such as 1e-6",
        aliases: ["reg", "c", "kappa"], in: .from(0), reason: "least regret over 15 pairs of views"),
      ConfigurationKey(
        "solver", "auto, exact, pgso (partial Gram-Schmidt), nystrom or rff (random Fourier features)"),
      ConfigurationKey(
        "eta", "pgso stops when this share of the kernel matrix's trace is left", in: .fraction),
      ConfigurationKey("max_rank", "pivots of pgso at most", in: .count(1...1 << 20)),
      ConfigurationKey("landmarks", "landmarks of nystrom", in: .count(1...1 << 20)),
      ConfigurationKey("sampler", "how landmarks are drawn: uniform, kmeans++ or leverage"),
      ConfigurationKey("features", "random Fourier features of each view", in: .count(1...1 << 20)),
      ConfigurationKey("orthogonal", "draw the frequencies of rff at right angles"),
      ConfigurationKey(
        "k",
        "components kept: a number, or all (up to \(KCCA.mostComponents)); null keeps 10, or as many as the views have directions",
        in: .units.or("all or null"),
        reason: "with a sound ridge and weights further components cost nothing, and 10 are too few for mates"
      ),
      ConfigurationKey("clip", "keep fewer than k when the views have fewer directions, instead of an error"),
      ConfigurationKey("rank_rtol", "eigenvalues below this times the largest count as zero", in: .fraction),
      ConfigurationKey(
        "predict",
        "none, ratings (columns of the second view from the first) or labels (classes of the pairs)"),
      ConfigurationKey("class_names", "names of the predicted columns or classes"),
      ConfigurationKey(
        "memory_limit", "bytes that a fit may take; null is half of the machine's memory",
        in: .count(1...1 << 50, or: "null")),
      ConfigurationKey("score", "how items are compared in the common space: cosine, dot or euclidean"),
      ConfigurationKey(
        "rho_power",
        "scores are multiplied by the correlations to this power, 0 leaves them; null multiplies by ρ/√(1-ρ²), ρ at most \(CanonicalWeights.largest), which stands in the projection",
        in: .from(0, to: 100).or("null"),
        reason: "a component counts as much as it tells about the other view"
      ),
    ]

    public func validateRelations() throws {
      for kernel in kernel.values { try kernel.validate(key: "kernel") }
      for value in value.values { try validate(ridge: value) }
      try require(k != .crossValidated, "k", "cv", "a number, all or null")
    }

    private func validate(ridge value: Double) throws {
      switch regularisation {
      case .range: return
      case .shrinkage, .identity:
        try require(
          value > 0 && value <= 1, "value", value,
          "above 0 and at most 1 (without a ridge every correlation is 1; see regularisation range)")
      case .hardoon, .bach, .perRow:
        try require(
          value > 0 && value.isFinite, "value", value,
          "above 0 (without a ridge every correlation is 1; see regularisation range)")
      }
    }

    /// The ridge of a view.
    ///
    /// - Parameters:
    ///   - trace: of the view's centered kernel matrix.
    ///   - rows: of that matrix.
    public func ridge(of view: Int, trace: Double, rows: Int) -> KernelRidge {
      switch regularisation {
      case .perRow: .hardoon(value[view] * trace / Double(rows))
      case .hardoon: .hardoon(value[view])
      case .shrinkage: .shrinkage(value[view])
      case .bach: .bach(value[view])
      case .identity: .identity(value[view])
      case .range: .range
      }
    }

    /// The ridge of a view in a space of features, where it exists.
    func featureRidge(of view: Int) throws -> Ridge {
      if kernel[view].type == .none { return .none }
      if regularisation == .perRow { return .perRow(value[view]) }
      return try ridge(of: view, trace: 0, rows: 1).ridge()
    }

    /// The ridge of a view for people.
    func ridgeText(of view: Int) -> String {
      if kernel[view].type == .none { return "none" }
      return regularisation == .perRow
        ? "per-row \(value[view])" : ridge(of: view, trace: 0, rows: 1).text
    }

    /// A kernel with every number that it does not state itself; see ``KernelSetting``.
    func completed(_ setting: KernelSetting, side: Int, for rows: Tensor?) throws -> KernelSetting {
      try setting.completed(
        gamma: gamma?[side], factor: gammaFactor, constant: coef0[side], degree: degree[side], for: rows)
    }

    /// How `count` pairs of rows of the given widths are solved, and why, in a line for people.
    func chosenSolver(pairs count: Int, widths: [Int]) -> (solver: Solver, line: String) {
      guard solver == .auto else { return (solver, "solver \(solver.rawValue), as asked for") }
      if count <= 3000 { return (.exact, "\(count) pairs: exact (at most 3000)") }
      let isShiftInvariant = kernel.values.allSatisfy { $0.type == .rbf || $0.type == .laplacian }
      if count > 1_000_000, isShiftInvariant, widths.contains(where: { $0 >= 100 }) {
        return (
          .rff, "\(count) pairs of up to \(widths.max() ?? 0) columns: \(features) random Fourier features"
        )
      }
      return (
        .pgso, "\(count) pairs: partial Gram-Schmidt with up to \(maxRank) pivots (exact stops at 3000)"
      )
    }
  }
}
