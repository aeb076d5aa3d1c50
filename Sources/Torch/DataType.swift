/// The type of a tensor's elements. Raw values are libtorch's own numbers.
public enum DataType: Int32, Sendable, CaseIterable, Codable {
  case uint8 = 0
  case int8 = 1
  case int16 = 2
  case int32 = 3
  case int64 = 4
  case float16 = 5
  case float32 = 6
  case float64 = 7
  case bool = 11
  case bfloat16 = 15
  case uint16 = 27
  case uint32 = 28
  case uint64 = 29

  /// Bytes an element takes.
  public var size: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64: 8
    }
  }

  /// Whether elements are floating-point numbers, so that gradients and means exist.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }
}

/// A Swift type whose values are a tensor's elements bit for bit.
public protocol TensorElement: Sendable {
  /// The element type of tensors made from arrays of this type.
  static var dataType: DataType { get }
  /// A value to fill an array with before it is read.
  static var zero: Self { get }
}

extension Float: TensorElement { public static var dataType: DataType { .float32 } }
extension Double: TensorElement { public static var dataType: DataType { .float64 } }
extension Int: TensorElement { public static var dataType: DataType { .int64 } }
extension Int64: TensorElement { public static var dataType: DataType { .int64 } }
extension Int32: TensorElement { public static var dataType: DataType { .int32 } }
extension Int16: TensorElement { public static var dataType: DataType { .int16 } }
extension Int8: TensorElement { public static var dataType: DataType { .int8 } }
extension UInt8: TensorElement { public static var dataType: DataType { .uint8 } }
extension Bool: TensorElement {
  public static var dataType: DataType { .bool }
  public static var zero: Bool { false }
}
