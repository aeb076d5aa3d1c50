import Torch

/// The network of one view.
protocol CorrelationNetwork: Module {
  /// Outputs `[n, o]` of rows `[n, d]`.
  ///
  /// In training those that normalize do so by the batch, and remember its moments.
  func callAsFunction(_ rows: Tensor, _ pass: Pass) throws -> Tensor
  /// Whether rows influence each other's outputs in training, so that a batch cannot be taken in pieces.
  var normalizesByBatch: Bool { get }
  /// The linear maps from the bottom up.
  var linears: [LinearEncoder] { get }
}

/// What follows a linear map.
public enum CorrelationActivation: String, Codable, Sendable, CaseIterable {
  case cubeRoot = "cube_root"
  case sigmoid
  case tanh
  case relu
  case gelu

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    switch self {
    case .cubeRoot: try cubeRootUnit(x)
    case .sigmoid: try x.sigmoid()
    case .tanh: try x.tanh()
    case .relu: try x.relu()
    case .gelu: try x.gelu()
    }
  }
}

/// Linear maps with an activation between them: `layers.i.weight`, `layers.i.bias`.
final class PlainNetwork: CorrelationNetwork {
  let layers: [LinearEncoder]
  private let activation: CorrelationActivation
  private let activatesOutput: Bool
  let normalizesByBatch = false
  var linears: [LinearEncoder] { layers }

  /// - Parameter widths: of the hidden layers and the output.
  init(
    from inputs: Int, widths: [Int], activation: CorrelationActivation, activatesOutput: Bool,
    using generator: Generator
  ) throws {
    layers = try zip([inputs] + widths, widths).map { try LinearEncoder(from: $0, to: $1, using: generator) }
    self.activation = activation
    self.activatesOutput = activatesOutput
  }

  func callAsFunction(_ rows: Tensor, _ pass: Pass) throws -> Tensor {
    try layers.indices.reduce(rows) { hidden, i in
      let sums = try layers[i](hidden)
      return i < layers.count - 1 || activatesOutput ? try activation(sums) : sums
    }
  }
}

/// The network of the public PyTorch program: blocks of linear map, sigmoid, batch normalization, then batch
/// normalization and a linear map; names `layers.i.0.weight`, `layers.i.2.running_mean`, … as there.
final class NormalizedNetwork: CorrelationNetwork {
  @Named var blocks: [any Module]
  let normalizesByBatch = true

  init(
    from inputs: Int, widths: [Int], momentum: Double = 0.1, epsilon: Double = 1e-5, isAffine: Bool = false,
    using generator: Generator
  ) throws {
    let sizes = [inputs] + widths
    let normalization = { (size: Int) in
      try BatchNorm(size, momentum: momentum, epsilon: epsilon, affine: isAffine)
    }
    var blocks: [any Module] = try (0..<widths.count - 1).map { i in
      try SigmoidBlock(
        LinearEncoder(from: sizes[i], to: sizes[i + 1], using: generator), normalization(sizes[i + 1]))
    }
    let (last, width) = (sizes[widths.count - 1], sizes[widths.count])
    blocks.append(
      try OutputBlock(normalization(last), LinearEncoder(from: last, to: width, using: generator)))
    _blocks = Named(wrappedValue: blocks, "layers")
  }

  var linears: [LinearEncoder] {
    blocks.compactMap { ($0 as? SigmoidBlock)?.linear ?? ($0 as? OutputBlock)?.linear }
  }

  func callAsFunction(_ rows: Tensor, _ pass: Pass) throws -> Tensor {
    try blocks.reduce(rows) { hidden, block in
      if let block = block as? SigmoidBlock { return try block(hidden, pass) }
      if let block = block as? OutputBlock { return try block(hidden, pass) }
      return hidden
    }
  }
}

private final class SigmoidBlock: Module {
  @Named var linear: LinearEncoder
  @Named var normalization: BatchNorm

  init(_ linear: LinearEncoder, _ normalization: BatchNorm) {
    _linear = Named(wrappedValue: linear, "0")
    _normalization = Named(wrappedValue: normalization, "2")
  }

  func callAsFunction(_ rows: Tensor, _ pass: Pass) throws -> Tensor {
    try normalization(linear(rows).sigmoid(), pass)
  }
}

private final class OutputBlock: Module {
  @Named var normalization: BatchNorm
  @Named var linear: LinearEncoder

  init(_ normalization: BatchNorm, _ linear: LinearEncoder) {
    _normalization = Named(wrappedValue: normalization, "0")
    _linear = Named(wrappedValue: linear, "1")
  }

  func callAsFunction(_ rows: Tensor, _ pass: Pass) throws -> Tensor {
    try linear(normalization(rows, pass))
  }
}

/// The mirror image of a network, for autoencoders: from outputs back to inputs.
final class MirrorNetwork: Module {
  let layers: [LinearEncoder]
  private let activation: CorrelationActivation

  /// - Parameter widths: of the network's hidden layers and output.
  init(
    to inputs: Int, widths: [Int], activation: CorrelationActivation, using generator: Generator
  ) throws {
    let sizes = Array(([inputs] + widths).reversed())
    layers = try zip(sizes, sizes.dropFirst()).map { try LinearEncoder(from: $0, to: $1, using: generator) }
    self.activation = activation
  }

  func callAsFunction(_ outputs: Tensor) throws -> Tensor {
    try layers.indices.reduce(outputs) { hidden, i in
      let sums = try layers[i](hidden)
      return i < layers.count - 1 ? try activation(sums) : sums
    }
  }
}
