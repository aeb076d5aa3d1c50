/// A tensor that training changes, as a member of a ``Module``: `@Parameter var weight: Tensor`.
///
/// Its name in weights files is the property's name; give another where the official implementation has
/// one: `_inputWeight = Parameter(wrappedValue: w, "weight_ih_l0")`. A floating-point tensor that is put
/// here becomes the start of graphs (see ``Tensor/requiringGradient()``), unless the parameter is frozen
/// (``StateEntry/freeze()``).
@propertyWrapper
public struct Parameter: StateMember {
  let slot: Slot
  public let name: String?

  public init(wrappedValue: Tensor, _ name: String? = nil) {
    slot = Slot(Parameter.leaf(wrappedValue))
    self.name = name
  }

  public var wrappedValue: Tensor {
    get { slot.tensor }
    nonmutating set { slot.tensor = slot.isFrozen ? newValue : Parameter.leaf(newValue) }
  }

  /// The start of graphs; whole numbers have no gradient and stay as they are.
  static func leaf(_ tensor: Tensor) -> Tensor {
    guard tensor.dtype.isFloatingPoint, !tensor.requiresGradient else { return tensor }
    return (try? tensor.requiringGradient()) ?? tensor
  }
}

/// A tensor that belongs to a ``Module``'s state and that no gradient changes: means, queues, centers.
@propertyWrapper
public struct Buffer: StateMember {
  let slot: Slot
  public let name: String?
  let shapeMayChange: Bool
  let isOptional: Bool

  /// - Parameters:
  ///   - shapeMayChange: a loaded tensor may have another shape (of the same rank), because the shape is only known
  ///     after learning.
  ///   - isOptional: a file may lack it, as those of earlier versions do; it then stays what it is.
  public init(
    wrappedValue: Tensor, _ name: String? = nil, shapeMayChange: Bool = false, isOptional: Bool = false
  ) {
    slot = Slot(wrappedValue)
    self.name = name
    self.shapeMayChange = shapeMayChange
    self.isOptional = isOptional
  }

  public var wrappedValue: Tensor {
    get { slot.tensor }
    nonmutating set { slot.tensor = newValue }
  }
}

/// Another name in weights files for a child module, list or dictionary of modules than the property's.
///
/// Declared as `@Named var imageEncoder: ImageEncoder` and named where it is made:
/// `_imageEncoder = Named(wrappedValue: try ImageEncoder(), "img_enc")`. An empty name leaves its level out.
@propertyWrapper
public struct Named<Value> {
  public var wrappedValue: Value
  public let name: String

  public init(wrappedValue: Value, _ name: String) {
    self.wrappedValue = wrappedValue
    self.name = name
  }
}

/// What holds a tensor of a module: a place that all who found it share.
final class Slot {
  var tensor: Tensor
  /// Whether no gradient is wanted for it.
  var isFrozen = false

  init(_ tensor: Tensor) { self.tensor = tensor }

  /// Makes sure that writing to the tensor's memory changes nothing that anybody else holds.
  ///
  /// Kernels that work in place call it first. Where the tensor was copied, viewed or mapped from a file,
  /// it moves to memory of its own together with its gradient, so that tensors stay values.
  func makeWritable() throws(TorchError) {
    guard !isKnownUniquelyReferenced(&tensor.handle) || !tensor.handle.ownsMemory else { return }
    let needsGradient = tensor.requiresGradient
    let gradient = tensor.gradient
    let own = try tensor.detached().contiguous().copied()
    tensor = needsGradient ? try own.requiringGradient() : own
    if let gradient { try tensor.handle.setGradient(gradient.handle) }
  }
}

protocol StateMember {
  var slot: Slot { get }
  var name: String? { get }
}

protocol NamedMember {
  var name: String { get }
  var child: Any { get }
}

extension Named: NamedMember {
  var child: Any { wrappedValue }
}
