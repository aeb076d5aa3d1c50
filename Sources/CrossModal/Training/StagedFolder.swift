import Foundation
import Torch

/// A folder that appears under its name only when it is complete.
///
/// It is filled under a temporary name beside the target and moved there by ``commit()``; until then the
/// target is as it was. Dropped without a commit, it is removed.
public final class StagedFolder {
  /// Where files are written.
  public let folder: URL
  private let target: URL
  private let replacing: Bool
  private var isCommitted = false

  /// - Parameter replacing: a run that stands at `target` may be replaced.
  /// - Throws: ``RunError`` when something stands at `target` that may not be replaced.
  public init(for target: URL, replacing: Bool) throws {
    try StagedFolder.check(target, replacing: replacing)
    self.target = target.standardizedFileURL
    self.replacing = replacing
    let parent = self.target.deletingLastPathComponent()
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    folder = parent.appendingPathComponent(
      ".\(self.target.lastPathComponent).\(UUID().uuidString.prefix(8)).tmp")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    StagedFolders.shared.insert(folder)
  }

  /// Whether a run may be written to `target`: nothing there, an empty folder, or a run with leave to replace it.
  public static func check(_ target: URL, replacing: Bool) throws {
    let path = target.path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
    let all = isFolder.boolValue ? try FileManager.default.contentsOfDirectory(atPath: path) : [path]
    // A lock and a half-written record may be left over from a training that was killed as it began.
    let names = all.filter { $0 != RunLock.name && !isUnfinishedRecord($0) }
    if all.contains(RunLock.name) { try RunLock.check(target) }
    if isFolder.boolValue && names.isEmpty { return }
    guard names.contains("config.yaml"), RunRecord.isRecord(path + "/config.yaml") else {
      throw RunError.notEmpty(path)
    }
    guard replacing else { throw RunError.exists(path) }
  }

  /// Whether a file of this name is what ``AtomicFile`` leaves of a run's record when the process is killed.
  private static func isUnfinishedRecord(_ name: String) -> Bool {
    name.hasPrefix("config.yaml.") && name.hasSuffix(".tmp")
  }

  /// Moves the folder to its place.
  ///
  /// - Throws: ``RunError`` when something has come to stand there meanwhile that may not be replaced.
  public func commit() throws {
    try StagedFolder.check(target, replacing: replacing)
    let old = folder.appendingPathExtension("old")
    // A signal between the two moves must not remove what is complete.
    StagedFolders.shared.remove(folder)
    isCommitted = true
    do {
      if rename(target.path, old.path) != 0, errno != ENOENT {
        throw FileError(path: target.path, action: "write")
      }
      // Nobody's folder goes: this fails where another process was faster.
      guard rename(folder.path, target.path) == 0 else {
        let isTaken = errno == ENOTEMPTY || errno == EEXIST
        throw isTaken ? RunError.exists(target.path) : FileError(path: target.path, action: "write")
      }
    } catch {
      rename(old.path, target.path)
      StagedFolders.shared.insert(folder)
      isCommitted = false
      throw error
    }
    try? FileManager.default.removeItem(at: old)
  }

  deinit {
    if !isCommitted {
      try? FileManager.default.removeItem(at: folder)
      StagedFolders.shared.remove(folder)
    }
  }
}

/// The folders being filled in this process, so that an interrupt can remove them.
///
/// `@unchecked Sendable`: the set is read and written under its lock.
public final class StagedFolders: @unchecked Sendable {
  public static let shared = StagedFolders()
  private let lock = NSLock()
  private var folders: Set<URL> = []

  fileprivate func insert(_ folder: URL) { _ = lock.withLock { folders.insert(folder) } }
  fileprivate func remove(_ folder: URL) { _ = lock.withLock { folders.remove(folder) } }

  /// Removes everything that is not complete; for the way out on a signal.
  public func removeAll() {
    for folder in lock.withLock({ folders }) { try? FileManager.default.removeItem(at: folder) }
  }
}
