import Foundation
import Testing
import Torch

@Suite("Layers against PyTorch")
struct RecordedLayersTests {
  private let recorded: Recorded
  private let generator: Generator

  init() throws {
    recorded = try Recorded("layers")
    generator = try Generator(seed: 0)
  }

  /// Loads the recorded state, runs forward and backward, and compares outputs, gradients and buffers.
  private func check(
    _ module: any Module, _ name: String, inputs: [String],
    _ forward: ([Tensor]) throws -> [(String, Tensor)]
  ) throws {
    try module.load(recorded.all(below: "\(name)/state"), from: name)
    let inputs = try inputs.map { input in
      let tensor = try recorded["\(name)/in/\(input)"]
      return (input, tensor.dtype.isFloatingPoint ? try tensor.requiringGradient() : tensor)
    }
    let outputs = try forward(inputs.map(\.1))
    var loss = try Tensor(0.0)
    for (output, tensor) in outputs {
      try recorded.expect(tensor, equals: "\(name)/out/\(output)")
      loss = try loss + (tensor * recorded["\(name)/weight/\(output)"]).sum()
    }
    try loss.backward()
    for entry in module.parameters {
      try recorded.expect(entry.gradient, equals: "\(name)/grad/\(entry.name)")
    }
    for (input, tensor) in inputs where tensor.dtype.isFloatingPoint {
      try recorded.expect(tensor.gradient, equals: "\(name)/gradin/\(input)")
    }
    for entry in module.buffers {
      try recorded.expect(entry.tensor, equals: "\(name)/after/\(entry.name)")
    }
  }

  private func check(_ layer: any Layer, _ name: String, _ pass: Pass = .evaluation) throws {
    try check(layer, name, inputs: ["x"]) { [("y", try layer($0[0], pass))] }
  }

  @Test("linear maps, with a bias and without")
  func linear() throws {
    try check(Linear(from: 4, to: 3, .float64, using: generator), "linear")
    try check(Linear(from: 4, to: 3, bias: false, .float64, using: generator), "linear-plain")
  }

  @Test("embeddings, with no gradient for padding")
  func embedding() throws {
    try check(Embedding(count: 6, size: 3, padding: 2, .float64, using: generator), "embedding")
    #expect(throws: TorchError.self) { try Embedding(count: 6, size: 3, padding: 6, using: generator) }
  }

  @Test("convolutions with stride, padding, dilation and groups")
  func convolution() throws {
    try check(
      Conv1d(
        from: 4, to: 6, kernel: 3, stride: 2, padding: 2, dilation: 2, groups: 2, .float64, using: generator),
      "conv1d")
    try check(
      Conv2d(from: 3, to: 4, kernel: 3, stride: 2, padding: 1, .float64, using: generator), "conv2d")
  }

  @Test("layer normalisation")
  func layerNorm() throws { try check(LayerNorm(5, .float64), "layernorm") }

  @Test(
    "batch normalisation by the batch and by what it has seen", arguments: ["batchnorm1d", "batchnorm2d"])
  func batchNorm(name: String) throws {
    try check(BatchNorm(3, .float64), name, .training(generator))
    try check(BatchNorm(3, .float64), "\(name)-evaluation")
  }

  @Test("pooling")
  func pooling() throws {
    try check(Pooling(.maximum(size: 3, stride: 2, padding: 1)), "pool-max2")
    try check(Pooling(.mean(size: 2)), "pool-mean2")
    try check(Pooling(.maximum(size: 2)), "pool-max1")
    try check(Pooling(.mean(size: 3, stride: 1, padding: 1)), "pool-mean1")
    try check(Pooling(.meanTo([2, 3])), "pool-to2")
    try check(Pooling(.meanTo([3])), "pool-to1")
  }

  @Test("functions of each element")
  func activations() throws {
    let functions: [(String, Activation.Function)] = [
      ("relu", .relu), ("tanh", .tanh), ("sigmoid", .sigmoid), ("gelu", .gelu), ("softplus", .softplus),
      ("leaky", .leakyReLU(slope: 0.2)),
    ]
    for (name, function) in functions { try check(Activation(function), name) }
  }

  @Test("GRU over packed sequences of different lengths, both directions, two layers; and from a given state")
  func gru() throws {
    let deep = try GRU(from: 3, to: 4, layers: 2, bidirectional: true, .float64, using: generator)
    try check(deep, "gru-deep", inputs: ["x", "lengths"]) { inputs in
      let result = try deep(inputs[0], lengths: inputs[1].values(as: Int.self))
      return [("output", result.output), ("state", result.state)]
    }
    let plain = try GRU(from: 3, to: 4, bias: false, .float64, using: generator)
    try check(plain, "gru-state", inputs: ["x", "h"]) { inputs in
      let result = try plain(inputs[0], state: inputs[1])
      return [("output", result.output), ("state", result.state)]
    }
  }

  @Test(
    "LSTM over packed sequences of different lengths, both directions, two layers; and from a given state")
  func lstm() throws {
    let deep = try LSTM(from: 3, to: 4, layers: 2, bidirectional: true, .float64, using: generator)
    try check(deep, "lstm-deep", inputs: ["x", "lengths"]) { inputs in
      let result = try deep(inputs[0], lengths: inputs[1].values(as: Int.self))
      return [("output", result.output), ("state", result.state), ("cell", result.cell)]
    }
    let plain = try LSTM(from: 3, to: 4, bias: false, .float64, using: generator)
    try check(plain, "lstm-state", inputs: ["x", "h", "c"]) { inputs in
      let result = try plain(inputs[0], state: (inputs[1], inputs[2]))
      return [("output", result.output), ("state", result.state), ("cell", result.cell)]
    }
  }

  @Test("attention with padding and a mask")
  func attention() throws {
    let attention = try MultiheadAttention(size: 6, heads: 3, .float64, using: generator)
    try check(attention, "attention", inputs: ["q", "k", "v", "padding", "mask"]) { inputs in
      let result = try attention(
        inputs[0], inputs[1], values: inputs[2], padding: inputs[3], mask: inputs[4])
      return [("output", result.output), ("attention", result.attention)]
    }
  }
}
