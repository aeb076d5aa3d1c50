import Foundation
import Torch

/// Writes an array to a .npy file a block of rows at a time; the file appears when it is complete.
public final class NPYWriter {
  private let target: URL
  private let temporary: URL
  private let handle: FileHandle
  private let shape: [Int]
  private let dtype: DataType
  private var written = 0

  /// - Parameters:
  ///   - path: the file to write.
  ///   - shape: of the whole array; blocks are rows of its first dimension.
  /// - Throws: `DataError` when the file cannot be written or NumPy has no such type.
  public init(_ path: String, shape: [Int], dtype: DataType = .float32) throws {
    guard let type = NPYWriter.name(of: dtype) else {
      throw TorchError(operation: "npy", shapes: [shape], message: "NumPy has no type \(dtype)")
    }
    self.shape = shape
    self.dtype = dtype
    target = URL(fileURLWithPath: path)
    temporary = target.deletingLastPathComponent()
      .appendingPathComponent(".\(target.lastPathComponent).\(UUID().uuidString.prefix(8)).tmp")
    guard FileManager.default.createFile(atPath: temporary.path, contents: nil) else {
      throw CocoaError(.fileWriteNoPermission, userInfo: [NSFilePathErrorKey: path])
    }
    handle = try FileHandle(forWritingTo: temporary)
    try handle.write(contentsOf: NPYWriter.header(type, shape))
  }

  /// Appends rows, `[b, …]`.
  public func append(_ rows: Tensor) throws {
    guard rows.shape.dropFirst().elementsEqual(shape.dropFirst()), written + rows.size(along: 0) <= shape[0]
    else {
      throw TorchError(
        operation: "npy", shapes: [rows.shape, shape], message: "these rows do not fit the array")
    }
    try handle.write(contentsOf: Data(try rows.to(dtype).bytes()))
    written += rows.size(along: 0)
  }

  /// Ends the file and puts it in place.
  public func finish() throws {
    guard written == shape[0] else {
      throw TorchError(
        operation: "npy", shapes: [shape], message: "only \(written) of \(shape[0]) rows were written")
    }
    try handle.synchronize()
    try handle.close()
    guard rename(temporary.path, target.path) == 0 else {
      throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: target.path])
    }
  }

  deinit {
    try? handle.close()
    try? FileManager.default.removeItem(at: temporary)
  }

  /// Writes one array.
  public static func write(_ tensor: Tensor, to path: String) throws {
    let writer = try NPYWriter(path, shape: tensor.shape, dtype: tensor.dtype)
    try writer.append(tensor)
    try writer.finish()
  }

  private static func name(of dtype: DataType) -> String? {
    switch dtype {
    case .float16: "<f2"
    case .float32: "<f4"
    case .float64: "<f8"
    case .uint8: "|u1"
    case .int8: "|i1"
    case .bool: "|b1"
    case .int16: "<i2"
    case .int32: "<i4"
    case .int64: "<i8"
    case .uint16: "<u2"
    case .uint32: "<u4"
    case .uint64: "<u8"
    case .bfloat16: nil
    }
  }

  private static func header(_ type: String, _ shape: [Int]) -> Data {
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(sizes)), }"
    // The data start at a multiple of 64 bytes: 10 bytes before the header, a line feed at its end.
    text += String(repeating: " ", count: (64 - (10 + text.utf8.count + 1) % 64) % 64) + "\n"
    var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    withUnsafeBytes(of: UInt16(text.utf8.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(contentsOf: Array(text.utf8))
    return data
  }
}
