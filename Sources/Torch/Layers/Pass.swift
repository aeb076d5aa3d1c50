/// Whether a forward pass is part of training, given to every layer for which it matters.
///
/// There is no hidden mode: a layer that drops or averages takes the pass as its last argument, and training
/// carries the generator from which its random choices come.
public enum Pass {
  /// Nothing is dropped; batch normalization uses its running statistics.
  case evaluation
  /// Elements are dropped as the generator says; batch normalization uses the batch and updates its statistics. With
  /// several processes that each have a part of the batch it is the joined one.
  case training(Generator, in: (any ProcessGroup)? = nil)

  /// Whether this is part of training.
  public var isTraining: Bool {
    switch self {
    case .evaluation: false
    case .training: true
    }
  }

  /// Those that train together on a batch; nil for one process.
  public var group: (any ProcessGroup)? {
    guard case .training(_, let group?) = self, group.size > 1 else { return nil }
    return group
  }
}

/// A module that maps one tensor to one tensor, so that it can stand in a ``Sequential``.
public protocol Layer: Module {
  /// The layer's output.
  func callAsFunction(_ x: Tensor, _ pass: Pass) throws(TorchError) -> Tensor
}
