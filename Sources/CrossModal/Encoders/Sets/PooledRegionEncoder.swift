import Torch

/// A linear map of every region of a picture, with a small network beside it, and one vector of what comes out: the
/// image encoder of VSE-infinity (Chen et al., CVPR 2021) on regions. Named as there: `fc`, `mlp.layers.*`,
/// `mlp.bns.*`, `gpool.*`.
///
/// Padding has no influence, also on the statistics of the network beside the map, where the authors' program counts
/// it in.
public final class PooledRegionEncoder: FragmentNetwork {
  let fc: LinearEncoder
  @Named var mlp: NormalizedPerceptron?
  @Named var pool: FragmentPool

  public var size: Int { fc.size }
  public var conceptSize: Int { size }
  public var blockSize: Int { 128 }

  /// - Parameter hasPerceptron: whether the small network stands beside the map.
  public init(
    from inputs: Int, to size: Int, pooling: FragmentPooling, hasPerceptron: Bool, using generator: Generator
  ) throws {
    fc = try LinearEncoder(from: inputs, to: size, using: generator)
    try fc.linear.drawXavier(using: generator)
    _mlp = Named(
      wrappedValue: hasPerceptron ? try NormalizedPerceptron(from: inputs, to: size, using: generator) : nil,
      "mlp")
    _pool = Named(wrappedValue: try FragmentPool(pooling, using: generator), "")
  }

  public func vectors(of items: Items, _ pass: Pass) throws -> Tensor {
    try fragments(of: items, pass).vectors
  }

  /// Regions through the map, which do not know of each other.
  public func fragments(of items: Items, _ pass: Pass) throws -> FragmentedItems {
    guard let given = items.tensor, given.rank == 3, let lengths = items.lengths, items.kind != .tokens else {
      throw unsuitable(items, expected: "a set or a sequence of vectors")
    }
    if let empty = lengths.firstIndex(of: 0) {
      throw ConfigurationError.badValue(
        key: "row \(empty)", value: "a set of no vectors", expected: "one of 1 or more")
    }
    let values = PaddedRows(try given.to(fc.weight.dtype).to(fc.weight.device), lengths: lengths)
    // Only what counts goes through the networks.
    let regions = try values.packed()
    var mapped = try fc(regions)
    if let mlp { mapped = try mapped + mlp(regions, pass) }
    let spread = try values.with(packed: mapped)
    return FragmentedItems(
      vectors: try pool(spread.values, lengths: lengths), states: spread, concepts: spread)
  }

  public func reset(using generator: Generator) throws {
    try fc.linear.drawXavier(using: generator)
    try mlp?.reset(using: generator)
    try pool.reset(using: generator)
  }
}

/// Linear, normalized over the batch, rectified, linear. The second normalization of the authors' program is part of
/// their checkpoints and never used.
final class NormalizedPerceptron: Module {
  let layers: [Linear]
  let bns: [BatchNorm]

  init(from inputs: Int, to size: Int, using generator: Generator) throws {
    let hidden = max(1, size / 2)
    layers = [
      try Linear(from: inputs, to: hidden, using: generator),
      try Linear(from: hidden, to: size, using: generator),
    ]
    bns = [try BatchNorm(hidden), try BatchNorm(size)]
  }

  func callAsFunction(_ x: Tensor, _ pass: Pass) throws -> Tensor {
    // One row has no deviation.
    let pass = x.size(along: 0) > 1 ? pass : .evaluation
    return try layers[1](bns[0](layers[0](x), pass).relu())
  }

  func reset(using generator: Generator) throws {
    try take(
      stateOf: NormalizedPerceptron(
        from: layers[0].weight.size(along: 1), to: layers[1].weight.size(along: 0), using: generator))
  }
}
