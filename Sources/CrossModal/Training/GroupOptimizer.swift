import Torch

/// The optimizer of one group of parameters.
struct GroupOptimizer {
  let optimizer: any Optimizer
  let rateFactor: Double
  /// Decay that is part of the gradient before it is shortened; 0 where the optimizer adds it.
  private let decayBefore: Double

  init(_ group: ParameterGroup, _ training: TrainingConfiguration) {
    let decay = group.weightDecay ?? training.weightDecay
    let kind = group.optimizer ?? training.optimizer
    // What adamw takes from the weights is beside the gradient.
    decayBefore = training.clipEach && training.gradientClip != nil && kind != .adamw ? decay : 0
    rateFactor = group.rateFactor
    optimizer = Self.optimizer(kind, group, training, decay: decayBefore == 0 ? decay : 0)
  }

  private static func optimizer(
    _ kind: TrainingConfiguration.OptimizerKind, _ group: ParameterGroup, _ training: TrainingConfiguration,
    decay: Double
  ) -> any Optimizer {
    let betas = (training.betas[0], training.betas[1])
    let momentum = group.momentum ?? training.momentum
    let epsilon = training.epsilon ?? 1e-8
    switch kind {
    case .adam:
      return Adam(
        group.parameters, betas: betas, epsilon: epsilon, weightDecay: decay,
        correctsByComplement: training.biasCorrection == .complement)
    case .adamw:
      return Adam(group.parameters, betas: betas, epsilon: epsilon, weightDecay: decay, isDecoupled: true)
    case .rmsprop:
      return RMSprop(
        group.parameters, smoothing: training.smoothing, epsilon: epsilon, momentum: momentum,
        isCentered: training.centered, hasEpsilonInRoot: training.centered, weightDecay: decay)
    case .sgd, .lbfgs:
      return SGD(group.parameters, momentum: momentum, isNesterov: training.nesterov, weightDecay: decay)
    }
  }

  /// Shortens the gradient of each parameter, with its decay, to at most `longest`.
  func clipEach(to longest: Double) throws {
    for entry in optimizer.parameters {
      guard var gradient = entry.gradient else { continue }
      if decayBefore != 0 { gradient = try gradient + entry.tensor.detached() * decayBefore }
      let norm: Double = try gradient.norm().item()
      try entry.setGradient(norm > longest ? try gradient * (longest / norm) : gradient)
    }
  }

  /// - Parameter learningRate: of the training; the group's own is a multiple of it.
  func step(learningRate: Double) throws { try optimizer.step(learningRate: learningRate * rateFactor) }
}
