/// Gradient descent, optionally with momentum: v ← μ v + g, w ← w - rate · v, or w - rate · (g + μ v) with
/// Nesterov's look-ahead (Sutskever et al., ICML 2013). As PyTorch's `SGD`.
public final class SGD: Optimizer {
  public let groups: [OptimizerGroup]
  /// μ; 0 for none.
  public let momentum: Double
  public let isNesterov: Bool
  /// Adds this times the weights to the gradient.
  public let weightDecay: Double
  private var moments: Moments

  public init(
    groups: [OptimizerGroup], momentum: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0
  ) {
    self.groups = groups
    self.momentum = momentum
    self.isNesterov = isNesterov
    self.weightDecay = weightDecay
    moments = Moments(momentum == 0 ? [] : ["momentum_buffer"], of: groups)
  }

  public convenience init(
    _ parameters: [StateEntry], momentum: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0
  ) {
    self.init(
      groups: [OptimizerGroup(parameters)], momentum: momentum, isNesterov: isNesterov,
      weightDecay: weightDecay)
  }

  public func step(learningRate: Double) throws {
    for active in try moments.active() {
      // Velocities start at zero, which makes the first step the same as any other.
      _ = try withoutGradient { () throws(TorchError) in
        try Op.sgd.all(
          .tensors(active.parameters), .tensors(active.gradients), .tensors(active.moments.first ?? []),
          .double(active.group.weightDecay ?? weightDecay), .double(momentum),
          .double(learningRate * active.group.rateFactor), .double(0), .bool(isNesterov && momentum != 0),
          .bool(false), .bool(false))
      }
    }
  }

  public var state: [(name: String, tensor: Tensor)] { get throws { try moments.state } }

  public func load(_ state: [String: Tensor]) throws { try moments.load(state) }

  private enum Op {
    static let sgd = Operator("_fused_sgd_")
  }
}
