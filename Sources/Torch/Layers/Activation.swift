/// A function of each element, as a layer.
public final class Activation: Layer {
  /// The functions.
  public enum Function: Sendable, Equatable {
    case relu, tanh, sigmoid, gelu, softplus
    case leakyReLU(slope: Double)
  }

  public let function: Function

  public init(_ function: Function) { self.function = function }

  public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
    switch function {
    case .relu: try x.relu()
    case .tanh: try x.tanh()
    case .sigmoid: try x.sigmoid()
    case .gelu: try x.gelu()
    case .softplus: try x.softplus()
    case .leakyReLU(let slope): try x.leakyReLU(slope: slope)
    }
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor { try self(x) }
}
