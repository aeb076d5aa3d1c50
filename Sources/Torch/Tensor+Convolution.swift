// Convolution and pooling over the last two dimensions of `[n, channels, height, width]`.

extension Tensor {
  /// Windows of this tensor multiplied with `weight` `[outputs, inputs, height, width]` and added up.
  public func convolved(
    _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0
  ) throws(TorchError) -> Tensor {
    try Op.conv2d(
      .tensor(self), .tensor(weight), .optional(bias), .ints([stride, stride]), .ints([padding, padding]))
  }

  /// The mean of each `size` by `size` places; what is left at the edges is dropped.
  public func meanPooled(size: Int) throws(TorchError) -> Tensor {
    try Op.meanPool(.tensor(self), .ints([size, size]))
  }

  /// The largest of each `size` by `size` places; what is left at the edges is dropped.
  public func maximumPooled(size: Int) throws(TorchError) -> Tensor {
    try Op.maximumPool(.tensor(self), .ints([size, size]))
  }

  private enum Op {
    static let conv2d = Operator("conv2d")
    static let meanPool = Operator("avg_pool2d")
    static let maximumPool = Operator("max_pool2d")
  }
}
