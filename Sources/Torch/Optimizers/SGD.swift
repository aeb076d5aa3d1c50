/// Gradient descent, optionally with momentum: v ← μ v + g, w ← w - rate · v (or g + μ v with Nesterov's look-ahead).
public final class SGD: Optimizer {
  public let parameters: [StateEntry]
  public let momentum: Double
  public let isNesterov: Bool
  /// Adds this times the weights to the gradient.
  public let weightDecay: Double
  private var velocities = Moments("momentum_buffer")

  public init(
    _ parameters: [StateEntry], momentum: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0
  ) {
    self.parameters = parameters
    self.momentum = momentum
    self.isNesterov = isNesterov
    self.weightDecay = weightDecay
  }

  public func step(learningRate: Double) throws {
    try withoutGradient {
      for entry in parameters {
        guard var gradient = entry.gradient else { continue }
        if weightDecay != 0 { gradient = try gradient + entry.tensor * weightDecay }
        if momentum != 0 {
          let velocity = try velocities.of(entry) * momentum + gradient
          velocities.set(velocity, of: entry)
          gradient = isNesterov ? try gradient + velocity * momentum : velocity
        }
        try entry.assign(entry.tensor - gradient * learningRate)
      }
    }
  }

  public var state: [(name: String, tensor: Tensor)] { velocities.state(of: parameters) }

  public func load(_ state: [String: Tensor]) throws {
    velocities = try velocities.loaded(state, parameters: parameters)
  }
}
