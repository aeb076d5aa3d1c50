import Torch

/// A network that makes one vector of each row of numbers, or of each picture of one size.
public protocol VectorEncoder: ItemEncoder {
  /// Vectors `[n, size]` of items: `[n, d]`, or pictures `[n, channels, height, width]`.
  func callAsFunction(_ items: Tensor) throws -> Tensor
}

extension VectorEncoder {
  public func vectors(of items: Items, _ pass: Pass) throws -> Tensor {
    switch items {
    case .vectors(let rows): try self(rows)
    case .images(let pictures): try self(pictures.permuted(0, 3, 1, 2).contiguous())
    default: throw unsuitable(items, expected: "a vector or a picture of one size")
    }
  }
}
