// Attention and linear maps by given weights, for layers that keep their maps in a form of their own.

extension Tensor {
  /// x Wᵀ + b for `weight` `[outputs, inputs]` and `bias` `[outputs]`.
  ///
  /// - Returns: `[…, outputs]` for this tensor `[…, inputs]`.
  public func mapped(by weight: Tensor, bias: Tensor? = nil) throws(TorchError) -> Tensor {
    try linear(self, weight, bias)
  }

  /// softmax(q kᵀ / √size) v (Vaswani et al., NeurIPS 2017, eq. 1) of these queries, by libtorch's fused computation
  /// where it has one.
  ///
  /// - Parameters:
  ///   - keys: `[n, heads, m, size]`.
  ///   - values: `[n, heads, m, size]`.
  ///   - mask: true where a query may see a key, `[n or 1, heads or 1, l or 1, m]`; all when nil.
  ///   - isCausal: query i sees the keys 0...i alone; not together with a mask.
  /// - Returns: `[n, heads, l, size]` for these queries `[n, heads, l, size]`.
  public func attending(
    to keys: Tensor, _ values: Tensor, mask: Tensor? = nil, isCausal: Bool = false
  ) throws(TorchError) -> Tensor {
    try Op.attention(
      .tensor(self), .tensor(keys), .tensor(values), .optional(mask), .double(0), .bool(isCausal))
  }

  private enum Op {
    static let attention = Operator("scaled_dot_product_attention")
  }
}
