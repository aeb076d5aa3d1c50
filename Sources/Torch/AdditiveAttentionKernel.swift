import CTorch

/// How much rows look at cells by additive attention (Bahdanau et al., ICLR 2015), w · f(k + q) + b, as one fused computation
/// on the cpu in float32.
///
/// The sums of keys and what is asked are never in memory. It uses as many threads as ``Runtime/threads`` says; neither
/// their number nor other items change an item. It has no gradient.
public struct AdditiveAttentionKernel {
  public enum Activation: Int32, Sendable {
    case tanh
    case relu
  }

  /// w, `[d]`.
  public var weight: Tensor
  /// b.
  public var bias: Double
  /// f.
  public var activation: Activation
  public var instructions = KernelInstructions.best

  public init(weight: Tensor, bias: Double = 0, activation: Activation) {
    self.weight = weight
    self.bias = bias
    self.activation = activation
  }

  /// Whether tensors are of the type and on the device that it is for, and nothing is recorded for a gradient.
  public static func fits(_ tensor: Tensor) -> Bool { !ct_grad_enabled() && LinearKernel.fits(tensor) }

  /// - Parameters:
  ///   - asked: q, `[n, rows, d]`.
  ///   - keys: k, `[n, cells, d]`.
  /// - Returns: `[n, rows, cells]`.
  /// - Throws: ``TorchError`` for other types, and sizes that disagree.
  public func callAsFunction(asked: Tensor, keys: Tensor) throws(TorchError) -> Tensor {
    let tensors = [try keys.contiguous(), try asked.contiguous(), try weight.contiguous()]
    return try Tensor(
      Handle.made("additive attention", tensors) { handles in
        ct_additive_attention(
          handles[0], handles[1], handles[2], bias, activation.rawValue, instructions.rawValue)
      })
  }
}
