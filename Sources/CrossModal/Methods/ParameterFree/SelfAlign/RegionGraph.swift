import Torch

/// Reasoning over the graph of a picture's regions (Li, Zhang, Li, Li & Fu, "Visual Semantic Reasoning for Image-Text
/// Matching", ICCV 2019, section 3.2): every region takes in the others by how they relate.
///
/// v* = v + W(A·g(v)) with A = θ(v)ᵀφ(v) / regions. Names as in the authors' program (`g`, `theta`, `phi`, `W.0`, `W.1`),
/// whose convolutions of one place are the linear maps here. Begins as the identity.
final class RegionGraph: Module {
  let theta: Conv1d
  let phi: Conv1d
  let g: Conv1d
  @Named private var back: Back

  /// W: a map and a batch normalization that begins with 0.
  private final class Back: Module {
    @Named private(set) var map: Conv1d
    @Named private(set) var norm: BatchNorm

    init(_ size: Int, using generator: Generator) throws {
      _map = Named(wrappedValue: try Conv1d(from: size, to: size, kernel: 1, using: generator), "0")
      _norm = Named(wrappedValue: try BatchNorm(size), "1")
      for entry in norm.parameters { entry.tensor = try entry.tensor.detached().zerosLike() }
    }
  }

  init(_ size: Int, using generator: Generator) throws {
    g = try Conv1d(from: size, to: size, kernel: 1, using: generator)
    theta = try Conv1d(from: size, to: size, kernel: 1, using: generator)
    phi = try Conv1d(from: size, to: size, kernel: 1, using: generator)
    _back = Named(wrappedValue: try Back(size, using: generator), "W")
  }

  /// - Parameter regions: `[n, r, size]`, zero behind the lengths.
  func callAsFunction(_ regions: PaddedRows, _ pass: Pass) throws(TorchError) -> PaddedRows {
    let rows = try regions.packed()
    let relations = try regions.with(packed: theta.mapping(rows)).values
      .matmul(regions.with(packed: phi.mapping(rows)).values.transposed(1, 2))
    let counts = try Tensor(regions.lengths).to(rows.device).to(rows.dtype).clamped(from: 1)
    let taken = try (relations / counts.reshaped(-1, 1, 1))
      .matmul(regions.with(packed: g.mapping(rows)).values)
    return try regions.with(packed: rows + back.norm(back.map.mapping(regions.with(taken).packed()), pass))
  }
}

extension Conv1d {
  /// What a convolution of one place gives for places `[n, inputs]`: a linear map.
  fileprivate func mapping(_ rows: Tensor) throws(TorchError) -> Tensor {
    let weights = try weight.squeezed(at: 2).transposed()
    guard let bias else { return try rows.matmul(weights) }
    return try bias.addingProduct(rows, weights)
  }
}
