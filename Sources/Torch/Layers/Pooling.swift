/// Windows of a sequence or a picture made one place, as a layer: see ``Tensor/maximumPooled(size:stride:padding:)``
/// and its neighbors.
public final class Pooling: Layer {
  /// What becomes of the places.
  public enum Kind: Sendable, Equatable {
    case maximum(size: Int, stride: Int? = nil, padding: Int = 0)
    case mean(size: Int, stride: Int? = nil, padding: Int = 0)
    /// The mean over windows that leave so many places: `[height, width]` or `[l]`.
    case meanTo([Int])
  }

  public let kind: Kind

  public init(_ kind: Kind) { self.kind = kind }

  public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
    switch kind {
    case .maximum(let size, let stride, let padding):
      try x.maximumPooled(size: size, stride: stride, padding: padding)
    case .mean(let size, let stride, let padding):
      try x.meanPooled(size: size, stride: stride, padding: padding)
    case .meanTo(let sizes): try x.meanPooled(to: sizes)
    }
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor { try self(x) }
}

/// All dimensions after the first as one, as a layer.
public final class Flatten: Layer {
  public init() {}

  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    try x.flattened(from: 1)
  }
}
