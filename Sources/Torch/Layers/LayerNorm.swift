/// Layer normalization over the last dimension (Ba, Kiros & Hinton, 2016, eq. 4). Names as PyTorch's `LayerNorm`.
public final class LayerNorm: Layer {
  /// Gain and bias, `[features]`.
  @Parameter public var weight: Tensor
  @Parameter public var bias: Tensor
  /// Added to the variance.
  public let epsilon: Double

  public init(_ features: Int, epsilon: Double = 1e-5, _ dtype: DataType = .float32) throws(TorchError) {
    self.epsilon = epsilon
    weight = try Tensor.ones([features], dtype)
    bias = try Tensor.zeros([features], dtype)
  }

  /// - Parameter x: `[…, features]`.
  public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
    try Op.layerNorm(
      .tensor(x), .ints(weight.shape), .tensor(weight), .tensor(bias), .double(epsilon))
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor { try self(x) }

  private enum Op {
    static let layerNorm = Operator("layer_norm")
  }
}
