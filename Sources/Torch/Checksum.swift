import CZlib
import Foundation

/// CRC-32 as zip and PNG use it, in eight hexadecimal digits.
public enum Checksum {
  /// Of some bytes.
  public static func text(of data: Data) -> String { data.withUnsafeBytes { text(of: $0) } }

  static func text(of bytes: UnsafeRawBufferPointer) -> String {
    let checksum = crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    let digits = String(checksum, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
