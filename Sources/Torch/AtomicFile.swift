import Foundation

/// Writes files so that a reader sees the old content or the new, never a part.
public enum AtomicFile {
  /// Writes `data` to a temporary name beside `path`, flushes it to the disk and renames it.
  ///
  /// - Throws: ``FileError`` that names the file and the system's reason; the old content is kept then.
  public static func write(_ data: Data, to path: String) throws {
    try write(to: path) { try $0(data) }
  }

  /// Writes a file in pieces; `body` is given a function that appends one.
  public static func write(to path: String, _ body: ((Data) throws -> Void) throws -> Void) throws {
    let temporary = "\(path).\(UUID().uuidString.prefix(8)).tmp"
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o644)
    guard file >= 0 else { throw FileError(path: path, action: "write") }
    var isOpen = true
    do {
      try body { data in try append(data, to: file, path: path) }
      guard fsync(file) == 0 else { throw FileError(path: path, action: "write") }
      isOpen = false
      guard close(file) == 0, rename(temporary, path) == 0 else {
        throw FileError(path: path, action: "write")
      }
      flushFolder(of: path)
    } catch {
      if isOpen { close(file) }
      unlink(temporary)
      throw error
    }
  }

  private static func append(_ data: Data, to file: Int32, path: String) throws {
    try data.withUnsafeBytes { bytes in
      var start = 0
      while start < bytes.count {
        let written = Foundation.write(file, bytes.baseAddress! + start, bytes.count - start)
        guard written > 0 || errno == EINTR else { throw FileError(path: path, action: "write") }
        start += max(0, written)
      }
    }
  }

  /// The rename itself must reach the disk too.
  private static func flushFolder(of path: String) {
    let folder = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }
}

/// What the system refused to do with a file.
public struct FileError: LocalizedError, Equatable {
  public let path: String
  public let action: String
  public let reason: String

  /// - Parameter reason: the system's reason for its last failure when nil.
  public init(path: String, action: String, reason: String? = nil) {
    self.path = path
    self.action = action
    self.reason = reason ?? String(cString: strerror(errno))
  }

  public var errorDescription: String? { "\(path): cannot \(action): \(reason)" }
}
