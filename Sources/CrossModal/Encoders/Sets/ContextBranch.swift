import Torch

/// What stands beside the vector of an item to be aligned with the parts of its partner: the context branch of SelfAlign
/// (Zhuang et al., IEEE TMM 2023), with its parameter names (`ctx_fc`, `ctx_fc_bn1`, `ctx_fc_bn2`, `fusion_fn`).
///
/// Of the states of an item's fragments the mean ḡ goes through a linear map and a batch normalization to a, the states
/// themselves through one of their own to the parts; a gate s = sigmoid(fusion_fn([ḡ; a])) mixes s·ḡ + (1 − s)·a. All
/// three come out with norm 1.
public final class ContextBranch: Module {
  @Named private var map: Linear
  @Named private var mapNorm: BatchNorm
  @Named private var partNorm: BatchNorm
  @Named private var gate: [String: Linear]
  private let rectifies: Bool

  /// What it gives of items.
  public struct Output: Sendable {
    /// a, what is compared with the parts of partners, `[n, d]`.
    public let attended: Tensor
    /// The mixture of ḡ and a, `[n, d]`.
    public let fused: Tensor
    /// `[n, l, d]`, zero behind the lengths.
    public let parts: PaddedRows
  }

  /// - Parameter rectifies: whether what comes out of the normalizations and is below 0 becomes 0.
  public init(_ size: Int, rectifies: Bool = true, using generator: Generator) throws(TorchError) {
    _map = Named(wrappedValue: try Linear(from: size, to: size, using: generator), "ctx_fc")
    _mapNorm = Named(wrappedValue: try BatchNorm(size), "ctx_fc_bn1")
    _partNorm = Named(wrappedValue: try BatchNorm(size), "ctx_fc_bn2")
    _gate = Named(
      wrappedValue: [
        "0": try Linear(from: 2 * size, to: size, using: generator),
        "2": try Linear(from: size, to: 1, using: generator),
      ], "fusion_fn")
    self.rectifies = rectifies
  }

  /// - Parameter states: of the fragments; what is behind the lengths has no influence.
  public func callAsFunction(_ states: PaddedRows, _ pass: Pass) throws(TorchError) -> Output {
    let mean = try states.means()
    let mapped = try rectified(mapNorm(map(mean), pass))
    let parts = try states.with(packed: rectified(partNorm(states.packed(), pass)).unit(along: 1))
    var weight = try Tensor.concatenated([mean, mapped], along: 1)
    if let first = gate["0"], let second = gate["2"] { weight = try second(first(weight).relu()).sigmoid() }
    let fused = try weight * mean + (1 - weight) * mapped
    return Output(attended: try mapped.unit(along: 1), fused: try fused.unit(along: 1), parts: parts)
  }

  private func rectified(_ x: Tensor) throws(TorchError) -> Tensor { rectifies ? try x.relu() : x }
}

extension ContextBranch.Output {
  /// What stands behind the vectors of items in retrieval: the mixture of the one side beside the mean part of the other,
  /// `[n, 2 d]`.
  ///
  /// - Parameter isFirst: whether the items are of the first side, whose halves come first mixture, then parts, half as
  ///   long; of the second it is the other way round.
  public func embedding(isFirst: Bool) throws(TorchError) -> Tensor {
    let mean = try parts.means()
    return try isFirst
      ? Tensor.concatenated([fused, mean], along: 1) / 2 : Tensor.concatenated([mean, fused], along: 1)
  }
}
