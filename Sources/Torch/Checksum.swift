import CZlib
import Foundation

/// CRC-32 as zip and PNG use it, in eight hexadecimal digits.
public enum Checksum {
  /// Of some bytes.
  public static func text(of data: Data) -> String { data.withUnsafeBytes { text(of: $0) } }

  /// The same without a copy.
  public static func text(of bytes: UnsafeRawBufferPointer) -> String {
    digits(crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
  }

  fileprivate static func digits(_ checksum: UInt) -> String {
    let digits = String(checksum, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}

/// A CRC-32 of bytes that come one after the other.
public struct RunningChecksum: Sendable {
  private var checksum: UInt = 0

  public init() {}

  public mutating func add(_ data: Data) {
    checksum = data.withUnsafeBytes {
      $0.isEmpty ? checksum : crc32_z(checksum, $0.bindMemory(to: UInt8.self).baseAddress, $0.count)
    }
  }

  /// In eight hexadecimal digits.
  public var text: String { Checksum.digits(checksum) }
}
