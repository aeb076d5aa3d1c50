/// A row of a table for each number. Names and first weights (standard normal) as PyTorch's `Embedding`.
public final class Embedding: Layer {
  /// `[count, size]`.
  @Parameter public var weight: Tensor
  /// The number that stands for padding: its row starts at zero and gets no gradient.
  public let padding: Int?

  public init(
    count: Int, size: Int, padding: Int? = nil, _ dtype: DataType = .float32, using generator: Generator
  ) throws(TorchError) {
    guard padding.map({ (0..<count).contains($0) }) ?? true else {
      throw TorchError(operation: "embedding", message: "padding \(padding ?? 0) is no row of \(count)")
    }
    let table = try Initializer.normal()([count, size], dtype, using: generator)
    self.padding = padding
    weight =
      try padding.map { row throws(TorchError) in
        try table.replacing(Tensor([row]), with: Tensor.zeros([1, size], dtype))
      } ?? table
  }

  /// - Parameter numbers: int64 of any shape, each in `0..<count`.
  /// - Returns: that shape with `size` behind.
  public func callAsFunction(_ numbers: Tensor) throws(TorchError) -> Tensor {
    try Op.embedding(.tensor(weight), .tensor(numbers), .int(padding ?? -1))
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor { try self(x) }

  private enum Op {
    static let embedding = Operator("embedding")
  }
}
