import Foundation
import Torch

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Every score of a test, scored once, read by rows and by columns.
///
/// Kept in memory up to a limit, beyond it in a mapped temporary file that has no name any more.
final class ScoreTable<Score: BinaryFloatingPoint & TensorElement> {
  let rows: Int
  let columns: Int
  private let base: UnsafeMutablePointer<Score>
  private let bytes: Int

  init(rows: Int, columns: Int, memoryLimit: Int) throws {
    self.rows = rows
    self.columns = columns
    bytes = max(1, rows * columns * MemoryLayout<Score>.stride)
    var descriptor: Int32 = -1
    if bytes > memoryLimit {
      var path = Array((FileManager.default.temporaryDirectory.path + "/scores.XXXXXX").utf8CString)
      descriptor = mkstemp(&path)
      guard descriptor >= 0 else { throw EvaluationError.noRoom(bytes: bytes) }
      unlink(path)
      // The room is taken now: a full disk found later would end the process.
      guard Self.allocate(descriptor, bytes) else {
        close(descriptor)
        throw EvaluationError.noRoom(bytes: bytes)
      }
    }
    defer { if descriptor >= 0 { close(descriptor) } }
    let flags = descriptor >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS
    guard let mapped = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, descriptor, 0), mapped != MAP_FAILED
    else { throw EvaluationError.noRoom(bytes: bytes) }
    base = mapped.bindMemory(to: Score.self, capacity: rows * columns)
  }

  private static func allocate(_ descriptor: Int32, _ bytes: Int) -> Bool {
    // A disk is not filled to find out that it is too small.
    var disk = statvfs()
    guard fstatvfs(descriptor, &disk) == 0, UInt(bytes) / UInt(disk.f_frsize) < UInt(disk.f_bavail) else {
      return false
    }
    #if canImport(Darwin)
      var room = fstore_t(
        fst_flags: UInt32(F_ALLOCATEALL), fst_posmode: F_PEOFPOSMODE, fst_offset: 0, fst_length: off_t(bytes),
        fst_bytesalloc: 0)
      return fcntl(descriptor, F_PREALLOCATE, &room) != -1 && ftruncate(descriptor, off_t(bytes)) == 0
    #else
      return posix_fallocate(descriptor, 0, off_t(bytes)) == 0
    #endif
  }

  deinit { munmap(base, bytes) }

  /// Stores scores `[n, columns]` from row `start` on.
  func store(_ block: Tensor, from start: Int) throws {
    try block.withUnsafeBytes { bytes in
      guard let source = bytes.baseAddress else { return }
      UnsafeMutableRawPointer(base + start * columns).copyMemory(from: source, byteCount: bytes.count)
    }
  }

  /// One score.
  subscript(row: Int, column: Int) -> Score {
    get { base[row * columns + column] }
    set { base[row * columns + column] = newValue }
  }

  /// Scores of each row against all columns.
  func forEachRow(_ body: (Int, UnsafeBufferPointer<Score>) -> Void) {
    for row in 0..<rows {
      body(row, UnsafeBufferPointer(start: base + row * columns, count: columns))
    }
  }

  /// Scores of each column against all rows; columns are read 64 at a time, each line of memory once.
  func forEachColumn(_ body: (Int, UnsafeBufferPointer<Score>) -> Void) {
    let width = 64
    let tile = UnsafeMutablePointer<Score>.allocate(capacity: width * max(1, rows))
    defer { tile.deallocate() }
    for start in stride(from: 0, to: columns, by: width) {
      let count = min(width, columns - start)
      for row in 0..<rows {
        let line = base + row * columns + start
        for column in 0..<count { tile[column * rows + row] = line[column] }
      }
      for column in 0..<count {
        body(start + column, UnsafeBufferPointer(start: tile + column * rows, count: rows))
      }
    }
  }
}
