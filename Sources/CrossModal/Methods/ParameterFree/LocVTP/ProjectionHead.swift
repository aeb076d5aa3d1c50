import Torch

/// The map of LocVTP from what an encoder gives into the common space (Cao et al., ECCV 2022, released program): a
/// linear map p, and LayerNorm(p + W GELU(p) + b) of it with dropout before the sum.
///
/// Named as in the release: `projection`, `fc`, `layer_norm`. A plain head is the linear map alone.
final class ProjectionHead: Module {
  let projection: Linear
  let fc: Linear?
  @Named private var norm: LayerNorm?
  private let dropout: Double

  init(
    from inputs: Int, to size: Int, isPlain: Bool = false, dropout: Double = 0, using generator: Generator
  ) throws(TorchError) {
    self.dropout = dropout
    projection = try Linear(from: inputs, to: size, using: generator)
    fc = isPlain ? nil : try Linear(from: size, to: size, using: generator)
    _norm = Named(wrappedValue: isPlain ? nil : try LayerNorm(size), "layer_norm")
  }

  /// - Parameter x: `[…, inputs]`.
  /// - Returns: `[…, size]`, not divided by its norm.
  func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor {
    let projected = try projection(x)
    guard let fc, let norm else { return projected }
    return try norm(projected + fc(projected.gelu()).dropped(dropout, pass))
  }
}
