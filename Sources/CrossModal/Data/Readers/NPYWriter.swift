import Foundation
import Torch

/// Writes an array to a .npy file in pieces, under a temporary name until it is whole.
///
///     let writer = try NPYWriter("vectors.npy", shape: [1000, 512])
///     try writer.append(block)  // rows, as often as needed
///     try writer.finish()
public final class NPYWriter {
  private let name: String
  private let file: StagedFile
  private let shape: [Int]
  private let dtype: DataType
  private var rows = 0

  /// - Parameters:
  ///   - path: the file to write.
  ///   - shape: of the whole array; blocks are rows of its first dimension.
  /// - Throws: ``DataError`` when NumPy has no such type, `FileError` when the file cannot be written.
  public init(_ path: String, shape: [Int], dtype: DataType = .float32) throws {
    let name = URL(fileURLWithPath: path).relativeName
    guard let code = dtype.npyCode else {
      throw DataError.unsupported(file: name, reason: "\(dtype) has no .npy form")
    }
    (self.name, self.shape, self.dtype) = (name, shape, dtype)
    file = try StagedFile(path)
    try file.append(NPYWriter.header(code, shape))
  }

  /// Writes the next rows, converted to the file's type.
  public func append(_ block: Tensor) throws {
    guard Array(block.shape.dropFirst()) == Array(shape.dropFirst()), block.rank == shape.count else {
      throw DataError.wrongShape(
        file: name, shape: block.shape, expected: "rows of \(Array(shape.dropFirst()))")
    }
    rows += block.shape.first ?? 1
    try file.append(Data(try block.to(.cpu).to(dtype).bytes()))
  }

  /// Flushes the file and gives it its name.
  ///
  /// - Throws: ``DataError`` when rows are missing or too many.
  public func finish() throws {
    let wanted = shape.first ?? 1
    guard rows == wanted else {
      throw DataError.unequalCounts(
        file: name, count: rows, other: "its header promises", expected: wanted)
    }
    try file.commit()
  }

  /// Writes one array.
  public static func write(_ tensor: Tensor, to path: String) throws {
    let writer = try NPYWriter(path, shape: tensor.shape, dtype: tensor.dtype)
    try writer.append(tensor)
    try writer.finish()
  }

  /// The bytes in front of the numbers; their count is a multiple of 64.
  static func header(_ code: String, _ shape: [Int]) -> Data {
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = "{'descr': '\(code)', 'fortran_order': False, 'shape': (\(sizes)), }"
    text += String(repeating: " ", count: (64 - (text.utf8.count + 11) % 64) % 64) + "\n"
    let count = text.utf8.count
    return Data(NPYReader.signature + [1, 0, UInt8(count & 0xFF), UInt8(count >> 8)]) + Data(text.utf8)
  }
}

extension DataType {
  /// NumPy's name of the type, little-endian; nil for types that NumPy lacks.
  var npyCode: String? {
    switch self {
    case .uint8: "|u1"
    case .int8: "|i1"
    case .int16: "<i2"
    case .int32: "<i4"
    case .int64: "<i8"
    case .uint16: "<u2"
    case .uint32: "<u4"
    case .uint64: "<u8"
    case .float16: "<f2"
    case .float32: "<f4"
    case .float64: "<f8"
    case .bool: "|b1"
    case .bfloat16: nil
    }
  }
}
