import Torch

/// How a fragment changes by what it attended to: the memory distillation unit of IMRAM (Chen et al., CVPR 2020,
/// section 3.3), so that it attends to something else next.
public final class MemoryUnit: Module {
  /// With q the fragment, c what it attended to, and x the two beside each other.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// g q + (1 − g) tanh(V x + v) with g = σ(W x + w): the paper's best.
    case gate
    /// tanh(V x + v).
    case mlp
    /// q + c.
    case add
  }

  let kind: Kind
  private let size: Int
  /// V and v.
  @Named private var output: Linear?
  /// W and w.
  @Named private var gate: Linear?

  /// - Parameters:
  ///   - size: width of the fragments.
  ///   - pass: what the official program calls the pass that the unit serves: its layers are `linear_PASS` and
  ///     `gate_PASS`.
  public init(_ kind: Kind, size: Int, pass: String, using generator: Generator) throws(TorchError) {
    self.kind = kind
    self.size = size
    let output = kind == .add ? nil : try Linear(from: 2 * size, to: size, using: generator)
    let gate = kind == .gate ? try Linear(from: 2 * size, to: size, using: generator) : nil
    _output = Named(wrappedValue: output, "linear_" + pass)
    _gate = Named(wrappedValue: gate, "gate_" + pass)
  }

  /// Draws all parameters anew, as PyTorch draws a linear layer.
  func reset(using generator: Generator) throws {
    try take(stateOf: MemoryUnit(kind, size: size, pass: "", using: generator))
  }

  /// The parameters, as attention reads them.
  ///
  /// - Parameter step: of training, where several processes share their gradient.
  public func weights(_ step: Step? = nil) throws -> MemoryWeights {
    let layers = [output, gate].compactMap(\.self)
    guard !layers.isEmpty else { return MemoryWeights(kind: kind, weight: nil, bias: nil) }
    func joined(_ tensors: [Tensor]) throws -> Tensor {
      let all = try Tensor.concatenated(tensors)
      return try step?.shared(all) ?? all
    }
    return MemoryWeights(
      kind: kind, weight: try joined(layers.map(\.weight)), bias: try joined(layers.compactMap(\.bias)))
  }
}

/// The numbers of a ``MemoryUnit``.
///
/// A map of x = (q, c) is that of q plus that of c, and c is a mean of contexts: so contexts go through the unit once,
/// whoever attends to them.
public struct MemoryWeights: Sendable {
  public let kind: MemoryUnit.Kind
  /// V, and under it W, `[parts · d, 2 d]`; nil without any.
  public let weight: Tensor?
  /// v, then w, `[parts · d]`.
  public let bias: Tensor?

  /// The share of what asks, `[…, d]`, in the maps of the unit, `[…, parts · d]`.
  func base(_ queries: Tensor) throws(TorchError) -> Tensor {
    guard let weight, let bias else { return queries }
    return try queries.matmul(weight.narrowed(to: 0..<weight.size(along: 1) / 2, along: 1).transposed())
      + bias
  }

  /// The share of contexts, likewise.
  func projected(_ contexts: Tensor) throws(TorchError) -> Tensor {
    guard let weight else { return contexts }
    let width = weight.size(along: 1)
    return try contexts.matmul(weight.narrowed(to: width / 2..<width, along: 1).transposed())
  }

  /// What asks next.
  ///
  /// - Parameter maps: of the unit, both shares added up.
  func remembered(_ queries: Tensor, _ maps: Tensor) throws(TorchError) -> Tensor {
    let width = queries.size(along: -1)
    switch kind {
    case .add: return maps
    case .mlp: return try maps.tanh()
    case .gate:
      let output = try maps.narrowed(to: 0..<width, along: -1).tanh()
      let gate = try maps.narrowed(to: width..<2 * width, along: -1).sigmoid()
      return try output + gate * (queries - output)
    }
  }

  /// Without a graph, or as the start of one.
  func detached(requiringGradient: Bool = false) throws(TorchError) -> MemoryWeights {
    func apart(_ tensor: Tensor?) throws(TorchError) -> Tensor? {
      guard let tensor else { return nil }
      return requiringGradient ? try tensor.requiringGradient() : try tensor.detached()
    }
    return MemoryWeights(kind: kind, weight: try apart(weight), bias: try apart(bias))
  }
}
