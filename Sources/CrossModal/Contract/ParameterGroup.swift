import Torch

/// Parameters that are trained alike.
public struct ParameterGroup {
  public var parameters: [StateEntry]
  /// Multiplies the learning rate.
  public var rateFactor: Double
  /// Instead of the configuration's weight decay.
  public var weightDecay: Double?
  /// Instead of the configuration's optimizer.
  public var optimizer: TrainingConfiguration.OptimizerKind?
  /// Instead of the configuration's momentum.
  public var momentum: Double?

  public init(
    _ parameters: [StateEntry], rateFactor: Double = 1, weightDecay: Double? = nil,
    optimizer: TrainingConfiguration.OptimizerKind? = nil, momentum: Double? = nil
  ) {
    self.parameters = parameters
    self.rateFactor = rateFactor
    self.weightDecay = weightDecay
    self.optimizer = optimizer
    self.momentum = momentum
  }
}
