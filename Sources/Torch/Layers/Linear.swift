/// x Wᵀ + b. Names and first weights as PyTorch's `Linear`.
public final class Linear: Layer {
  /// `[outputs, inputs]`.
  @Parameter public var weight: Tensor
  private let optionalBias: Parameter?

  /// `[outputs]`; nil for a layer without one.
  public var bias: Tensor? { optionalBias?.wrappedValue }

  public init(
    from inputs: Int, to outputs: Int, bias: Bool = true, _ dtype: DataType = .float32,
    using generator: Generator
  ) throws(TorchError) {
    weight = try Initializer.standard([outputs, inputs], dtype, using: generator)
    optionalBias = try Parameter.standardBias(
      bias, outputs, beside: [outputs, inputs], dtype, using: generator)
  }

  /// A layer of given first weights: `weight` `[outputs, inputs]`, `bias` `[outputs]` or nil.
  public init(weight: Tensor, bias: Tensor?) {
    _weight = Parameter(wrappedValue: weight)
    optionalBias = bias.map { Parameter(wrappedValue: $0, "bias") }
  }

  /// - Parameter x: `[…, inputs]`.
  /// - Returns: `[…, outputs]`.
  public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
    try linear(x, weight, bias)
  }

  /// The same with what follows it; as one fused computation where nothing is recorded for a gradient, on the cpu in
  /// float32 (``LinearKernel``).
  ///
  /// - Parameters:
  ///   - x: `[…, inputs]`.
  ///   - rectifies: whether what is below 0 becomes 0.
  ///   - addend: added to what comes out, `[…, outputs]`.
  public func fused(
    _ x: Tensor, rectifies: Bool = false, adding addend: Tensor? = nil
  ) throws(TorchError) -> Tensor {
    guard LinearKernel.fits(x) else {
      let mapped = try rectifies ? self(x).relu() : self(x)
      guard let addend else { return mapped }
      return try mapped + addend
    }
    let kernel = LinearKernel(weight: weight, bias: bias, rectifies: rectifies)
    let outputs = weight.size(along: 0)
    return try kernel(x.reshaped(-1, x.size(along: -1)), adding: addend?.reshaped(-1, outputs))
      .reshaped(to: x.shape.dropLast() + [outputs])
  }

  /// For layers that PyTorch starts without.
  func setBiasToZero() throws(TorchError) {
    guard let optionalBias else { return }
    optionalBias.wrappedValue = try optionalBias.wrappedValue.detached().zerosLike()
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor { try self(x) }
}

/// x Wᵀ + b, for layers that hold such maps.
func linear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) throws(TorchError) -> Tensor {
  try LinearOp.linear(.tensor(x), .tensor(weight), .optional(bias))
}

private enum LinearOp {
  static let linear = Operator("linear")
}

extension Parameter {
  /// A member `bias` with PyTorch's first numbers, for a layer that has one.
  static func standardBias(
    _ isWanted: Bool, _ outputs: Int, beside weight: [Int], _ dtype: DataType, using generator: Generator
  ) throws(TorchError) -> Parameter? {
    guard isWanted else { return nil }
    let first = try Initializer.standardBias(beside: weight)([outputs], dtype, using: generator)
    return Parameter(wrappedValue: first, "bias")
  }
}
