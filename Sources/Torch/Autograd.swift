import CTorch

extension Tensor {
  /// Whether gradients flow to or through this tensor.
  public var requiresGradient: Bool { handle.info.requires_grad }

  /// The same elements as the start of a graph: ``backward(_:retainGraph:createGraph:)`` accumulates ``gradient`` here.
  public func requiringGradient() throws(TorchError) -> Tensor {
    let leaf = try detached()
    try leaf.handle.setRequiresGradient(true)
    return leaf
  }

  /// The same elements outside of any graph.
  public func detached() throws(TorchError) -> Tensor { try AutogradOp.detach(.tensor(self)) }

  /// The gradient that ``backward(_:retainGraph:createGraph:)`` accumulated here.
  public var gradient: Tensor? { handle.gradient.map(Tensor.init) }

  /// Accumulates the gradients of this tensor (weighted by `weights` unless it is a scalar) in the leaves.
  public func backward(
    _ weights: Tensor? = nil, retainGraph: Bool = false, createGraph: Bool = false
  ) throws(TorchError) {
    try handle.backward(weights?.handle, retainGraph: retainGraph, createGraph: createGraph)
  }

  /// Gradients of the sum of `outputs` (weighted by `weights`) by `inputs`; nil where an input was not used.
  public static func gradients(
    of outputs: [Tensor], weights: [Tensor]? = nil, by inputs: [Tensor], retainGraph: Bool = false,
    createGraph: Bool = false
  ) throws(TorchError) -> [Tensor?] {
    try Handle.gradients(
      of: outputs.map(\.handle), weights: weights?.map(\.handle), by: inputs.map(\.handle),
      retainGraph: retainGraph, createGraph: createGraph
    ).map { $0.map(Tensor.init) }
  }
}

private enum AutogradOp {
  static let detach = Operator("detach")
}

/// Runs `body` without recording a graph. Synchronous only: the mode belongs to the thread.
public func withoutGradient<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  let before = ct_grad_enabled()
  ct_set_grad_enabled(false)
  defer { ct_set_grad_enabled(before) }
  return try body()
}

/// Runs `body` with a graph recorded, also inside ``withoutGradient(_:)``.
public func withGradient<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  let before = ct_grad_enabled()
  ct_set_grad_enabled(true)
  defer { ct_set_grad_enabled(before) }
  return try body()
}
