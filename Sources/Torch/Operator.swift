import CTorch
import Foundation

/// An operator of libtorch, looked up once by name (`"add.Tensor"`: name and overload of `aten::`).
struct Operator: Sendable {
  let name: String
  private let address: UInt

  init(_ qualified: String) {
    let parts = qualified.split(separator: ".", maxSplits: 1)
    name = String(parts[0])
    let found = ct_operator_find(
      qualified.contains("::") ? name : "aten::" + name, parts.count == 2 ? String(parts[1]) : "")
    address = UInt(bitPattern: found)
  }

  /// Nil when this libtorch has no such operator.
  var pointer: ct_operator? { ct_operator(bitPattern: address) }
}

/// One argument of an operator.
enum Value {
  case none
  case tensor(Tensor)
  case int(Int)
  case double(Double)
  case bool(Bool)
  case string(String)
  case ints([Int])
  case tensors([Tensor?])
  case generator(Generator)

  /// Nothing stands for an optional argument that is left out.
  static func optional(_ tensor: Tensor?) -> Value { tensor.map(Value.tensor) ?? .none }
  static func optional(_ number: Double?) -> Value { number.map(Value.double) ?? .none }
  static func type(_ type: DataType?) -> Value { type.map { .int(Int($0.rawValue)) } ?? .none }
}

extension Operator {
  /// The operator's only tensor.
  func callAsFunction(_ arguments: Value...) throws(TorchError) -> Tensor {
    let results = try invoke(self, arguments)
    guard let first = results.first else {
      throw TorchError(operation: name, message: "gave no tensor")
    }
    return first
  }

  /// All tensors of the result, lists flattened.
  func all(_ arguments: Value...) throws(TorchError) -> [Tensor] { try invoke(self, arguments) }

  /// All tensors of the result, for arguments that are put together at run time.
  func all(_ arguments: [Value]) throws(TorchError) -> [Tensor] { try invoke(self, arguments) }
}
