import CZlib
import Foundation
import Torch

/// Writes arrays to a .npz file, as NumPy's `savez` does: .npy files in a zip, not compressed.
public enum NPZWriter {
  /// - Parameters:
  ///   - arrays: names and arrays, on any device; names without `.npy`.
  ///   - path: the file, which appears when it is whole.
  /// - Throws: ``DataError`` for a type that NumPy lacks, `FileError` when the file cannot be written.
  public static func write(_ arrays: [(name: String, tensor: Tensor)], to path: String) throws {
    let file = URL(fileURLWithPath: path).relativeName
    let members = try arrays.map { name, tensor in
      guard let code = tensor.dtype.npyCode else {
        throw DataError.unsupported(file: file, reason: "\(tensor.dtype) has no .npy form")
      }
      return try Member(name: name + ".npy", code: code, tensor: tensor.to(.cpu).contiguous())
    }
    try AtomicFile.write(to: path) { append in
      var place = 0
      var directory = Data()
      for member in members {
        let header = member.localHeader()
        directory += member.directoryEntry(at: place)
        try append(header)
        try append(member.head)
        try member.forEachPiece { try append(Data($0)) }
        place += header.count + member.size
      }
      try append(directory)
      try append(end(members: members.count, directory: directory.count, at: place))
    }
  }

  /// One array with what a zip says of it. Sizes are written in 64 bits, so that they have no limit.
  private struct Member {
    let name: String
    /// The bytes in front of the numbers.
    let head: Data
    let tensor: Tensor
    let size: Int
    let checksum: UInt32

    init(name: String, code: String, tensor: Tensor) throws {
      self.name = name
      self.tensor = tensor
      head = NPYWriter.header(code, tensor.shape)
      size = head.count + tensor.count * tensor.dtype.size
      var sum = head.withUnsafeBytes { crc32_z(0, $0.bindMemory(to: UInt8.self).baseAddress, $0.count) }
      try tensor.withUnsafeBytes {
        sum = crc32_z(sum, $0.bindMemory(to: UInt8.self).baseAddress, $0.count)
      }
      checksum = UInt32(truncatingIfNeeded: sum)
    }

    func forEachPiece(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
      try tensor.withUnsafeBytes { bytes in
        for start in stride(from: 0, to: bytes.count, by: 16 << 20) {
          try body(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + (16 << 20), bytes.count)]))
        }
      }
    }

    /// Version, flags, method, time (1980-01-01, so that equal arrays give equal files), checksum, sizes elsewhere.
    private var common: Data {
      bytes(UInt16(45), UInt16(1 << 11), UInt16(0), UInt16(0), UInt16(0x21))
        + bytes(checksum, UInt32.max, UInt32.max) + bytes(UInt16(name.utf8.count))
    }

    func localHeader() -> Data {
      bytes(UInt32(0x0403_4B50)) + common + bytes(UInt16(20)) + Data(name.utf8)
        + bytes(UInt16(1), UInt16(16)) + bytes(UInt64(size), UInt64(size))
    }

    func directoryEntry(at place: Int) -> Data {
      bytes(UInt32(0x0201_4B50)) + bytes(UInt16(45)) + common
        + bytes(UInt16(28), UInt16(0), UInt16(0), UInt16(0)) + bytes(UInt32(0), UInt32.max) + Data(name.utf8)
        + bytes(UInt16(1), UInt16(24)) + bytes(UInt64(size), UInt64(size), UInt64(place))
    }
  }

  private static func end(members: Int, directory: Int, at place: Int) -> Data {
    bytes(UInt32(0x0606_4B50)) + bytes(UInt64(44)) + bytes(UInt16(45), UInt16(45))
      + bytes(UInt32(0), UInt32(0)) + bytes(UInt64(members), UInt64(members))
      + bytes(UInt64(directory), UInt64(place)) + bytes(UInt32(0x0706_4B50), UInt32(0))
      + bytes(UInt64(place + directory)) + bytes(UInt32(1)) + bytes(UInt32(0x0605_4B50))
      + bytes(UInt16(0), UInt16(0), UInt16(members), UInt16(members)) + bytes(UInt32.max, UInt32.max)
      + bytes(UInt16(0))
  }
}

/// Numbers one after the other, low bytes first.
private func bytes<Number: FixedWidthInteger>(_ numbers: Number...) -> Data {
  numbers.reduce(into: Data()) { data, number in
    withUnsafeBytes(of: number.littleEndian) { data.append(contentsOf: $0) }
  }
}
