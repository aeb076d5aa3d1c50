import Torch

/// x Wᵀ + b.
public final class LinearEncoder: VectorEncoder {
  /// `[size, inputs]`.
  @Parameter public var weight: Tensor
  /// `[size]`.
  @Parameter public var bias: Tensor

  public var size: Int { bias.size(along: 0) }

  public init(from inputs: Int, to size: Int, using generator: Generator) throws {
    weight = try uniformWeights([size, inputs], inputs: inputs, using: generator)
    bias = try uniformWeights([size], inputs: inputs, using: generator)
  }

  public func callAsFunction(_ items: Tensor) throws -> Tensor {
    try bias.addingProduct(items, weight.transposed())
  }

  public func reset(using generator: Generator) throws {
    let inputs = weight.size(along: 1)
    weight = try uniformWeights(like: weight, inputs: inputs, using: generator)
    bias = try uniformWeights(like: bias, inputs: inputs, using: generator)
  }
}

/// PyTorch's first weights of linear and convolutional layers: uniform in ±1/√inputs.
func uniformWeights(_ shape: [Int], inputs: Int, using generator: Generator) throws(TorchError) -> Tensor {
  let bound = 1 / Double(max(1, inputs)).squareRoot()
  return try Tensor.uniform(shape, in: -bound..<bound, using: generator).requiringGradient()
}

/// The same numbers in the place and type of a parameter that they replace.
func uniformWeights(
  like old: Tensor, inputs: Int, using generator: Generator
) throws(TorchError) -> Tensor {
  try uniformWeights(old.shape, inputs: inputs, using: generator).detached().to(old.dtype).to(old.device)
    .requiringGradient()
}
