import Torch

/// The concepts that regions and words are assigned to: `v_prototypes.weight`, rows of norm 1.
final class ConceptPrototypes: Module {
  @Parameter private var weight: Tensor

  init(_ count: Int, size: Int, using generator: Generator) throws {
    let first = try Initializer.standard([count, size], using: generator)
    _weight = Parameter(wrappedValue: first, "v_prototypes.weight")
  }

  /// The prototypes with norm 1, `[k, d]`, without a graph.
  func unit() throws(TorchError) -> Tensor { try weight.detached().normalized(along: 1) }

  /// The prototypes to learn by. In training they are brought to norm 1 where they are, and that is no part of the
  /// gradient.
  func learned(_ step: Step) throws -> Tensor {
    guard step.isTraining, weight.requiresGradient else { return try unit() }
    weight = try unit()
    return try step.shared(weight)
  }
}
