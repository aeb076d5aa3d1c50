import Foundation

/// A file that appears under its name only when it is complete.
///
/// It is written under a temporary name beside the target and moved there by ``commit()``; until then the target is as
/// it was. Dropped without a commit, it is removed. A link stays, and what it leads to is written; a pipe or a device is
/// written into at once.
public final class StagedFile {
  private let path: String
  /// Where the file is to stand, behind links, and its name until then; nil for a pipe or device.
  private let places: (target: String, temporary: String)?
  private var file: Int32
  /// What is still to be written: small pieces go together.
  private var pending = Data()
  private var isCommitted = false

  /// - Throws: ``FileError`` that names the target and the system's reason.
  public init(_ path: String) throws {
    self.path = path
    guard case .file(let target) = try OutputPlace(path) else {
      places = nil
      file = try OutputPlace.open(path)
      return
    }
    LeftOvers.remove(
      in: Self.folder(of: target), before: (target as NSString).lastPathComponent + ".", after: ".tmp")
    let temporary = "\(target).\(LeftOvers.digits()).tmp"
    places = (target, temporary)
    StagedFiles.shared.insert(temporary)
    file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else {
      let error = FileError(path: path, action: "write")
      StagedFiles.shared.remove(temporary)
      throw error
    }
    flock(file, LOCK_EX | LOCK_NB)
  }

  /// Writes the next bytes.
  public func append(_ data: Data) throws {
    if pending.count + data.count > 1 << 16 { try writePending() }
    guard data.count > 1 << 16 else { return pending.append(data) }
    try write(data)
  }

  private func writePending() throws {
    try write(pending)
    pending = Data()
  }

  private func write(_ data: Data) throws {
    try data.withUnsafeBytes { bytes in
      var start = 0
      while start < bytes.count {
        let written = Foundation.write(file, bytes.baseAddress! + start, bytes.count - start)
        guard written > 0 || errno == EINTR else { throw FileError(path: path, action: "write") }
        start += max(0, written)
      }
    }
  }

  /// Flushes the file to the disk and gives it its name.
  public func commit() throws {
    try writePending()
    // Pipes and some devices have nothing to flush.
    guard fsync(file) == 0 || places == nil else { throw FileError(path: path, action: "write") }
    if let places {
      try StagedFiles.shared.complete(places.temporary) {
        guard rename(places.temporary, places.target) == 0 else {
          throw FileError(path: path, action: "write")
        }
      }
    }
    isCommitted = true
    let closed = close(file)
    file = -1
    guard closed == 0 else { throw FileError(path: path, action: "write") }
    if let places { Self.flush(folder: Self.folder(of: places.target)) }
  }

  /// The rename itself must reach the disk too.
  private static func flush(folder path: String) {
    let folder = open(path, O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  deinit {
    if let places, !isCommitted {
      unlink(places.temporary)
      StagedFiles.shared.remove(places.temporary)
    }
    if file >= 0 { close(file) }
  }
}

/// The files and folders being written in this process, so that an interrupt can remove them.
///
/// `@unchecked Sendable`: the set is read and written under its lock.
public final class StagedFiles: @unchecked Sendable {
  public static let shared = StagedFiles()
  private let lock = NSLock()
  private var paths: Set<String> = []

  /// Remembers the path of a file or folder that is not complete.
  public func insert(_ path: String) { _ = lock.withLock { paths.insert(path) } }
  /// Forgets it: it is gone.
  public func remove(_ path: String) { _ = lock.withLock { paths.remove(path) } }

  /// Moves it to its place and forgets it. A removal comes before, and the move fails, or after, and finds nothing.
  public func complete(_ path: String, _ move: () throws -> Void) throws {
    try lock.withLock {
      guard paths.contains(path) else { throw FileError(path: path, action: "write", reason: "interrupted") }
      try move()
      paths.remove(path)
    }
  }

  /// Removes everything that is not complete; for the way out on a signal.
  public func removeAll() {
    lock.withLock {
      for path in paths { try? FileManager.default.removeItem(atPath: path) }
      paths = []
    }
  }
}
