import Foundation
import Torch

/// Arrays of the IDX format (MNIST), plain or gzipped: two zero bytes, the type, the number of dimensions,
/// sizes as big-endian 32-bit numbers, then big-endian numbers.
enum IDXReader {
  static func open(_ url: URL, limits: Limits) throws -> any ArraySource {
    let file = try InputFile(url)
    guard Gzip.isGzip(file.bytes) else {
      return TensorArray(try tensor(in: file.bytes, owner: file.mapping, name: file.name), name: file.name)
    }
    let inflated = try Gzip.inflated(file.bytes, name: file.name, limits: limits)
    return TensorArray(try tensor(in: inflated.bytes, owner: inflated, name: file.name), name: file.name)
  }

  private static func tensor(
    in bytes: UnsafeRawBufferPointer, owner: AnyObject, name: String
  ) throws -> Tensor {
    func bad(_ reason: String) -> DataError { .malformed(file: name, reason: reason) }
    let types: [UInt8: DataType] = [
      0x08: .uint8, 0x09: .int8, 0x0B: .int16, 0x0C: .int32, 0x0D: .float32, 0x0E: .float64,
    ]
    guard bytes.count >= 4, bytes[0] == 0, bytes[1] == 0, let type = types[bytes[2]] else {
      throw bad("is no IDX file: it does not start with the bytes of one")
    }
    let dimensions = Int(bytes[3])
    let start = 4 + 4 * dimensions
    guard (1...4).contains(dimensions), bytes.count >= start else {
      throw bad("has \(dimensions) dimensions or is cut short; 1 to 4 are known")
    }
    let shape = (0..<dimensions).map { dimension in
      (0..<4).reduce(0) { $0 << 8 | Int(bytes[4 + 4 * dimension + $1]) }
    }
    var needed = type.size
    for size in shape {
      let (product, overflow) = needed.multipliedReportingOverflow(by: size)
      guard !overflow else { throw bad("has the impossible shape \(shape)") }
      needed = product
    }
    guard needed == bytes.count - start else {
      throw bad(
        "shape \(shape) of \(type) takes \(needed) bytes, but \(bytes.count - start) follow the header"
          + (needed > bytes.count - start ? "; the file is cut short" : ""))
    }
    let data = UnsafeRawBufferPointer(rebasing: bytes[start...])
    return type.size == 1
      ? try Tensor(sharing: data, owner: owner, shape: shape, dtype: type)
      : try NPYHeader.swapped(data, shape: shape, type)
  }
}
