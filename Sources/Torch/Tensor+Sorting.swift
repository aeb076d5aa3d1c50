extension Tensor {
  /// Elements in order along a dimension, and where each was. Equal elements keep their order.
  public func sorted(along dimension: Int = -1, descending: Bool = false) throws(TorchError)
    -> (values: Tensor, indices: Tensor)
  {
    let found = try Op.sort.all(
      .tensor(self), .bool(true), .int(dimension), .bool(descending))
    return (found[0], found[1])
  }

  /// Positions that put a dimension in order. Equal elements keep their order.
  public func argsorted(along dimension: Int = -1, descending: Bool = false) throws(TorchError)
    -> Tensor
  { try sorted(along: dimension, descending: descending).indices }

  /// The `count` largest (or smallest) elements along a dimension, in order, and where they are.
  public func top(_ count: Int, along dimension: Int = -1, largest: Bool = true)
    throws(TorchError) -> (values: Tensor, indices: Tensor)
  {
    let found = try Op.topk.all(
      .tensor(self), .int(count), .int(dimension), .bool(largest), .bool(true))
    return (found[0], found[1])
  }

  /// For each element of `numbers` how many elements of this ascending tensor (along its last dimension) are
  /// smaller, or with `countingEqual` smaller or equal: int64 of the shape of `numbers`.
  ///
  /// All dimensions but the last agree. No gradient.
  public func positions(of numbers: Tensor, countingEqual: Bool = false) throws(TorchError) -> Tensor {
    try Op.searchsorted(
      .tensor(self), .tensor(numbers), .bool(false), .bool(countingEqual))
  }

  /// The `k`-th smallest element of a vector, counted from 1, a scalar. O(n).
  public func smallest(_ k: Int) throws(TorchError) -> Tensor {
    try Op.kthvalue(.tensor(self), .int(k), .int(0), .bool(false))
  }

  /// The different elements in ascending order, for each element which of them it is, and how often each occurs.
  public func unique() throws(TorchError) -> (values: Tensor, inverse: Tensor, counts: Tensor) {
    let found = try Op.unique.all(.tensor(self), .bool(true), .bool(true), .bool(true))
    return (found[0], found[1], found[2])
  }

  /// The `q`-th quantiles (0...1) of all elements, interpolated linearly.
  public func quantiles(_ q: [Double]) throws(TorchError) -> Tensor {
    try Op.quantile(.tensor(self), .tensor(try Tensor(q).to(dtype)))
  }

  private enum Op {
    static let sort = Operator("sort.stable")
    static let kthvalue = Operator("kthvalue")
    static let topk = Operator("topk")
    static let searchsorted = Operator("searchsorted.Tensor")
    static let unique = Operator("_unique2")
    static let quantile = Operator("quantile")
  }
}
