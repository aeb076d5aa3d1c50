import Torch

/// x Wᵀ + b: `weight`, `bias`.
public final class LinearEncoder: VectorEncoder {
  @Named private(set) var linear: Linear

  /// `[size, inputs]`.
  public var weight: Tensor { linear.weight }
  public var size: Int { weight.size(along: 0) }

  public init(from inputs: Int, to size: Int, using generator: Generator) throws {
    let weight = try uniformWeights([size, inputs], inputs: inputs, using: generator)
    let bias = try uniformWeights([size], inputs: inputs, using: generator)
    _linear = Named(wrappedValue: Linear(weight: weight, bias: bias), "")
  }

  public func callAsFunction(_ items: Tensor) throws -> Tensor { try linear(items) }

  public func reset(using generator: Generator) throws {
    let inputs = weight.size(along: 1)
    for entry in parameters {
      entry.tensor = try uniformWeights(like: entry.tensor, inputs: inputs, using: generator)
    }
  }
}

extension Linear {
  /// Draws the weight uniform in ±√(6 / (inputs + outputs)) (Glorot & Bengio, AISTATS 2010); the bias becomes 0.
  func drawXavier(using generator: Generator) throws(TorchError) {
    for entry in parameters {
      let old = entry.tensor
      entry.tensor =
        old.rank == 2
        ? try Initializer.xavierUniform()(old.shape, using: generator).to(old.dtype).to(old.device)
        : try old.detached().zerosLike()
    }
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
