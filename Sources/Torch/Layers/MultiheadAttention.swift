/// Attention with several heads (Vaswani et al., NeurIPS 2017, section 3.2.2). Names and first weights as
/// PyTorch's `MultiheadAttention` with batches first.
public final class MultiheadAttention: Module {
  private let inputWeight: Parameter
  private let inputBias: Parameter?
  @Named public private(set) var output: Linear
  public let heads: Int
  /// With which attention is dropped in training.
  public let dropout: Double

  /// The three maps of queries, keys and values one below the other, `[3 · size, size]`.
  public var weight: Tensor { inputWeight.wrappedValue }
  /// `[3 · size]`; nil for a layer without one.
  public var bias: Tensor? { inputBias?.wrappedValue }

  /// - Parameters:
  ///   - size: of queries, keys, values and output; a multiple of `heads`.
  ///   - dropout: with which attention is dropped in training.
  public init(
    size: Int, heads: Int, dropout: Double = 0, bias: Bool = true, _ dtype: DataType = .float32,
    using generator: Generator
  ) throws(TorchError) {
    guard heads >= 1, size.isMultiple(of: heads) else {
      throw TorchError(operation: "attention", message: "\(heads) heads do not divide \(size) evenly")
    }
    self.heads = heads
    self.dropout = dropout
    // PyTorch draws the output map first and then puts zeros in place of its bias.
    let output = try Linear(from: size, to: size, bias: bias, dtype, using: generator)
    if bias { try output.setBiasToZero() }
    _output = Named(wrappedValue: output, "out_proj")
    let first = try Initializer.xavierUniform()([3 * size, size], dtype, using: generator)
    inputWeight = Parameter(wrappedValue: first, "in_proj_weight")
    inputBias =
      bias ? Parameter(wrappedValue: try Tensor.zeros([3 * size], dtype), "in_proj_bias") : nil
  }

  /// Attends from queries to keys.
  ///
  /// - Parameters:
  ///   - queries: `[n, l, size]`.
  ///   - keys: `[n, m, size]`.
  ///   - values: `[n, m, size]`; the keys when nil.
  ///   - padding: true where a key is padding, `[n, m]`.
  ///   - mask: true where a query may not see a key, or numbers to add to the scores; `[l, m]`.
  ///   - pass: needed where there is dropout.
  /// - Returns: `[n, l, size]`, and the attention averaged over the heads, `[n, l, m]`. A query that may see
  ///   no key gets attention 0 everywhere.
  public func callAsFunction(
    _ queries: Tensor, _ keys: Tensor, values: Tensor? = nil, padding: Tensor? = nil, mask: Tensor? = nil,
    _ pass: Pass? = nil
  ) throws(TorchError) -> (output: Tensor, attention: Tensor) {
    if pass == nil, dropout > 0 {
      throw TorchError(operation: "attention", message: "has dropout and was given no pass")
    }
    let size = weight.size(along: 1)
    let maps = try weight.split(by: size)
    let biases = try bias?.split(by: size)
    let q = try separated(queries, maps[0], biases?[0])
    let k = try separated(keys, maps[1], biases?[1])
    let v = try separated(values ?? keys, maps[2], biases?[2])
    // Scaled before the product, as PyTorch does where it gives the attention too.
    let scale = (1 / Double(size / heads)).squareRoot()
    var scores = try (q * scale).matmul(k.transposed(-2, -1))
    var hidden: Tensor?
    if let padding { hidden = try padding.unsqueezed(at: 1).unsqueezed(at: 1) }
    if let mask {
      if mask.dtype == .bool {
        hidden = try hidden?.or(mask) ?? mask
      } else {
        scores = try scores + mask
      }
    }
    if let hidden { scores = try scores.masked(with: hidden, fill: -.infinity) }
    var attention = try scores.softmax(along: -1)
    if let hidden { attention = try attention.masked(with: hidden, fill: 0) }
    let kept = try attention.dropped(dropout, pass ?? .evaluation)
    let shape = queries.shape
    let joined = try kept.matmul(v).transposed(1, 2).reshaped(to: [shape[0], shape[1], size])
    return (try output(joined), try attention.mean(along: 1))
  }

  /// `[n, l, size]` mapped and cut into heads: `[n, heads, l, size / heads]`.
  private func separated(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) throws(TorchError) -> Tensor {
    let shape = x.shape
    guard shape.count == 3, shape[2] == weight.size(along: 1) else {
      throw TorchError(
        operation: "attention", shapes: [shape], message: "expected [n, l, \(weight.size(along: 1))]")
    }
    return try linear(x, weight, bias).reshaped(to: [shape[0], shape[1], heads, shape[2] / heads])
      .transposed(1, 2)
  }
}
