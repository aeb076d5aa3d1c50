import Torch

/// Steps of training on one thread: gradients cleared, forward, loss, backward, optimizer. Benchmarks/peers_torch.py
/// does the same in PyTorch; first weights and data come from the same seeds, so that the losses agree.
enum TrainingStep {
  static func measure() throws {
    try perceptron("2000 steps, perceptron 32-64-64-10, AdamW", isAdam: true)
    try perceptron("2000 steps, perceptron 32-64-64-10, SGD", isAdam: false)
    try recurrent("20 steps, GRU 64-128 both ways, Adam")
    try convolutional("20 steps, convolutions on 32 pictures, Adam")
  }

  private static func perceptron(_ work: String, isAdam: Bool) throws {
    let generator = try Generator(seed: 1)
    let network = try Sequential {
      try Linear(from: 32, to: 64, using: generator)
      Activation(.relu)
      try Linear(from: 64, to: 64, using: generator)
      Activation(.relu)
      try Linear(from: 64, to: 10, using: generator)
    }
    let x = try Tensor.normal([64, 32], using: generator)
    let y = try Tensor.normal([64, 10], using: generator)
    let entries = network.parameters
    let optimizer: any Optimizer =
      isAdam ? Adam(entries, weightDecay: 0.01, isDecoupled: true) : SGD(entries, momentum: 0.9)
    try train(work, optimizer, steps: 2000) { try (network(x, .evaluation) - y).squared().mean() }
  }

  private static func recurrent(_ work: String) throws {
    let generator = try Generator(seed: 1)
    let gru = try GRU(from: 64, to: 128, bidirectional: true, using: generator)
    let x = try Tensor.normal([32, 20, 64], using: generator)
    let lengths = (0..<32).map { 5 + $0 % 16 }
    try train(work, Adam(gru.parameters), steps: 20) {
      try gru(x, lengths: lengths).output.squared().mean()
    }
  }

  private static func convolutional(_ work: String) throws {
    let generator = try Generator(seed: 1)
    let network = try Sequential {
      try Conv2d(from: 1, to: 16, kernel: 3, padding: 1, using: generator)
      try BatchNorm(16)
      Activation(.relu)
      Pooling(.maximum(size: 2))
      try Conv2d(from: 16, to: 32, kernel: 3, padding: 1, using: generator)
      Activation(.relu)
      Pooling(.maximum(size: 2))
      Flatten()
      try Linear(from: 32 * 7 * 7, to: 10, using: generator)
    }
    let x = try Tensor.normal([32, 1, 28, 28], using: generator)
    try train(work, Adam(network.parameters), steps: 20) {
      try network(x, .training(generator)).squared().mean()
    }
  }

  /// Three steps warm up; the loss of the third is what programs must agree on, before rounding parts them.
  private static func train(
    _ work: String, _ optimizer: any Optimizer, steps: Int, _ loss: () throws -> Tensor
  ) throws {
    let entries = optimizer.parameters
    var check = 0.0
    var start = processSeconds()
    for step in 0..<steps + 3 {
      try entries.clearGradients()
      let value = try loss()
      try value.backward()
      try optimizer.step(learningRate: 1e-3)
      if step == 2 {
        check = try value.item()
        start = processSeconds()
      }
    }
    report(work, seconds: processSeconds() - start, check: check)
  }
}
