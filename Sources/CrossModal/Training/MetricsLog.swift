import Foundation
import Torch

/// `metrics.jsonl`: one JSON object a line, added at the end.
///
/// What was written after the last checkpoint is cut off when a run resumes, so that a step is never there twice.
final class MetricsLog {
  private let file: AppendedFile

  /// - Parameters:
  ///   - length: bytes that belong to the run so far.
  ///   - checksum: of these; nil where nothing is known of them.
  init(_ folder: URL, length: Int, checksum: String? = nil) throws {
    file = try AppendedFile(
      folder.appendingPathComponent("metrics.jsonl"), length: length, checksum: checksum)
  }

  func append(_ line: JSON) throws { try file.append(Data((line.text() + "\n").utf8)) }

  /// Bytes so far, which are on the disk when this returns.
  func flush() throws -> Int { try file.flush() }

  /// Of all bytes so far.
  var checksum: String { file.checksum }

  /// The lines of a run's log; a last line that was cut off by a kill is left out.
  static func read(_ folder: URL) throws -> [JSON] {
    let data = try Data(contentsOf: folder.appendingPathComponent("metrics.jsonl"))
    return data.split(separator: UInt8(ascii: "\n")).compactMap { try? JSON(json: Data($0)) }
  }
}

/// A file that grows.
final class AppendedFile {
  private let path: String
  private let file: Int32
  private var count = 0
  private var running = RunningChecksum()

  /// - Parameters:
  ///   - length: bytes to keep of what is there; the file is made where there is none.
  ///   - checksum: of those bytes; nil where nothing is known of them.
  /// - Throws: ``TrainingError/badCheckpoint(file:reason:)`` when they are not there or not the same any more;
  ///   `FileError`.
  init(_ url: URL, length: Int, checksum: String? = nil) throws {
    path = url.path
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw FileError(path: path, action: "write") }
    do { try keep(length, checksum) } catch {
      close(file)
      throw error
    }
  }

  private func keep(_ length: Int, _ checksum: String?) throws {
    let present = Int(lseek(file, 0, SEEK_END))
    guard present >= length else {
      throw TrainingError.badCheckpoint(
        file: path, reason: "has \(present) bytes, the checkpoint knows of \(length); it was cut")
    }
    guard lseek(file, 0, SEEK_SET) == 0 else { throw FileError(path: path, action: "read") }
    var buffer = Data(count: 1 << 16)
    while count < length {
      let wanted = min(buffer.count, length - count)
      let got = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress, wanted) }
      guard got > 0 else { throw FileError(path: path, action: "read") }
      running.add(buffer.prefix(got))
      count += got
    }
    if let checksum, checksum != running.text {
      throw TrainingError.badCheckpoint(
        file: path, reason: "was changed since the last checkpoint; it is not what was written")
    }
    guard ftruncate(file, off_t(length)) == 0, lseek(file, off_t(length), SEEK_SET) >= 0 else {
      throw FileError(path: path, action: "write")
    }
  }

  /// Of all bytes so far.
  var checksum: String { running.text }

  func append(_ data: Data) throws {
    try data.withUnsafeBytes { bytes in
      var start = 0
      while start < bytes.count {
        let written = write(file, bytes.baseAddress! + start, bytes.count - start)
        guard written > 0 || errno == EINTR else { throw FileError(path: path, action: "write") }
        start += max(0, written)
      }
    }
    running.add(data)
    count += data.count
  }

  func flush() throws -> Int {
    guard fsync(file) == 0 else { throw FileError(path: path, action: "write") }
    return count
  }

  deinit { close(file) }
}
