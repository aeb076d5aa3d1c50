import Foundation

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
  /// Whether the averages are divided by 1 less powers of 1 - beta, not of beta, as the authors' program of Show, Attend
  /// and Tell does.
  public let correctsByComplement: Bool
  private var moments: Moments

  public init(
    groups: [OptimizerGroup], betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0, isDecoupled: Bool = false, correctsByComplement: Bool = false
  ) {
    self.groups = groups
    self.betas = betas
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.isDecoupled = isDecoupled
    self.correctsByComplement = correctsByComplement
    moments = Moments(["exp_avg", "exp_avg_sq"], countingSteps: true, of: groups)
  }

  public convenience init(
    _ parameters: [StateEntry], betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0, isDecoupled: Bool = false, correctsByComplement: Bool = false
  ) {
    self.init(
      groups: [OptimizerGroup(parameters)], betas: betas, epsilon: epsilon, weightDecay: weightDecay,
      isDecoupled: isDecoupled, correctsByComplement: correctsByComplement)
  }

  public func step(learningRate: Double) throws {
    for active in try moments.active() {
      if correctsByComplement {
        try withoutGradient { () throws(TorchError) in
          try stepByComplement(active, rate: learningRate * active.group.rateFactor)
        }
        continue
      }
      _ = try withoutGradient { () throws(TorchError) in
        try (isDecoupled ? Op.adamW : Op.adam).all(
          .tensors(active.parameters), .tensors(active.gradients), .tensors(active.moments[0]),
          .tensors(active.moments[1]), .tensors([]), .tensors(active.steps),
          .double(learningRate * active.group.rateFactor), .double(betas.0), .double(betas.1),
          .double(active.group.weightDecay ?? weightDecay), .double(epsilon), .bool(false), .bool(false))
      }
    }
  }

  private func stepByComplement(_ active: ActiveParameters, rate: Double) throws(TorchError) {
    var gradients = active.gradients
    let decay = active.group.weightDecay ?? weightDecay
    if decay != 0 {
      if isDecoupled {
        try Foreach.scale(active.parameters, by: 1 - rate * decay)
      } else {
        gradients = try Foreach.sum(gradients, active.parameters, scale: decay)
      }
    }
    let (means, squares) = (active.moments[0], active.moments[1])
    try Foreach.move(means, towards: gradients, by: 1 - betas.0)
    try Foreach.scale(squares, by: betas.1)
    try Foreach.addProduct(gradients, gradients, scale: 1 - betas.1, to: squares)
    let roots = try Foreach.squareRoot(squares)
    try Foreach.add(epsilon, to: roots)
    for place in active.parameters.indices {
      let steps: Double = try active.steps[place].item()
      let own = rate * (1 - pow(1 - betas.1, steps)).squareRoot() / (1 - pow(1 - betas.0, steps))
      try Foreach.addQuotient([means[place]], [roots[place]], scale: -own, to: [active.parameters[place]])
    }
  }

  public var state: [(name: String, tensor: Tensor)] { get throws { try moments.state } }

  public func load(_ state: [String: Tensor]) throws { try moments.load(state) }

  private enum Op {
    static let adam = Operator("_fused_adam_")
    static let adamW = Operator("_fused_adamw_")
  }
}
