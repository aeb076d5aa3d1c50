// Parts of a tensor, by position, range, list of positions, or mask.

extension Tensor {
  /// One slice of the first dimension.
  public subscript(_ index: Int) -> Tensor {
    get throws(TorchError) { try Op.select(.tensor(self), .int(0), .int(index)) }
  }
  /// A range of the first dimension, without a copy.
  public subscript(_ range: Range<Int>) -> Tensor {
    get throws(TorchError) { try narrowed(to: range, along: 0) }
  }
  /// One slice of a dimension, which goes away.
  public func selected(_ index: Int, along dimension: Int) throws(TorchError) -> Tensor {
    try Op.select(.tensor(self), .int(dimension), .int(index))
  }
  /// A range of a dimension, without a copy.
  public func narrowed(to range: Range<Int>, along dimension: Int) throws(TorchError) -> Tensor {
    try Op.narrow(.tensor(self), .int(dimension), .int(range.lowerBound), .int(range.count))
  }
  /// The slices at `indices` (int64 vector) of a dimension, in that order.
  public func rows(at indices: Tensor, along dimension: Int = 0) throws(TorchError) -> Tensor {
    try Op.indexSelect(.tensor(self), .int(dimension), .tensor(indices))
  }
  /// The slices at `indices` of a dimension, in that order.
  public func rows(at indices: [Int], along dimension: Int = 0) throws(TorchError) -> Tensor {
    try rows(at: Tensor(indices).to(device), along: dimension)
  }
  /// For each place of `indices` (int64) the element of this tensor with that index along a dimension.
  public func gathered(_ indices: Tensor, along dimension: Int) throws(TorchError) -> Tensor {
    try Op.gather(.tensor(self), .int(dimension), .tensor(indices))
  }
  /// Elements where `mask` is true, as a vector in row-major order.
  public func elements(where mask: Tensor) throws(TorchError) -> Tensor {
    try Op.maskedSelect(.tensor(self), .tensor(mask))
  }
  /// Indices of the elements that are true or not zero, `[found, rank]`.
  public func nonZero() throws(TorchError) -> Tensor { try Op.nonzero(.tensor(self)) }
  /// Elements at positions given for each dimension (int64 tensors that broadcast).
  public func elements(at indices: Tensor?...) throws(TorchError) -> Tensor {
    try Op.index(.tensor(self), .tensors(indices))
  }
  /// A copy with the slices at `indices` of a dimension replaced by those of `source`.
  public func replacing(_ indices: Tensor, along dimension: Int = 0, with source: Tensor)
    throws(TorchError) -> Tensor
  { try Op.indexCopy(.tensor(self), .int(dimension), .tensor(indices), .tensor(source)) }
  /// A copy with the slices of `source` added at `indices` of a dimension; equal indices add up.
  public func adding(_ source: Tensor, at indices: Tensor, along dimension: Int = 0)
    throws(TorchError) -> Tensor
  { try Op.indexAdd(.tensor(self), .int(dimension), .tensor(indices), .tensor(source)) }
  /// A copy with `source` written where `indices` (of the same shape) say along a dimension.
  public func scattering(_ source: Tensor, at indices: Tensor, along dimension: Int)
    throws(TorchError) -> Tensor
  { try Op.scatter(.tensor(self), .int(dimension), .tensor(indices), .tensor(source)) }
  /// One-hot rows of an int64 tensor: a last dimension of `classes`.
  public func oneHot(classes: Int) throws(TorchError) -> Tensor {
    try Op.oneHot(.tensor(self), .int(classes))
  }

  private enum Op {
    static let select = Operator("select.int")
    static let narrow = Operator("narrow")
    static let indexSelect = Operator("index_select")
    static let gather = Operator("gather")
    static let maskedSelect = Operator("masked_select")
    static let nonzero = Operator("nonzero")
    static let index = Operator("index.Tensor")
    static let indexCopy = Operator("index_copy")
    static let indexAdd = Operator("index_add")
    static let scatter = Operator("scatter.src")
    static let oneHot = Operator("one_hot")
  }
}
