import Foundation

/// What libtorch refused to do: the operation, the shapes it was given, and libtorch's own words.
public struct TorchError: Error, Sendable, Equatable {
  /// The operation, such as `matmul`.
  public let operation: String
  /// Shapes of the tensors it was given, in order.
  public let shapes: [[Int]]
  /// libtorch's message without its backtrace.
  public let message: String

  public init(operation: String, shapes: [[Int]] = [], message: String) {
    self.operation = operation
    self.shapes = shapes
    self.message = message
  }
}

extension TorchError: LocalizedError, CustomStringConvertible {
  public var description: String {
    let operands = shapes.isEmpty ? "" : " of " + shapes.map { "\($0)" }.joined(separator: " and ")
    return "\(operation)\(operands): \(message)"
  }

  public var errorDescription: String? { description }
}
