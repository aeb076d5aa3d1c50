import Torch

/// The loss of a batch: a scalar to follow, and parts of it to look at.
public struct Loss {
  /// What is minimized, a scalar.
  public let total: Tensor
  /// Parts and other facts by name, in the order they are shown; scalars without a graph.
  public let parts: [(name: String, value: Tensor)]
  /// Where training ends that stays there.
  public var standstill: Standstill?
  /// What the user should know of the batch, in a sentence; the trainer tells the first.
  public var note: String?
  private let propagate: ((Double) throws -> Void)?

  /// A loss that a method does not come away from by itself.
  public struct Standstill: Sendable, Equatable {
    public let loss: Double
    /// What is so where the loss stands there, and what a user may do.
    public let cause, advice: String

    public init(loss: Double, cause: String, advice: String) {
      (self.loss, self.cause, self.advice) = (loss, cause, advice)
    }
  }

  /// - Parameter parts: what the loss is made of, and anything else worth watching.
  public init(_ total: Tensor, parts: KeyValuePairs<String, Tensor> = [:]) throws(TorchError) {
    self.total = total
    self.parts = try Loss.detached(parts.map { (name: $0.key, value: $0.value) })
    propagate = nil
  }

  /// - Parameter parts: the same, as many as there are.
  public init(_ total: Tensor, named parts: [(name: String, value: Tensor)]) throws(TorchError) {
    self.total = total
    self.parts = try Loss.detached(parts)
    propagate = nil
  }

  /// The value of an objective.
  public init(_ value: ObjectiveValue) throws(TorchError) {
    total = value.total
    parts = try Loss.detached(value.parts.map { ($0.name, $0.value) })
    propagate = nil
  }

  /// A loss whose gradient is put into the parameters by `propagate`, weighted by its argument: for losses of
  /// all pairs at once whose graph would not fit into memory.
  public init(
    _ total: Tensor, parts: [(name: String, value: Tensor)] = [], propagate: @escaping (Double) throws -> Void
  ) throws(TorchError) {
    self.total = try total.detached()
    self.parts = try Loss.detached(parts)
    self.propagate = propagate
  }

  private static func detached(
    _ parts: [(name: String, value: Tensor)]
  ) throws(TorchError) -> [(name: String, value: Tensor)] {
    var detached: [(name: String, value: Tensor)] = []
    for (name, tensor) in parts { detached.append((name, try tensor.detached())) }
    return detached
  }

  /// Accumulates the gradient, times `weight`, in the parameters.
  public func backward(weight: Double = 1) throws {
    if let propagate { return try propagate(weight) }
    guard total.requiresGradient else { return }
    try (weight == 1 ? total : total * weight).backward()
  }
}
