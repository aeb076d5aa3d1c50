// Sums, means, extremes and norms: over everything, or along dimensions.

extension Tensor {
  /// Sum of all elements, a scalar.
  public func sum() throws(TorchError) -> Tensor { try Op.sum(.tensor(self), .none) }
  /// Sum along dimensions.
  public func sum(along dimensions: Int..., keepingDimension: Bool = false) throws(TorchError)
    -> Tensor
  { try Op.sumAlong(.tensor(self), .ints(dimensions), .bool(keepingDimension), .none) }

  /// Mean of all elements, a scalar.
  public func mean() throws(TorchError) -> Tensor { try Op.mean(.tensor(self), .none) }
  /// Mean along dimensions.
  public func mean(along dimensions: Int..., keepingDimension: Bool = false) throws(TorchError)
    -> Tensor
  { try Op.meanAlong(.tensor(self), .ints(dimensions), .bool(keepingDimension), .none) }

  /// Variance along a dimension, divided by the count minus `correction`.
  public func variance(
    along dimension: Int, correction: Double = 1, keepingDimension: Bool = false
  ) throws(TorchError) -> Tensor {
    try Op.variance(
      .tensor(self), .ints([dimension]), .double(correction), .bool(keepingDimension))
  }

  /// Running sum along a dimension.
  public func cumulativeSum(along dimension: Int) throws(TorchError) -> Tensor {
    try Op.cumsum(.tensor(self), .int(dimension), .none)
  }
  /// Running minimum along a dimension.
  public func cumulativeMinimum(along dimension: Int) throws(TorchError) -> Tensor {
    try Op.cummin.all(.tensor(self), .int(dimension))[0]
  }

  /// The largest element, a scalar.
  public func max() throws(TorchError) -> Tensor { try Op.max(.tensor(self)) }
  /// The smallest element, a scalar.
  public func min() throws(TorchError) -> Tensor { try Op.min(.tensor(self)) }
  /// The largest elements along dimensions; gradients are shared among equals.
  public func max(along dimensions: Int..., keepingDimension: Bool = false) throws(TorchError)
    -> Tensor
  { try Op.amax(.tensor(self), .ints(dimensions), .bool(keepingDimension)) }
  /// The smallest elements along dimensions; gradients are shared among equals.
  public func min(along dimensions: Int..., keepingDimension: Bool = false) throws(TorchError)
    -> Tensor
  { try Op.amin(.tensor(self), .ints(dimensions), .bool(keepingDimension)) }

  /// The largest elements along one dimension and where they are; the gradient goes to that one.
  public func maximum(along dimension: Int, keepingDimension: Bool = false) throws(TorchError)
    -> (values: Tensor, indices: Tensor)
  {
    let found = try Op.maxAlong.all(.tensor(self), .int(dimension), .bool(keepingDimension))
    return (found[0], found[1])
  }
  /// The smallest elements along one dimension and where they are; the gradient goes to that one.
  public func minimum(along dimension: Int, keepingDimension: Bool = false) throws(TorchError)
    -> (values: Tensor, indices: Tensor)
  {
    let found = try Op.minAlong.all(.tensor(self), .int(dimension), .bool(keepingDimension))
    return (found[0], found[1])
  }
  /// Where the largest element along a dimension is; the first of equals is not promised.
  public func argmax(along dimension: Int, keepingDimension: Bool = false) throws(TorchError)
    -> Tensor
  { try Op.argmax(.tensor(self), .int(dimension), .bool(keepingDimension)) }
  /// Where the smallest element along a dimension is.
  public func argmin(along dimension: Int, keepingDimension: Bool = false) throws(TorchError)
    -> Tensor
  { try Op.argmin(.tensor(self), .int(dimension), .bool(keepingDimension)) }

  /// log Σ exp(x) along dimensions.
  public func logSumExp(along dimensions: Int..., keepingDimension: Bool = false)
    throws(TorchError) -> Tensor
  { try Op.logsumexp(.tensor(self), .ints(dimensions), .bool(keepingDimension)) }

  /// Euclidean norm of all elements, a scalar.
  public func norm() throws(TorchError) -> Tensor { try Op.norm(.tensor(self)) }
  /// Norm of order `p` along a dimension.
  public func norm(
    along dimension: Int, order p: Double = 2, keepingDimension: Bool = false
  ) throws(TorchError) -> Tensor {
    try Op.norm(.tensor(self), .double(p), .ints([dimension]), .bool(keepingDimension))
  }

  /// Divided by its Euclidean norm along a dimension, or by `epsilon` where the norm is smaller.
  public func normalized(along dimension: Int, epsilon: Double = 1e-12) throws(TorchError)
    -> Tensor
  { try self / norm(along: dimension, keepingDimension: true).clamped(from: epsilon) }

  /// How often each of `0 ..< length` occurs in an int64 vector.
  public func counts(length: Int) throws(TorchError) -> Tensor {
    try Op.bincount(.tensor(self), .none, .int(length))
  }

  private enum Op {
    static let sum = Operator("sum")
    static let sumAlong = Operator("sum.dim_IntList")
    static let mean = Operator("mean")
    static let meanAlong = Operator("mean.dim")
    static let variance = Operator("var.correction")
    static let cumsum = Operator("cumsum")
    static let cummin = Operator("cummin")
    static let max = Operator("max")
    static let min = Operator("min")
    static let amax = Operator("amax")
    static let amin = Operator("amin")
    static let maxAlong = Operator("max.dim")
    static let minAlong = Operator("min.dim")
    static let argmax = Operator("argmax")
    static let argmin = Operator("argmin")
    static let logsumexp = Operator("logsumexp")
    static let norm = Operator("linalg_vector_norm")
    static let bincount = Operator("bincount")
  }
}
