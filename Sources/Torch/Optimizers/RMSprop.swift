/// RMSprop (Tieleman & Hinton, 2012): steps divided by the root of the moving average of squared gradients,
/// or of their variance when centered (Graves, 2013). As PyTorch's `RMSprop`, unless epsilon is inside the root.
public final class RMSprop: Optimizer {
  public let groups: [OptimizerGroup]
  /// Decay of the averages.
  public let smoothing: Double
  /// Added to the root of the average.
  public let epsilon: Double
  public let momentum: Double
  /// Whether the square of the gradients' average is taken off the average of squares.
  public let isCentered: Bool
  /// Whether epsilon is added before the root is taken, as Graves does.
  public let hasEpsilonInRoot: Bool
  /// Adds this times the weights to the gradient.
  public let weightDecay: Double
  private var moments: Moments

  public init(
    groups: [OptimizerGroup], smoothing: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0,
    isCentered: Bool = false, hasEpsilonInRoot: Bool = false, weightDecay: Double = 0
  ) {
    self.groups = groups
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.momentum = momentum
    self.isCentered = isCentered
    self.hasEpsilonInRoot = hasEpsilonInRoot
    self.weightDecay = weightDecay
    let kinds = ["square_avg"] + (momentum > 0 ? ["momentum_buffer"] : []) + (isCentered ? ["grad_avg"] : [])
    moments = Moments(kinds, of: groups)
  }

  public convenience init(
    _ parameters: [StateEntry], smoothing: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0,
    isCentered: Bool = false, hasEpsilonInRoot: Bool = false, weightDecay: Double = 0
  ) {
    self.init(
      groups: [OptimizerGroup(parameters)], smoothing: smoothing, epsilon: epsilon, momentum: momentum,
      isCentered: isCentered, hasEpsilonInRoot: hasEpsilonInRoot, weightDecay: weightDecay)
  }

  public func step(learningRate: Double) throws {
    for active in try moments.active() {
      try withoutGradient { () throws(TorchError) in
        try change(active, rate: learningRate * active.group.rateFactor)
      }
    }
  }

  private func change(_ active: ActiveParameters, rate: Double) throws(TorchError) {
    var gradients = active.gradients
    let decay = active.group.weightDecay ?? weightDecay
    if decay != 0 { gradients = try Foreach.sum(gradients, active.parameters, scale: decay) }
    let squares = active.moments[0]
    try Foreach.scale(squares, by: smoothing)
    try Foreach.addProduct(gradients, gradients, scale: 1 - smoothing, to: squares)
    var variances = squares
    if isCentered {
      let averages = active.moments[active.moments.count - 1]
      try Foreach.move(averages, towards: gradients, by: 1 - smoothing)
      variances = try Foreach.addingProduct(squares, averages, averages, scale: -1)
    }
    if hasEpsilonInRoot {
      // Squares are remembered, so that they are not written to.
      if !isCentered { variances = try Foreach.scaled(variances, by: 1) }
      try Foreach.add(epsilon, to: variances)
    }
    let roots = try Foreach.squareRoot(variances)
    if !hasEpsilonInRoot { try Foreach.add(epsilon, to: roots) }
    if momentum > 0 {
      let velocities = active.moments[1]
      try Foreach.scale(velocities, by: momentum)
      try Foreach.addQuotient(gradients, roots, scale: 1, to: velocities)
      try Foreach.add(velocities, scale: -rate, to: active.parameters)
    } else {
      try Foreach.addQuotient(gradients, roots, scale: -rate, to: active.parameters)
    }
  }

  public var state: [(name: String, tensor: Tensor)] { get throws { try moments.state } }

  public func load(_ state: [String: Tensor]) throws { try moments.load(state) }
}
