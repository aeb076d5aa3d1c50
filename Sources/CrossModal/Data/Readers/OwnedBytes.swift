import Foundation

/// Bytes in memory that grow while they are read and then stay as they are: the contents of a compressed
/// file or member. Written to before it is shared and never after.
final class OwnedBytes: @unchecked Sendable {
  private var base: UnsafeMutableRawPointer?
  private var capacity = 0
  private(set) var count = 0

  init() {}

  deinit { free(base) }

  /// The bytes, as long as this object lives.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Makes room for so many bytes in all, so that it need not grow.
  func reserve(_ size: Int) {
    guard size > capacity, let room = realloc(base, size) else { return }
    (base, capacity) = (room, size)
  }

  /// Room for more bytes behind the present ones; `fill` says how many it wrote, and so does this.
  @discardableResult
  func append(atMost size: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Int) rethrows -> Int {
    if count + size > capacity {
      capacity = max(count + size, capacity + capacity / 2)
      base = realloc(base, capacity)
    }
    guard let base else { preconditionFailure("the system has no memory left") }
    let added = try fill(UnsafeMutableRawBufferPointer(start: base + count, count: size))
    count += added
    return added
  }
}
