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
  /// A list or a tuple.
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

  static func list(of elements: [PickleValue]) -> PickleValue { .list(PickleList(elements)) }

  /// Elements of a list or tuple.
  var elements: [PickleValue]? { if case .list(let list) = self { list.elements } else { nil } }

  /// The list, dictionary or object that this is; nil for other values.
  fileprivate var container: PickleContainer? {
    switch self {
    case .list(let list): list
    case .dictionary(let dictionary): dictionary
    case .object(let object): object
    default: nil
    }
  }
}

/// A value that holds others, as deep as a file says.
///
/// Left to itself each would let go of the next inside its own `deinit`, and a deep one would run out of stack: so
/// the outermost takes apart one after the other what nobody else holds.
class PickleContainer {
  /// Takes all values out.
  fileprivate func emptied() -> [PickleValue] { [] }

  fileprivate final func takeApart() {
    var containers = emptied().compactMap(\.container)
    while var next = containers.popLast() {
      if isKnownUniquelyReferenced(&next) { containers += next.emptied().compactMap(\.container) }
    }
  }
}

/// A list that may still grow after it was remembered.
final class PickleList: PickleContainer {
  var elements: [PickleValue]
  init(_ elements: [PickleValue] = []) { self.elements = elements }
  deinit { takeApart() }

  fileprivate override func emptied() -> [PickleValue] {
    defer { elements = [] }
    return elements
  }
}

/// A dictionary in the order of its keys' insertion.
final class PickleDictionary: PickleContainer {
  var pairs: [(key: PickleValue, value: PickleValue)] = []
  deinit { takeApart() }

  subscript(_ key: String) -> PickleValue? { pairs.last { $0.key.string == key }?.value }

  fileprivate override func emptied() -> [PickleValue] {
    defer { pairs = [] }
    return pairs.flatMap { [$0.key, $0.value] }
  }
}

/// The result of a call or of a class that is only known by name.
final class PickleObject: PickleContainer {
  let name: String
  private(set) var arguments: [PickleValue]
  var state: PickleValue = .none

  init(_ name: String, _ arguments: [PickleValue] = []) {
    self.name = name
    self.arguments = arguments
  }

  deinit { takeApart() }

  fileprivate override func emptied() -> [PickleValue] {
    defer { (arguments, state) = ([], .none) }
    return arguments + [state]
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
