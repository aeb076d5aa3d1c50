import CZlib
import Foundation

@testable import CrossModal

extension Gzip {
  /// `count` zeros, deflated as far as it goes.
  static func deflatedZeros(_ count: Int) -> Data? {
    var stream = z_stream()
    guard
      deflateInit2_(
        &stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { return nil }
    defer { deflateEnd(&stream) }
    var zeros = [UInt8](repeating: 0, count: count)
    var out = [UInt8](repeating: 0, count: count / 500 + 1024)
    let written = zeros.withUnsafeMutableBufferPointer { zeros in
      out.withUnsafeMutableBufferPointer { out in
        stream.next_in = zeros.baseAddress
        stream.avail_in = UInt32(zeros.count)
        stream.next_out = out.baseAddress
        stream.avail_out = UInt32(out.count)
        return deflate(&stream, Z_FINISH) == Z_STREAM_END ? out.count - Int(stream.avail_out) : 0
      }
    }
    return written > 0 ? Data(out[..<written]) : nil
  }
}

enum PNGChecksum {
  static func crc(_ data: Data) -> UInt32 {
    UInt32(data.withUnsafeBytes { crc32(0, $0.bindMemory(to: UInt8.self).baseAddress, UInt32($0.count)) })
  }
}
