extension DCCA {
  /// The network of each view.
  public enum Network: String, Codable, Sendable, CaseIterable {
    /// Linear maps with an activation between them.
    case mlp
    /// The public PyTorch program's: sigmoid and batch normalization.
    case normalized = "mlp-bn"
  }

  /// What is minimized.
  public enum Objective: String, Codable, Sendable, CaseIterable {
    /// Minus the sum of canonical correlations.
    case paper
    /// Minus the sum of the largest ones.
    case topk
    case sumOfSquares = "sum_of_squares"
    case michaelvll
    /// Non-linear orthogonal iterations, for small batches.
    case noi
    /// Correlation and reconstruction.
    case dccae
    /// Convex combination of squares and mean reconstruction errors, as in cca_zoo.
    case convexMean = "convex_mean"
    case eckartYoung = "eckart_young"
    case gcca

    /// Whether inputs are restored from outputs.
    var reconstructs: Bool { self == .dccae || self == .convexMean }
    /// Whether the covariance of a batch is inverted, so that it must be larger than the outputs are wide.
    var needsLargeBatch: Bool { self != .noi && self != .eckartYoung }
  }

  /// How the networks start.
  public enum Pretraining: String, Codable, Sendable, CaseIterable {
    /// At random.
    case none
    /// Hidden layers as denoising autoencoders, then the top layer by linear CCA.
    case dae
    /// The top layer by linear CCA of the last hidden layer.
    case linearCCA = "linear-cca"
  }

  /// What is done to the inputs.
  public enum Scaling: String, Codable, Sendable, CaseIterable {
    case none
    case center
    /// Centre and divide by the deviation.
    case standardize
  }

  /// What weight decay adds to the loss.
  public enum DecayForm: String, Codable, Sendable, CaseIterable {
    /// λ/2 |W|², weights only.
    case l2
    /// λ (|W|² + |b|²).
    case paper
  }

  /// The settings of ``DCCA``.
  public struct Configuration: MethodConfiguration {
    public var encoder = Network.mlp
    /// Widths of the hidden layers, of both views or each.
    public var hidden: PerView<[Int]> = PerView([[512, 512]])
    /// Width of the outputs.
    public var outputs = 20
    public var activation = CorrelationActivation.relu
    /// Whether the activation follows the output layer too.
    public var activateOutput = false
    public var objective = Objective.paper
    /// Correlations that count, for objectives that leave some out; nil for all.
    public var topk: Int?
    public var r1 = 1e-4
    public var r2 = 1e-4
    /// Whether r1 and r2 become ten times larger for a batch where they are too small for a Cholesky factor.
    public var raiseRidge = false
    /// Weight of the reconstruction.
    public var lambda = 1e-2
    /// How slowly the moments of noi follow; nil for 0.9, or 0.99 where batches are smaller than the outputs are wide.
    public var rho: Double?
    /// Added to noi's covariances; smallest eigenvalue of michaelvll.
    public var eps: Double?
    public var decayForm = DecayForm.l2
    public var scaling = Scaling.standardize
    /// Smallest deviation to divide by, as a fraction of the root mean square deviation of all columns.
    public var deviationFloor = 0.1
    public var pretrain = Pretraining.none
    public var pretrainNoise = 0.2
    public var pretrainDecay = 1e-3
    public var pretrainSteps = 100
    /// Pairs that pre-training and the moments' first pass use.
    public var pretrainRows = 20_000
    /// How the ridge of the final linear CCA is stated.
    public var finalRidgeMode = CCA.RidgeMode.relative
    /// Ridge of the final linear CCA.
    public var finalRidge = 0.1
    /// Scores are multiplied by the correlations of the final CCA to this power, 0 leaves them; nil multiplies by
    /// ρ/√(1-ρ²).
    public var rhoPower: Double?
    /// Rows in a piece of a batch of all pairs.
    public var forwardChunk = 8192

    public init() {}

    /// A final ridge without a mode is an absolute one, as in the public programs, which weigh no component.
    public static func base(for overrides: JSON) throws -> Configuration {
      var base = Configuration()
      let mode = overrides["final_ridge_mode"]
      if mode != nil ? mode?.string != CCA.RidgeMode.relative.rawValue : overrides["final_ridge"] != nil {
        base.finalRidgeMode = .absolute
        base.finalRidge = 1e-4
        base.rhoPower = 0
      }
      return base
    }

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey("encoder", "network of each view: mlp, or mlp-bn (the public PyTorch program's)"),
      ConfigurationKey(
        "hidden", "widths of the hidden layers; a list of lists gives each view its own",
        aliases: ["layer_sizes"], in: .units,
        reason:
          "two layers of 512 learn nearly what two of 1024 do in a third of the time; 64 or 256 units lose more"
      ),
      ConfigurationKey(
        "outputs", "width of the outputs, the number of components",
        aliases: ["outdim_size", "k", "embed_size"], in: .units,
        reason: "10 are too few, and more than 30 are fitted to noise"),
      ConfigurationKey(
        "activation", "of mlp: cube_root, sigmoid, tanh, relu or gelu",
        reason: "learns as well as the paper's cube root in a fraction of the time"),
      ConfigurationKey("activate_output", "apply the activation to the output layer too"),
      ConfigurationKey(
        "objective",
        "paper, topk, sum_of_squares, michaelvll, noi, dccae, convex_mean, eckart_young or gcca"),
      ConfigurationKey(
        "topk", "correlations that count with topk, michaelvll and gcca; null for all", in: .units.or("null")),
      ConfigurationKey(
        "r1", "ridge on the covariance of the first view's outputs", aliases: ["reg_par"], in: .from(0)),
      ConfigurationKey("r2", "ridge on the covariance of the second view's outputs", in: .from(0)),
      ConfigurationKey(
        "raise_ridge",
        "for a batch whose covariance is not positive definite, make r1 and r2 ten times larger until it is"),
      ConfigurationKey("lambda", "weight of the reconstruction with dccae and convex_mean", in: .from(0)),
      ConfigurationKey(
        "rho", "with noi: how slowly the moments follow; null chooses by batch size", in: .fraction.or("null")
      ),
      ConfigurationKey(
        "eps", "with noi: added to covariances (1e-4); with michaelvll: smallest eigenvalue (1e-9)",
        in: .above(0, or: "null")),
      ConfigurationKey(
        "decay_form", "weight_decay as l2 (λ/2 |W|², weights only) or paper (λ |W|², biases too)"),
      ConfigurationKey("scaling", "of inputs by the training part: standardize, center or none"),
      ConfigurationKey(
        "deviation_floor", "smallest deviation to divide by, as a fraction of that of all columns together",
        in: .above(0)),
      ConfigurationKey("pretrain", "none, dae (denoising autoencoders) or linear-cca (top layer only)"),
      ConfigurationKey("pretrain_noise", "deviation of the autoencoders' noise", in: .from(0)),
      ConfigurationKey("pretrain_decay", "penalty on the autoencoders' weights", in: .from(0)),
      ConfigurationKey("pretrain_steps", "L-BFGS steps of each autoencoder", in: .count(0...1_000_000)),
      ConfigurationKey("pretrain_rows", "pairs that pre-training sees at most", in: .count(from: 2)),
      ConfigurationKey(
        "final_ridge_mode",
        "how the ridge of the final linear CCA is stated: relative, absolute, shrinkage, scatter, per-row or none"
      ),
      ConfigurationKey(
        "final_ridge",
        "ridge of the final linear CCA in the units of final_ridge_mode; without one it is absolute",
        in: .from(0),
        reason:
          "networks fit training pairs closely: a slight ridge trusts components that held-out pairs do not have"
      ),
      ConfigurationKey(
        "rho_power",
        "scores are multiplied by the correlations of the final CCA to this power, 0 leaves them; null multiplies by ρ/√(1-ρ²), ρ at most \(CanonicalWeights.largest), which stands in the projection",
        in: .from(0, to: 100).or("null"),
        reason: "a component counts as much as it tells about the other view"),
      ConfigurationKey(
        "forward_chunk", "rows in a piece when a batch holds all pairs; the gradient is exact",
        in: .count(from: 1)),
    ]

    /// Ridges of both views.
    var ridges: [Double] { objective == .michaelvll ? [r1, r1] : [r1, r2] }

    /// The ridge of the final linear CCA.
    var finalRidges: [Ridge] {
      Array(repeating: Ridge(finalRidgeMode, finalRidge) ?? .relative(finalRidge), count: 2)
    }

    public func validateRelations() throws {
      guard let ridge = Ridge(finalRidgeMode, finalRidge) else {
        throw ConfigurationError.badValue(
          key: "final_ridge_mode", value: finalRidgeMode.rawValue,
          expected: "relative, absolute, shrinkage, scatter, per-row or none, which dcca takes")
      }
      try ridge.validate(key: "final_ridge")
      try require(
        topk.map { $0 >= 1 && $0 <= outputs } ?? true, "topk", topk ?? 0,
        "from 1 to the \(outputs) outputs, or null")
      try require(objective != .convexMean || lambda <= 1, "lambda", lambda, "at most 1 with convex_mean")
      try require(pretrainRows > outputs, "pretrain_rows", pretrainRows, "more than the outputs")
      try require(
        encoder == .mlp || pretrain != .dae, "pretrain", pretrain.rawValue, "possible with mlp-bn; use none")
    }
  }
}
