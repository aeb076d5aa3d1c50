import Torch

/// One layer that restores rows from noisy ones, with tied weights, to start a deep network from
/// (Andrew et al., ICML 2013, section 3).
///
/// h = s((x + noise) W' + b), x̂ = h W + c; the loss is the sum of squared errors against the clean rows plus
/// λ (|W|² + |b|²).
final class DenoisingAutoencoder: Module {
  /// `[hidden, inputs]`.
  @Parameter var weight: Tensor
  /// `[hidden]`.
  @Parameter var bias: Tensor
  /// `[inputs]`.
  @Parameter var outputBias: Tensor
  private let activation: CorrelationActivation

  init(
    weight: Tensor, bias: Tensor, outputBias: Tensor, activation: CorrelationActivation = .cubeRoot
  ) {
    self.weight = weight
    self.bias = bias
    self.outputBias = outputBias
    self.activation = activation
  }

  /// Activations of the hidden layer, `[n, hidden]`.
  func hidden(_ rows: Tensor) throws -> Tensor {
    try activation(bias.addingProduct(rows, weight.transposed()))
  }

  /// The loss of rows whose noise is given: a sum, not a mean.
  func loss(_ rows: Tensor, noise: Tensor, decay: Double) throws -> Tensor {
    let restored = try outputBias.addingProduct(hidden(rows + noise), weight)
    return try (restored - rows).squared().sum() + (weight.squared().sum() + bias.squared().sum()) * decay
  }

  /// Trains on all rows by L-BFGS, with noise that is drawn once.
  func train(on rows: Tensor, noise: Double, decay: Double, steps: Int, using generator: Generator) throws {
    for entry in stateEntries { try entry.prepareForTraining(on: rows.device, as: rows.dtype) }
    let drawn = try Tensor.normal(rows.shape, rows.dtype, using: generator, on: rows.device) * noise
    let optimizer = LBFGS(parameters, iterations: 1, evaluations: 25)
    for _ in 0..<steps {
      let outcome = try optimizer.step(isSameLoss: true) {
        let loss = try self.loss(rows, noise: drawn, decay: decay)
        try loss.backward()
        return try loss.item()
      }
      if outcome.hasConverged || outcome.before - outcome.after <= 1e-6 * abs(outcome.before) { break }
    }
    for entry in stateEntries { entry.tensor = try entry.tensor.detached() }
  }
}
