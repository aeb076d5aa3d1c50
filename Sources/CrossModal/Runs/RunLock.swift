import Foundation
import Torch

/// Keeps a run folder for one process. The system lets go of it when the process ends, however it ends.
final class RunLock {
  /// The file that is locked.
  static let name = ".lock"
  private let descriptor: Int32
  private let path: String

  /// - Throws: ``TrainingError/locked(_:)`` when another process has it; `FileError`.
  init(_ folder: URL) throws {
    path = folder.appendingPathComponent(Self.name).path
    while true {
      let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
      guard file >= 0 else { throw FileError(path: path, action: "write") }
      guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
        close(file)
        throw TrainingError.locked(folder.path)
      }
      // The owner before may have removed the file between opening and locking.
      var mine = stat()
      var named = stat()
      if fstat(file, &mine) == 0, stat(path, &named) == 0, mine.st_ino == named.st_ino {
        descriptor = file
        return
      }
      close(file)
    }
  }

  /// Throws when another process trains into the folder.
  static func check(_ folder: URL) throws {
    let file = open(folder.appendingPathComponent(name).path, O_RDWR | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else { throw TrainingError.locked(folder.path) }
  }

  deinit {
    unlink(path)
    close(descriptor)
  }
}

extension FolderKind {
  /// The folder of a run.
  public static let run = FolderKind(runOfThisProcess) {
    try RunLock.check($0)
    try RunLock.check($0.appendingPathComponent(RunFolder.replacement))
  }

  /// The folder of a run in which this process trains, so that its lock is no hindrance.
  static let runOfThisProcess = FolderKind(
    "run", advice: " (train and export replace it with --force)",
    isOne: { RunRecord.isRecord($0.appendingPathComponent("config.yaml").path) },
    // The lock of a training that was killed as it began, or what `AtomicFile` had written of the record.
    isLeftOver: { $0 == RunLock.name || $0.hasPrefix("config.yaml.") && $0.hasSuffix(".tmp") })
}
