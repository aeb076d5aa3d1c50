// Convolution and pooling over the last dimensions of `[n, channels, l]` or `[n, channels, height, width]`.

extension Tensor {
  /// Windows of this tensor multiplied with `weight` and added up.
  ///
  /// - Parameters:
  ///   - weight: `[outputs, inputs / groups, height, width]`, or `[outputs, inputs / groups, l]` for sequences.
  ///   - bias: `[outputs]`.
  ///   - padding: zeros on all sides.
  ///   - dilation: places from one element of the window to the next.
  public func convolved(
    _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
    groups: Int = 1
  ) throws(TorchError) -> Tensor {
    let each = { (number: Int) in Value.ints(Array(repeating: number, count: weight.rank - 2)) }
    return try (weight.rank == 3 ? Op.conv1d : Op.conv2d)(
      .tensor(self), .tensor(weight), .optional(bias), each(stride), each(padding), each(dilation),
      .int(groups))
  }

  /// The mean of each window of `size` by `size` places; what is left at the edges is dropped.
  ///
  /// - Parameters:
  ///   - stride: from one window to the next; `size` when nil.
  ///   - padding: zeros on all sides, which count in the mean.
  public func meanPooled(size: Int, stride: Int? = nil, padding: Int = 0) throws(TorchError) -> Tensor {
    try (rank == 3 ? Op.meanPool1d : Op.meanPool2d)(
      .tensor(self), each(size), each(stride ?? size), each(padding))
  }

  /// The largest of each window of `size` by `size` places; what is left at the edges is dropped.
  ///
  /// - Parameters:
  ///   - stride: from one window to the next; `size` when nil.
  ///   - padding: places on all sides that are smaller than any number.
  public func maximumPooled(size: Int, stride: Int? = nil, padding: Int = 0) throws(TorchError) -> Tensor {
    try (rank == 3 ? Op.maximumPool1d : Op.maximumPool2d)(
      .tensor(self), each(size), each(stride ?? size), each(padding))
  }

  /// Means over windows that divide the last dimensions into so many places: `[height, width]` or `[l]`.
  public func meanPooled(to sizes: [Int]) throws(TorchError) -> Tensor {
    try (sizes.count == 1 ? Op.adaptiveMean1d : Op.adaptiveMean2d)(.tensor(self), .ints(sizes))
  }

  /// One number for each dimension over which a window moves.
  private func each(_ number: Int) -> Value { .ints(Array(repeating: number, count: rank == 3 ? 1 : 2)) }

  private enum Op {
    static let conv1d = Operator("conv1d")
    static let conv2d = Operator("conv2d")
    static let meanPool1d = Operator("avg_pool1d")
    static let meanPool2d = Operator("avg_pool2d")
    static let maximumPool1d = Operator("max_pool1d")
    static let maximumPool2d = Operator("max_pool2d")
    static let adaptiveMean1d = Operator("adaptive_avg_pool1d")
    static let adaptiveMean2d = Operator("adaptive_avg_pool2d")
  }
}
