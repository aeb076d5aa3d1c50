/// A tensor that training changes, as a member of a ``Module``: `@Parameter var weight: Tensor`.
///
/// Its name in weights files is the property's name; give another where the official implementation has
/// one: `_inputWeight = Parameter(wrappedValue: w, "weight_ih_l0")`.
@propertyWrapper
public struct Parameter: StateMember {
  let slot: Slot
  public let name: String?

  public init(wrappedValue: Tensor, _ name: String? = nil) {
    slot = Slot(wrappedValue)
    self.name = name
  }

  public var wrappedValue: Tensor {
    get { slot.tensor }
    nonmutating set { slot.tensor = newValue }
  }
}

/// A tensor that belongs to a ``Module``'s state and that no gradient changes: means, queues, centres.
@propertyWrapper
public struct Buffer: StateMember {
  let slot: Slot
  public let name: String?
  let shapeMayChange: Bool

  /// - Parameter shapeMayChange: a loaded tensor may have another shape (of the same rank), because the
  ///   shape is only known after learning.
  public init(wrappedValue: Tensor, _ name: String? = nil, shapeMayChange: Bool = false) {
    slot = Slot(wrappedValue)
    self.name = name
    self.shapeMayChange = shapeMayChange
  }

  public var wrappedValue: Tensor {
    get { slot.tensor }
    nonmutating set { slot.tensor = newValue }
  }
}

/// Another name in weights files for a child module, list or dictionary of modules than the property's:
/// `@Named("img_enc") var imageEncoder: ImageEncoder`.
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
  init(_ tensor: Tensor) { self.tensor = tensor }
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
