import Torch

/// A network on each vector of a set or a sequence, and one vector of what comes out.
///
/// Padding has no influence. Parameters are named as those of the network, and `gpool.*` of the pooling.
public final class FragmentEncoder: FragmentNetwork {
  @Named var network: any VectorEncoder
  @Named var pool: FragmentPool

  public var size: Int { network.size }
  public var conceptSize: Int { size }

  /// - Parameters:
  ///   - network: of vectors `[n, d]`.
  ///   - pooling: of what it gives.
  public init(_ network: any VectorEncoder, pooling: FragmentPooling, using generator: Generator) throws {
    _network = Named(wrappedValue: network, "")
    _pool = Named(wrappedValue: try FragmentPool(pooling, using: generator), "")
  }

  public func vectors(of items: Items, _ pass: Pass) throws -> Tensor {
    try fragments(of: items, pass).vectors
  }

  /// Vectors through the network, which do not know of each other.
  public func fragments(of items: Items, _ pass: Pass) throws -> FragmentedItems {
    switch items {
    case .sets(let rows, let lengths), .sequences(let rows, let lengths):
      let mapped = PaddedRows(
        try network(rows.flattened(to: 1)).reshaped(rows.size(along: 0), rows.size(along: 1), size),
        lengths: lengths)
      return FragmentedItems(
        vectors: try pool(mapped.values, lengths: lengths), states: mapped, concepts: mapped)
    default: throw unsuitable(items, expected: "a set or a sequence of vectors")
    }
  }

  public func reset(using generator: Generator) throws {
    try network.reset(using: generator)
    try pool.reset(using: generator)
  }
}
