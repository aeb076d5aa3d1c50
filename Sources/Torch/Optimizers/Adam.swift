/// Adam (Kingma & Ba, ICLR 2015, algorithm 1), with weight decay as part of the gradient, or decoupled from it
/// as AdamW (Loshchilov & Hutter, ICLR 2019, algorithm 2). By libtorch's fused kernels; as PyTorch's `Adam` and
/// `AdamW`.
public final class Adam: Optimizer {
  public let groups: [OptimizerGroup]
  /// Decay of the averages of gradients and of their squares.
  public let betas: (Double, Double)
  /// Added to the root of the average of squares.
  public let epsilon: Double
  public let weightDecay: Double
  /// Whether weights shrink by rate times decay beside the gradient's step, instead of through the gradient.
  public let isDecoupled: Bool
  private var moments: Moments

  public init(
    groups: [OptimizerGroup], betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0, isDecoupled: Bool = false
  ) {
    self.groups = groups
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.isDecoupled = isDecoupled
    moments = Moments(["exp_avg", "exp_avg_sq"], countingSteps: true, of: groups)
  }

  public convenience init(
    _ parameters: [StateEntry], betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0, isDecoupled: Bool = false
  ) {
    self.init(
      groups: [OptimizerGroup(parameters)], betas: betas, epsilon: epsilon, weightDecay: weightDecay,
      isDecoupled: isDecoupled)
  }

  public func step(learningRate: Double) throws {
    for active in try moments.active() {
      _ = try withoutGradient { () throws(TorchError) in
        try (isDecoupled ? Op.adamW : Op.adam).all(
          .tensors(active.parameters), .tensors(active.gradients), .tensors(active.moments[0]),
          .tensors(active.moments[1]), .tensors([]), .tensors(active.steps),
          .double(learningRate * active.group.rateFactor), .double(betas.0), .double(betas.1),
          .double(active.group.weightDecay ?? weightDecay), .double(epsilon), .bool(false), .bool(false))
      }
    }
  }

  public var state: [(name: String, tensor: Tensor)] { get throws { try moments.state } }

  public func load(_ state: [String: Tensor]) throws { try moments.load(state) }

  private enum Op {
    static let adam = Operator("_fused_adam_")
    static let adamW = Operator("_fused_adamw_")
  }
}
