import Foundation

/// A file's bytes in memory, read from the disk when they are touched.
///
/// `@unchecked Sendable`: the mapping is private and read-only, and never changes after `init`.
public final class MappedFile: @unchecked Sendable {
  /// The file's bytes, as long as this object lives.
  public let bytes: UnsafeRawBufferPointer

  /// - Throws: ``FileError`` when there is no such file or it cannot be read.
  public init(_ path: String) throws {
    // Opening a pipe waits for who writes to it, unless it need not.
    let file = open(path, O_RDONLY | O_NONBLOCK)
    guard file >= 0 else { throw FileError(path: path, action: "read") }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError(path: path, action: "read") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(path: path, action: "read", reason: "is no regular file")
    }
    let size = Int(status.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), memory != MAP_FAILED else {
      throw FileError(path: path, action: "read")
    }
    bytes = UnsafeRawBufferPointer(start: memory, count: size)
  }

  deinit {
    if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
  }
}
