/// What a pickle holds. Nothing in it was executed: a class or function is only a name.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  /// A whole number that does not fit 64 bits, as its little-endian bytes.
  case large([UInt8])
  case double(Double)
  case string(String)
  case bytes([UInt8])
  case tuple([PickleValue])
  case list(PickleList)
  case dictionary(PickleDictionary)
  /// A class or function by its name, such as `collections.OrderedDict`.
  case global(String)
  /// What a call or a class would have made, never made here.
  case object(PickleObject)
  /// A tensor and where its numbers are.
  case tensor(PickledTensor)
  /// Numbers of a checkpoint by key.
  case storage(PickledStorage)

  var int: Int? {
    switch self {
    case .int(let number): number
    case .bool(let flag): flag ? 1 : 0
    default: nil
    }
  }

  var string: String? {
    switch self {
    case .string(let text): text
    case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
    default: nil
    }
  }

  /// Elements of a tuple or list.
  var elements: [PickleValue]? {
    switch self {
    case .tuple(let elements): elements
    case .list(let list): list.elements
    default: nil
    }
  }
}

/// A list that may still grow after it was remembered.
final class PickleList {
  var elements: [PickleValue]
  init(_ elements: [PickleValue] = []) { self.elements = elements }
}

/// A dictionary in the order of its keys' insertion.
final class PickleDictionary {
  var pairs: [(key: PickleValue, value: PickleValue)] = []

  subscript(_ key: String) -> PickleValue? { pairs.last { $0.key.string == key }?.value }
}

/// The result of a call or of a class that is only known by name.
final class PickleObject {
  let name: String
  let arguments: [PickleValue]
  var state: PickleValue = .none

  init(_ name: String, _ arguments: [PickleValue] = []) {
    self.name = name
    self.arguments = arguments
  }
}

/// Numbers of one type end to end.
struct PickledStorage {
  let key: String
  /// Nil for bytes without a type.
  let dtype: DataType?
  let count: Int
}

/// A view of a storage.
struct PickledTensor {
  enum Source {
    case storage(PickledStorage)
    /// The numbers themselves, as NumPy pickles them.
    case bytes([UInt8], DataType)
  }

  let source: Source
  /// In elements.
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}
