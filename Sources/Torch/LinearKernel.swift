import CTorch

/// max(0, x Wᵀ + b) + y, or without the bound and y, as one fused computation on the cpu in float32.
///
/// It uses as many threads as ``Runtime/threads`` says; neither their number nor the other rows change a row. Its gradient
/// is of first order.
public struct LinearKernel {
  /// `[outputs, inputs]`.
  public var weight: Tensor
  /// `[outputs]`; nil for none.
  public var bias: Tensor?
  /// Whether what is below 0 becomes 0.
  public var rectifies: Bool
  public var instructions = KernelInstructions.best

  public init(weight: Tensor, bias: Tensor?, rectifies: Bool = false) {
    self.weight = weight
    self.bias = bias
    self.rectifies = rectifies
  }

  /// Whether rows are of the type and on the device that it is for.
  public static func fits(_ rows: Tensor) -> Bool { rows.dtype == .float32 && rows.device == .cpu }

  /// - Parameters:
  ///   - rows: `[n, inputs]`.
  ///   - addend: `[n, outputs]`; nil for none.
  /// - Returns: `[n, outputs]`.
  /// - Throws: ``TorchError`` for other types, and sizes that disagree.
  public func callAsFunction(_ rows: Tensor, adding addend: Tensor? = nil) throws(TorchError) -> Tensor {
    var tensors = [try rows.contiguous(), try weight.contiguous()]
    for more in [bias, addend] { if let more { tensors.append(try more.contiguous()) } }
    let (hasBias, hasAddend) = (bias != nil, addend != nil)
    return try Tensor(
      Handle.made("linear", tensors) { handles in
        ct_linear(
          handles[0], handles[1], hasBias ? handles[2] : nil, hasAddend ? handles[hasBias ? 3 : 2] : nil,
          rectifies, instructions.rawValue)
      })
  }
}
