// The same elements in another shape or order.

extension Tensor {
  /// The same elements in row-major order in another shape; one size may be -1.
  public func reshaped(_ shape: Int...) throws(TorchError) -> Tensor { try reshaped(to: shape) }
  /// The same elements in row-major order in another shape; one size may be -1.
  public func reshaped(to shape: [Int]) throws(TorchError) -> Tensor {
    try Op.reshape(.tensor(self), .ints(shape))
  }
  /// All dimensions from `first` to `last` as one.
  public func flattened(from first: Int = 0, to last: Int = -1) throws(TorchError) -> Tensor {
    try Op.flatten(.tensor(self), .int(first), .int(last))
  }
  /// A matrix with rows and columns exchanged.
  public func transposed() throws(TorchError) -> Tensor { try Op.t(.tensor(self)) }
  /// Two dimensions exchanged.
  public func transposed(_ a: Int, _ b: Int) throws(TorchError) -> Tensor {
    try Op.transpose(.tensor(self), .int(a), .int(b))
  }
  /// Dimensions in another order.
  public func permuted(_ order: Int...) throws(TorchError) -> Tensor { try permuted(to: order) }
  /// Dimensions in another order.
  public func permuted(to order: [Int]) throws(TorchError) -> Tensor {
    try Op.permute(.tensor(self), .ints(order))
  }
  /// A new dimension of size 1.
  public func unsqueezed(at dimension: Int) throws(TorchError) -> Tensor {
    try Op.unsqueeze(.tensor(self), .int(dimension))
  }
  /// Without a dimension of size 1.
  public func squeezed(at dimension: Int) throws(TorchError) -> Tensor {
    try Op.squeeze(.tensor(self), .int(dimension))
  }
  /// Dimensions of size 1 repeated without a copy; -1 keeps a size.
  public func expanded(to shape: [Int]) throws(TorchError) -> Tensor {
    try Op.expand(.tensor(self), .ints(shape))
  }
  /// The whole repeated along each dimension.
  public func tiled(_ times: Int...) throws(TorchError) -> Tensor {
    try Op.tile(.tensor(self), .ints(times))
  }
  /// Each element along a dimension repeated in place.
  public func repeated(_ times: Int, along dimension: Int) throws(TorchError) -> Tensor {
    try Op.repeatInterleave(.tensor(self), .int(times), .int(dimension))
  }
  /// Elements along dimensions in reverse.
  public func reversed(along dimensions: Int...) throws(TorchError) -> Tensor {
    try Op.flip(.tensor(self), .ints(dimensions))
  }
  /// Tensors end to end along a dimension.
  public static func concatenated(_ tensors: [Tensor], along dimension: Int = 0)
    throws(TorchError) -> Tensor
  { try Op.cat(.tensors(tensors), .int(dimension)) }
  /// Tensors of one shape along a new dimension.
  public static func stacked(_ tensors: [Tensor], along dimension: Int = 0) throws(TorchError)
    -> Tensor
  { try Op.stack(.tensors(tensors), .int(dimension)) }
  /// Pieces of `size` along a dimension; the last may be smaller.
  public func split(by size: Int, along dimension: Int = 0) throws(TorchError) -> [Tensor] {
    try Op.split.all(.tensor(self), .int(size), .int(dimension))
  }
  /// Pieces of the given sizes along a dimension, which add up to its size.
  public func split(into sizes: [Int], along dimension: Int = 0) throws(TorchError) -> [Tensor] {
    try Op.splitWithSizes.all(.tensor(self), .ints(sizes), .int(dimension))
  }
  /// `padding` gives the elements to add before and after, last dimension first.
  public func padded(_ padding: [Int], with number: Double = 0) throws(TorchError) -> Tensor {
    try Op.pad(.tensor(self), .ints(padding), .double(number))
  }
  /// Elements on and below the diagonal of a matrix, zero above.
  public func lowerTriangle(diagonal: Int = 0) throws(TorchError) -> Tensor {
    try Op.tril(.tensor(self), .int(diagonal))
  }
  /// The diagonal of a matrix; of a batch `[…, n, n]` the diagonals `[…, n]`.
  public func diagonal() throws(TorchError) -> Tensor {
    try Op.diagonal(.tensor(self), .int(0), .int(-2), .int(-1))
  }
  /// A matrix with this vector on its diagonal.
  public func asDiagonal() throws(TorchError) -> Tensor { try Op.diagEmbed(.tensor(self)) }

  private enum Op {
    static let reshape = Operator("reshape")
    static let flatten = Operator("flatten.using_ints")
    static let t = Operator("t")
    static let transpose = Operator("transpose.int")
    static let permute = Operator("permute")
    static let unsqueeze = Operator("unsqueeze")
    static let squeeze = Operator("squeeze.dim")
    static let expand = Operator("expand")
    static let tile = Operator("tile")
    static let repeatInterleave = Operator("repeat_interleave.self_int")
    static let flip = Operator("flip")
    static let cat = Operator("cat")
    static let stack = Operator("stack")
    static let split = Operator("split.Tensor")
    static let splitWithSizes = Operator("split_with_sizes")
    static let pad = Operator("constant_pad_nd")
    static let tril = Operator("tril")
    static let diagonal = Operator("diagonal")
    static let diagEmbed = Operator("diag_embed")
  }
}
