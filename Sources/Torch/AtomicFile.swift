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
    let file = try StagedFile(path)
    try body(file.append)
    try file.commit()
  }
}
