import Torch

/// What ends a branch of the structure-preserving network: unit vectors `[n, size]` of rows `[n, d]`.
public protocol BranchMap: ItemEncoder {
  /// - Parameter x: `[n, d]`.
  /// - Returns: unit vectors; a row of zeros stays a row of zeros where the map has no constant part.
  func callAsFunction(_ x: Tensor, _ pass: Pass) throws -> Tensor
}

extension BranchMap {
  public func vectors(of items: Items, _ pass: Pass) throws -> Tensor {
    guard case .vectors(let rows) = items else { throw unsuitable(items, expected: "a vector") }
    return try self(rows, pass)
  }
}

/// One linear map to unit vectors, to start from canonical correlation analysis: y = x Wᵀ + b.
public final class ProjectionBranch: BranchMap {
  /// `[size, inputs]`.
  @Parameter public var weight: Tensor
  /// `[size]`.
  @Parameter public var bias: Tensor
  /// What the weight started from.
  @Buffer public private(set) var start: Tensor

  public var size: Int { bias.size(along: 0) }

  public init(from inputs: Int, to size: Int, using generator: Generator) throws {
    weight = try uniformWeights([size, inputs], inputs: inputs, using: generator)
    bias = try Tensor.zeros([size])
    start = try Tensor.zeros([size, inputs])
  }

  public func callAsFunction(_ x: Tensor, _ pass: Pass) throws -> Tensor {
    try bias.addingProduct(x, weight.transposed()).normalized(along: 1)
  }

  /// Takes the directions of an analysis.
  ///
  /// - Parameters:
  ///   - directions: `[inputs, size]`.
  ///   - mean: what is taken from rows first, `[inputs]`.
  ///   - scale: what each direction's score is multiplied by, `[size]`.
  func begin(at directions: Tensor, mean: Tensor, scale: Tensor) throws(TorchError) {
    let map = try (directions * scale).transposed()
    let shift = try -mean.unsqueezed(at: 0).matmul(map.transposed()).squeezed(at: 0)
    start = try map.contiguous().to(start.dtype).to(start.device)
    weight = try start.copied()
    bias = try shift.to(bias.dtype).to(bias.device)
  }

  public func reset(using generator: Generator) throws {
    weight = try uniformWeights(like: weight, inputs: weight.size(along: 1), using: generator)
  }
}
