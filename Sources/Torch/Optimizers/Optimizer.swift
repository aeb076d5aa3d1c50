import Foundation

/// Changes parameters by their gradients, one step at a time.
///
/// Parameters are changed in place where nobody else holds them, and moved to memory of their own first
/// where somebody does: a tensor that was read from a module before a step keeps its numbers. What the next
/// step depends on is kept by the names of the parameters, so that it survives in a file and a change of
/// their order. ``LBFGS``, which evaluates the loss more than once a step, stands beside this protocol.
public protocol Optimizer: AnyObject {
  /// What it changes, in groups with settings of their own.
  var groups: [OptimizerGroup] { get }

  /// One step from the gradients that ``Tensor/backward(_:retainGraph:createGraph:)`` left; a parameter
  /// without a gradient stays as it is. The gradients are kept: see ``Swift/Sequence/clearGradients()``.
  func step(learningRate: Double) throws

  /// What the next step depends on beside parameters and gradients, by name: `exp_avg.encoder.weight`.
  var state: [(name: String, tensor: Tensor)] { get throws }

  /// Continues from a state that ``state`` gave.
  ///
  /// - Throws: ``OptimizerError`` with every name that does not fit; nothing is changed then.
  func load(_ state: [String: Tensor]) throws
}

extension Optimizer {
  /// All parameters in the order of the groups.
  public var parameters: [StateEntry] { groups.flatMap(\.parameters) }
}

/// Parameters that are changed by the same rule, for a learning rate or a decay of their own.
public struct OptimizerGroup {
  public var parameters: [StateEntry]
  /// The group's learning rate as a multiple of the one that a step is given.
  public var rateFactor: Double
  /// The group's own weight decay; the optimizer's when nil.
  public var weightDecay: Double?

  public init(_ parameters: [StateEntry], rateFactor: Double = 1, weightDecay: Double? = nil) {
    self.parameters = parameters
    self.rateFactor = rateFactor
    self.weightDecay = weightDecay
  }
}

/// A state that does not fit the parameters of an optimizer: everything that is wrong at once.
public struct OptimizerError: LocalizedError, Equatable {
  /// Names without which a parameter's state is not whole.
  public internal(set) var missing: [String] = []
  /// Names that belong to no parameter.
  public internal(set) var unexpected: [String] = []
  /// Names whose tensor has another shape than the parameter.
  public internal(set) var misshaped: [String] = []

  var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && misshaped.isEmpty }

  public var errorDescription: String? { description }
}

extension OptimizerError: CustomStringConvertible {
  public var description: String {
    let parts = [("missing", missing), ("unexpected", unexpected), ("of another shape", misshaped)]
    let told = parts.filter { !$0.1.isEmpty }.map { "\($0.0): \($0.1.joined(separator: ", "))" }
    return "the state of the optimiser does not fit its parameters; " + told.joined(separator: "; ")
  }
}
