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
    self.message = Self.wantOfMemory(message) ?? message
  }

  /// What the allocator says of its own source and of bytes, as a user can use it; nil for other messages.
  private static func wantOfMemory(_ message: String) -> String? {
    guard message.contains("alloc_cpu.cpp"), let start = message.range(of: "tried to allocate ") else {
      return nil
    }
    let bytes = Double(message[start.upperBound...].prefix { $0.isNumber }) ?? 0
    let amount = String(format: "%.3g", bytes / Double(1 << 30))
    return
      "there is not enough memory: \(amount) GB more were needed at once; a smaller batch_size, chunk_size, "
      + "chunk_rows, hidden or embed_size takes less"
  }
}

extension TorchError: LocalizedError, CustomStringConvertible {
  public var description: String {
    let operands = shapes.isEmpty ? "" : " of " + shapes.map { "\($0)" }.joined(separator: " and ")
    return "\(operation)\(operands): \(message)"
  }

  public var errorDescription: String? { description }
}
