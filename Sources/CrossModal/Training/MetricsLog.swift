import Foundation

/// `metrics.jsonl`: one JSON object a line, added at the end.
///
/// What was written after the last checkpoint is cut off when a run resumes, so that a step is never there twice.
final class MetricsLog {
  private let file: AppendedFile

  /// - Parameter length: bytes that belong to the run so far.
  init(_ folder: URL, length: Int) throws {
    file = try AppendedFile(folder.appendingPathComponent("metrics.jsonl"), length: length)
  }

  func append(_ line: JSON) throws { try file.append(Data((line.text() + "\n").utf8)) }

  /// Bytes so far, which are on the disk when this returns.
  func flush() throws -> Int { try file.flush() }

  /// The lines of a run's log; a last line that was cut off by a kill is left out.
  static func read(_ folder: URL) throws -> [JSON] {
    let data = try Data(contentsOf: folder.appendingPathComponent("metrics.jsonl"))
    return data.split(separator: UInt8(ascii: "\n")).compactMap { try? JSON(json: Data($0)) }
  }
}

/// A file that grows.
final class AppendedFile {
  private let handle: FileHandle
  private var count: Int

  /// - Parameter length: bytes to keep of what is there; the file is made where there is none.
  init(_ url: URL, length: Int) throws {
    if !FileManager.default.fileExists(atPath: url.path) { try Data().write(to: url) }
    handle = try FileHandle(forUpdating: url)
    let present = Int(try handle.seekToEnd())
    guard present >= length else {
      throw TrainingError.badCheckpoint(
        file: url.path, reason: "has \(present) bytes, the checkpoint knows of \(length); it was cut")
    }
    try handle.truncate(atOffset: UInt64(length))
    try handle.seek(toOffset: UInt64(length))
    count = length
  }

  func append(_ data: Data) throws {
    try handle.write(contentsOf: data)
    count += data.count
  }

  func flush() throws -> Int {
    try handle.synchronize()
    return count
  }
}
