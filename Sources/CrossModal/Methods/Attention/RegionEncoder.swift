import Torch

/// Region features through one linear map: the image encoder of SCAN (Lee et al., ECCV 2018, section 3.2) and its
/// relatives, with the parameter names of their authors' programs. Nothing is normalized here.
public final class RegionEncoder: Module {
  /// How the map is held.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// A weight and a bias.
    case basic
    /// W = g V / ‖V‖, with one number g and the norm over the whole matrix.
    case weightNorm = "weight_norm"
  }

  @Named private var map: any RegionMap

  /// - Parameters:
  ///   - inputs: width of the regions' features.
  ///   - size: width of the outputs.
  ///   - name: what the map is called before the names of its parameters.
  public init(
    from inputs: Int, to size: Int, _ kind: Kind, named name: String = "fc", using generator: Generator
  ) throws(TorchError) {
    let map: any RegionMap =
      switch kind {
      case .basic: try PlainRegionMap(from: inputs, to: size, using: generator)
      case .weightNorm: try NormedRegionMap(from: inputs, to: size, using: generator)
      }
    _map = Named(wrappedValue: map, name)
  }

  /// - Parameter regions: `[…, inputs]`.
  /// - Returns: `[…, size]`.
  public func callAsFunction(_ regions: Tensor) throws(TorchError) -> Tensor {
    let (weight, bias) = try map.weightAndBias()
    return try regions.matmul(weight.transposed()) + bias
  }

  /// Draws the parameters anew: uniform in ±√(6 / (inputs + size)) and a bias of 0, or for ``Kind/weightNorm`` as
  /// PyTorch draws a linear layer.
  public func reset(using generator: Generator) throws(TorchError) { try map.reset(using: generator) }
}

private protocol RegionMap: Module {
  func weightAndBias() throws(TorchError) -> (weight: Tensor, bias: Tensor)
  func reset(using generator: Generator) throws(TorchError)
}

private final class PlainRegionMap: RegionMap {
  @Parameter var weight: Tensor
  @Parameter var bias: Tensor

  init(from inputs: Int, to size: Int, using generator: Generator) throws(TorchError) {
    weight = try Initializer.xavierUniform()([size, inputs], using: generator)
    bias = try Tensor.zeros([size])
  }

  func weightAndBias() -> (weight: Tensor, bias: Tensor) { (weight, bias) }

  func reset(using generator: Generator) throws(TorchError) {
    weight = try Initializer.xavierUniform()(weight.shape, using: generator).to(weight.dtype).to(
      weight.device)
    bias = try bias.detached().zerosLike()
  }
}

private final class NormedRegionMap: RegionMap {
  /// g and V.
  @Parameter var gain: Tensor
  @Parameter var direction: Tensor
  @Parameter var bias: Tensor

  init(from inputs: Int, to size: Int, using generator: Generator) throws(TorchError) {
    let first = try Linear(from: inputs, to: size, using: generator)
    let weight = try first.weight.detached()
    _gain = Parameter(wrappedValue: try weight.norm(), "weight_g")
    _direction = Parameter(wrappedValue: weight, "weight_v")
    let shift = try Tensor.zeros([size])
    bias = try (first.bias ?? shift).detached()
  }

  func weightAndBias() throws(TorchError) -> (weight: Tensor, bias: Tensor) {
    (try direction * (gain / direction.norm()), bias)
  }

  func reset(using generator: Generator) throws(TorchError) {
    let shape = direction.shape
    let first = try Linear(from: shape[1], to: shape[0], using: generator)
    func placed(_ tensor: Tensor) throws(TorchError) -> Tensor {
      try tensor.detached().to(direction.dtype).to(direction.device)
    }
    gain = try placed(first.weight.detached().norm())
    bias = try placed(first.bias ?? bias)
    direction = try placed(first.weight)
  }
}
