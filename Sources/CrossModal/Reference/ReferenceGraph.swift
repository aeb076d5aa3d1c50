import Torch

/// Inputs and weights of a case as the leaves of a graph in float64, as reference cases are computed.
struct ReferenceGraph {
  private let leaves: [(name: String, tensor: Tensor)]

  /// The named inputs and all weights; names that a case does not have are errors.
  init(_ reference: ReferenceCase, inputs: [String]) throws {
    let given = try inputs.map { ($0, try reference.input($0)) }
    let weights = reference.weights.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    leaves = try (given + weights).map { name, tensor in
      (name: name, tensor: try tensor.to(.float64).requiringGradient())
    }
  }

  /// A leaf by name.
  func leaf(_ name: String) throws -> Tensor {
    guard let found = leaves.first(where: { $0.name == name }) else {
      throw ReferenceError.missing("weight or input", name, leaves.map(\.name))
    }
    return found.tensor
  }

  /// `grad.NAME` of every leaf, with `suffix` behind the name; zero where nothing flows.
  ///
  /// - Parameter parameters: whose gradients keep their shape where it is that of a number on its own.
  func gradients(
    of loss: Tensor, suffix: String = "", keepingShapesOf parameters: [StateEntry] = []
  ) throws -> [String: ReferenceOutput] {
    let found = try Tensor.gradients(of: [loss], by: leaves.map(\.tensor), retainGraph: true)
    let kept = Set(parameters.map(\.name))
    var outputs: [String: ReferenceOutput] = [:]
    for (leaf, slope) in zip(leaves, found) {
      let slope = try slope ?? leaf.tensor.zerosLike()
      outputs["grad." + leaf.name + suffix] = kept.contains(leaf.name) ? .tensor(slope) : try .recorded(slope)
    }
    return outputs
  }
}

extension ReferenceOutput {
  /// A tensor as cases record it: a scalar has shape `[1]`.
  static func recorded(_ tensor: Tensor) throws(TorchError) -> ReferenceOutput {
    .tensor(tensor.rank == 0 ? try tensor.reshaped(1) : tensor)
  }
}

extension [String: ReferenceOutput] {
  /// With more outputs, scalars as cases record them.
  func adding(_ outputs: [String: Tensor]) throws -> [String: ReferenceOutput] {
    try merging(outputs.mapValues { try .recorded($0) }) { $1 }
  }
}
