import CZlib
import Foundation

/// Inflates gzip files, of one member or several.
enum Gzip {
  static func isGzip(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count > 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
  }

  /// The contents.
  ///
  /// Large ones are inflated twice: first to nowhere, so that a bomb costs no memory and the size is known.
  /// - Throws: ``DataError`` when the data are damaged, cut short, or larger than `limits` allow.
  static func inflated(
    _ bytes: UnsafeRawBufferPointer, name: String, limits: Limits
  ) throws(DataError) -> OwnedBytes {
    let out = OwnedBytes()
    // Deflate gives at most 1032 times its input.
    if bytes.count > limits.alwaysInflated / 1032 {
      let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: step, alignment: 16)
      defer { scratch.deallocate() }
      // And a step, because room for one is asked for before it is known that nothing follows.
      out.reserve(try inflate(bytes, name: name, limits: limits) { $0(scratch) } + step)
    }
    _ = try inflate(bytes, name: name, limits: limits) { fill in out.append(atMost: step, fill: fill) }
    return out
  }

  private static let step = 1 << 18

  /// Inflates everything into what `take` offers, a piece at a time; gives the size.
  private static func inflate(
    _ bytes: UnsafeRawBufferPointer, name: String, limits: Limits,
    into take: ((UnsafeMutableRawBufferPointer) -> Int) -> Int
  ) throws(DataError) -> Int {
    var stream = z_stream()
    // 15 bits of window, +16: gzip and nothing else.
    guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw .unreadable(file: name, reason: "zlib could not start")
    }
    defer { inflateEnd(&stream) }
    var total = 0
    var consumed = 0
    var isComplete = false
    while true {
      if stream.avail_in == 0, consumed < bytes.count {
        let next = min(bytes.count - consumed, 1 << 24)
        stream.next_in = UnsafeMutablePointer(
          mutating: bytes.baseAddress?.advanced(by: consumed).assumingMemoryBound(to: UInt8.self))
        stream.avail_in = UInt32(next)
        consumed += next
      }
      if isComplete {
        // Another member may follow; zeros that pad the file may not be one.
        let rest = UnsafeRawBufferPointer(rebasing: bytes[(consumed - Int(stream.avail_in))...])
        if rest.allSatisfy({ $0 == 0 }) { return total }
        guard isGzip(rest), inflateReset(&stream) == Z_OK else {
          throw .malformed(file: name, reason: "has other data after its gzip members")
        }
        isComplete = false
      }
      var status = Z_OK
      let got = take { room in
        stream.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(room.count)
        status = CZlib.inflate(&stream, Z_NO_FLUSH)
        return room.count - Int(stream.avail_out)
      }
      total += got
      try limits.check(inflated: total, compressed: bytes.count, file: name)
      switch status {
      case Z_STREAM_END: isComplete = true
      case Z_OK where got > 0 || stream.avail_in > 0 || consumed < bytes.count: continue
      case Z_OK, Z_BUF_ERROR: throw .malformed(file: name, reason: "is cut short: its gzip data do not end")
      default:
        throw .malformed(
          file: name, place: "byte \(consumed - Int(stream.avail_in))",
          reason: "the gzip data are damaged")
      }
    }
  }
}
