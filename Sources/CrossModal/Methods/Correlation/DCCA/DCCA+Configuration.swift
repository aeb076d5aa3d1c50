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
    public var hidden: PerView<[Int]> = PerView([[1024, 1024]])
    /// Width of the outputs.
    public var outputs = 50
    public var activation = CorrelationActivation.cubeRoot
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
    /// Ridge of the final linear CCA.
    public var finalRidge = 1e-4
    /// Rows in a piece of a batch of all pairs.
    public var forwardChunk = 8192

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey("encoder", "network of each view: mlp, or mlp-bn (the public PyTorch program's)"),
      ConfigurationKey(
        "hidden", "widths of the hidden layers; a list of lists gives each view its own",
        aliases: ["layer_sizes"], in: .units),
      ConfigurationKey(
        "outputs", "width of the outputs, the number of components",
        aliases: ["outdim_size", "k", "embed_size"], in: .units),
      ConfigurationKey("activation", "of mlp: cube_root, sigmoid, tanh, relu or gelu"),
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
      ConfigurationKey("final_ridge", "absolute ridge of the final linear CCA", in: .from(0)),
      ConfigurationKey(
        "forward_chunk", "rows in a piece when a batch holds all pairs; the gradient is exact",
        in: .count(from: 1)),
    ]

    /// Ridges of both views.
    var ridges: [Double] { objective == .michaelvll ? [r1, r1] : [r1, r2] }

    public func validateRelations() throws {
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
