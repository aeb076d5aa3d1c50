/// Windows along a sequence `[n, channels, l]`. Names and first weights as PyTorch's `Conv1d`.
public final class Conv1d: Layer {
  /// `[outputs, inputs / groups, kernel]`.
  @Parameter public var weight: Tensor
  private let optionalBias: Parameter?
  private let window: Window

  /// `[outputs]`; nil for a layer without one.
  public var bias: Tensor? { optionalBias?.wrappedValue }

  /// - Parameters:
  ///   - padding: zeros before and behind.
  ///   - dilation: places from one element of the window to the next.
  ///   - groups: parts of the channels that see each other.
  public init(
    from inputs: Int, to outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
    groups: Int = 1, bias: Bool = true, _ dtype: DataType = .float32, using generator: Generator
  ) throws(TorchError) {
    let shape = [outputs, inputs / max(1, groups), kernel]
    weight = try Initializer.standard(shape, dtype, using: generator)
    optionalBias = try Parameter.standardBias(bias, outputs, beside: shape, dtype, using: generator)
    window = Window(stride: stride, padding: padding, dilation: dilation, groups: groups)
  }

  public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
    try x.convolved(
      weight, bias: bias, stride: window.stride, padding: window.padding, dilation: window.dilation,
      groups: window.groups)
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor { try self(x) }
}

/// Windows over pictures `[n, channels, height, width]`. Names and first weights as PyTorch's `Conv2d`.
public final class Conv2d: Layer {
  /// `[outputs, inputs / groups, kernel, kernel]`.
  @Parameter public var weight: Tensor
  private let optionalBias: Parameter?
  private let window: Window

  /// `[outputs]`; nil for a layer without one.
  public var bias: Tensor? { optionalBias?.wrappedValue }

  /// - Parameters:
  ///   - padding: zeros on all sides.
  ///   - dilation: places from one element of the window to the next.
  ///   - groups: parts of the channels that see each other.
  public init(
    from inputs: Int, to outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
    groups: Int = 1, bias: Bool = true, _ dtype: DataType = .float32, using generator: Generator
  ) throws(TorchError) {
    let shape = [outputs, inputs / max(1, groups), kernel, kernel]
    weight = try Initializer.standard(shape, dtype, using: generator)
    optionalBias = try Parameter.standardBias(bias, outputs, beside: shape, dtype, using: generator)
    window = Window(stride: stride, padding: padding, dilation: dilation, groups: groups)
  }

  public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
    try x.convolved(
      weight, bias: bias, stride: window.stride, padding: window.padding, dilation: window.dilation,
      groups: window.groups)
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor { try self(x) }
}

/// How the window of a convolution moves.
private struct Window {
  let stride: Int
  let padding: Int
  let dilation: Int
  let groups: Int
}
