/// Changes parameters by their gradients, one step at a time.
///
/// Its state is kept by the names of the parameters, so that it survives in a file and a change of order.
public protocol Optimizer: AnyObject {
  /// What it changes.
  var parameters: [StateEntry] { get }
  /// One step from the gradients that ``Tensor/backward(_:retainGraph:createGraph:)`` left; a parameter
  /// without a gradient stays as it is. The gradients are kept: see ``Swift/Sequence/clearGradients()``.
  func step(learningRate: Double) throws
  /// What the next step depends on besides parameters and gradients, by name.
  var state: [(name: String, tensor: Tensor)] { get throws }
  /// Continues from a state that ``state`` gave.
  ///
  /// - Throws: ``OptimizerError`` with every name that is missing or does not fit; nothing is changed then.
  func load(_ state: [String: Tensor]) throws
}

extension StateEntry {
  /// The gradient that was accumulated for this tensor.
  public var gradient: Tensor? { tensor.gradient }

  /// Makes the tensor the start of graphs, in memory that nothing else sees, on a device.
  public func prepareForTraining(on device: Device = .cpu, as dtype: DataType? = nil) throws(TorchError) {
    var own = try tensor.detached().to(device)
    if let dtype, own.dtype.isFloatingPoint { own = try own.to(dtype) }
    own = try own.contiguous().copied()
    tensor = isParameter ? try own.requiringGradient() : own
  }

  /// Multiplies the accumulated gradient.
  public func scaleGradient(by factor: Double) throws(TorchError) {
    guard let gradient else { return }
    try tensor.handle.setGradient(
      (try withoutGradient { () throws(TorchError) in try gradient * factor }).handle)
  }

  /// Puts another gradient in place of what was accumulated.
  public func setGradient(_ gradient: Tensor?) throws(TorchError) {
    try tensor.handle.setGradient(gradient?.handle)
  }

  /// Replaces the elements in place, so that the tensor stays the start of graphs.
  public func assign(_ elements: Tensor) throws(TorchError) { try tensor.handle.assign(elements.handle) }
}

extension Sequence<StateEntry> {
  /// Forgets what was accumulated.
  public func clearGradients() throws(TorchError) {
    for entry in self { try entry.tensor.handle.setGradient(nil) }
  }

  /// Length of all gradients as one vector, in float64; 0 when there are none.
  public func gradientNorm() throws(TorchError) -> Double {
    var sum = 0.0
    for entry in self {
      guard let gradient = entry.gradient else { continue }
      let norm: Double = try gradient.norm().item()
      sum += norm * norm
    }
    return sum.squareRoot()
  }

  /// Shortens the gradients, taken as one vector, to at most `length`; returns the length before.
  @discardableResult
  public func clipGradients(to length: Double) throws(TorchError) -> Double {
    let norm = try gradientNorm()
    // As in the usual implementation, so that published runs repeat.
    let factor = length / (norm + 1e-6)
    if factor < 1 { for entry in self { try entry.scaleGradient(by: factor) } }
    return norm
  }
}

/// The state of an optimiser that does not fit its parameters.
public struct OptimizerError: Error, Sendable, Equatable {
  public let missing: [String]
  public let misshaped: [String]
}

extension OptimizerError: CustomStringConvertible {
  public var description: String {
    var parts: [String] = []
    if !missing.isEmpty { parts.append("missing: " + missing.joined(separator: ", ")) }
    if !misshaped.isEmpty { parts.append("of another shape: " + misshaped.joined(separator: ", ")) }
    return "the state of the optimiser does not fit; " + parts.joined(separator: "; ")
  }
}

/// Tensors of the shapes of parameters, such as moving averages of their gradients, by name.
struct Moments {
  let kind: String
  private(set) var tensors: [String: Tensor] = [:]

  init(_ kind: String) { self.kind = kind }

  /// The tensor of a parameter; zeros before it was set.
  mutating func of(_ entry: StateEntry) throws(TorchError) -> Tensor {
    if let known = tensors[entry.name] { return known }
    let zeros = try entry.tensor.detached().zerosLike()
    tensors[entry.name] = zeros
    return zeros
  }

  mutating func set(_ tensor: Tensor, of entry: StateEntry) { tensors[entry.name] = tensor }

  /// In the order of the parameters.
  func state(of parameters: [StateEntry]) -> [(name: String, tensor: Tensor)] {
    parameters.compactMap { entry in tensors[entry.name].map { ("\(kind).\(entry.name)", $0) } }
  }

  /// What a file holds of these; a parameter that never had a gradient has none.
  func loaded(_ state: [String: Tensor], parameters: [StateEntry]) throws -> Moments {
    var loaded = Moments(kind)
    var misshaped: [String] = []
    for entry in parameters {
      guard let tensor = state["\(kind).\(entry.name)"] else { continue }
      if tensor.shape != entry.tensor.shape { misshaped.append("\(kind).\(entry.name)") }
      loaded.tensors[entry.name] = try tensor.to(entry.tensor.dtype).to(entry.tensor.device).copied()
    }
    guard misshaped.isEmpty else { throw OptimizerError(missing: [], misshaped: misshaped) }
    return loaded
  }
}
