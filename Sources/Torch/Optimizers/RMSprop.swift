/// RMSprop (Tieleman & Hinton, 2012): steps divided by the root of the moving average of squared gradients.
public final class RMSprop: Optimizer {
  public let parameters: [StateEntry]
  /// Decay of the average of squares.
  public let smoothing: Double
  /// Added to the root of the average.
  public let epsilon: Double
  public let momentum: Double
  /// Adds this times the weights to the gradient.
  public let weightDecay: Double
  private var squares = Moments("square_avg")
  private var velocities = Moments("momentum_buffer")

  public init(
    _ parameters: [StateEntry], smoothing: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0,
    weightDecay: Double = 0
  ) {
    self.parameters = parameters
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.momentum = momentum
    self.weightDecay = weightDecay
  }

  public func step(learningRate: Double) throws {
    try withoutGradient {
      for entry in parameters {
        guard var gradient = entry.gradient else { continue }
        if weightDecay != 0 { gradient = try gradient + entry.tensor * weightDecay }
        let average = try squares.of(entry) * smoothing + gradient.squared() * (1 - smoothing)
        squares.set(average, of: entry)
        var change = try gradient / (average.squareRoot() + epsilon)
        if momentum != 0 {
          change = try velocities.of(entry) * momentum + change
          velocities.set(change, of: entry)
        }
        try entry.assign(entry.tensor - change * learningRate)
      }
    }
  }

  public var state: [(name: String, tensor: Tensor)] {
    squares.state(of: parameters) + velocities.state(of: parameters)
  }

  public func load(_ state: [String: Tensor]) throws {
    let loaded = (
      try squares.loaded(state, parameters: parameters), try velocities.loaded(state, parameters: parameters)
    )
    (squares, velocities) = loaded
  }
}
