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
    /// Of poly kernels that state none.
    public var degree = PerView(3)
    /// The constant of poly and sigmoid kernels that state none.
    public var coef0 = PerView(1.0)
    /// How the ridge is stated.
    public var regularisation = Regularisation.shrinkage
    /// The ridge, for both views or each.
    public var value = PerView(0.01)
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
    public var k: Int?
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

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "kernel",
        "linear, poly, rbf, laplacian, cosine, sigmoid, precomputed or none; or {type, gamma, coef0, degree}; "
          + "or {type: sum or product, of: [..]}; a list gives each view its own",
        members: ["gamma": .above(0), "coef0": .any, "degree": .count(1...100)]),
      ConfigurationKey(
        "gamma",
        "γ of the kernels; null: for rbf 1/(2σ²) with σ the median distance, for laplacian 1 / median distance, "
          + "else 1 / columns; a list gives each view its own", in: .above(0)),
      ConfigurationKey("degree", "degree of poly kernels", in: .count(1...100)),
      ConfigurationKey("coef0", "constant of poly and sigmoid kernels", in: .any),
      ConfigurationKey(
        "regularisation",
        "how the ridge is stated: hardoon, shrinkage, bach, identity or range (none; for kernels of low rank)",
        aliases: ["regularization"]),
      ConfigurationKey(
        "value",
        "the ridge in the units of regularisation; a list gives each view its own; many pairs and random Fourier "
          + "features want a small one, such as 1e-6",
        aliases: ["reg", "c", "kappa"], in: .from(0)),
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
        "k", "components kept; null keeps 10, or as many as the views have directions", in: .units.or("null")),
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
    ]

    public func validateRelations() throws {
      for kernel in kernel.values { try kernel.validate(key: "kernel") }
      for value in value.values { try validate(ridge: value) }
    }

    private func validate(ridge value: Double) throws {
      switch regularisation {
      case .range: return
      case .shrinkage, .identity:
        try require(
          value > 0 && value <= 1, "value", value,
          "above 0 and at most 1 (without a ridge every correlation is 1; see regularisation range)")
      case .hardoon, .bach:
        try require(
          value > 0 && value.isFinite, "value", value,
          "above 0 (without a ridge every correlation is 1; see regularisation range)")
      }
    }

    /// The ridge of a view.
    public func ridge(of view: Int) -> KernelRidge {
      switch regularisation {
      case .hardoon: .hardoon(value[view])
      case .shrinkage: .shrinkage(value[view])
      case .bach: .bach(value[view])
      case .identity: .identity(value[view])
      case .range: .range
      }
    }

    /// A kernel with every number that it does not state itself; see ``KernelSetting``.
    func completed(_ setting: KernelSetting, side: Int, for rows: Tensor?) throws -> KernelSetting {
      try setting.completed(gamma: gamma?[side], constant: coef0[side], degree: degree[side], for: rows)
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
