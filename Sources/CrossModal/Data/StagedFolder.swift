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
  private let kind: FolderKind
  private let replacing: Bool
  private var isCommitted = false

  /// - Parameters:
  ///   - kind: what the folder will hold.
  ///   - replacing: one of that kind that stands at `target` may be replaced.
  /// - Throws: ``FolderError`` when something stands at `target` that may not be replaced.
  public init(for target: URL, kind: FolderKind, replacing: Bool) throws {
    try StagedFolder.check(target, kind: kind, replacing: replacing)
    // A link leads to the folder that is filled.
    self.target = target.standardizedFileURL.resolvingSymlinksInPath()
    self.kind = kind
    self.replacing = replacing
    let parent = self.target.deletingLastPathComponent()
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    folder = parent.appendingPathComponent(
      ".\(self.target.lastPathComponent).\(UUID().uuidString.prefix(8)).tmp")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    StagedFiles.shared.insert(folder.path)
  }

  /// Whether `target` may be written to: nothing is there, an empty folder, or one of the kind with leave to replace it.
  ///
  /// - Throws: ``FolderError`` for what may not be replaced; `FileError` where a file stands in the way.
  public static func check(_ target: URL, kind: FolderKind, replacing: Bool) throws {
    let path = target.path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      if let end = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
        throw FileError(path: path, action: "write", reason: "it is a link to \(end), which is not there")
      }
      return try checkParents(of: target)
    }
    let all = isFolder.boolValue ? try FileManager.default.contentsOfDirectory(atPath: path) : [path]
    if isFolder.boolValue { try kind.checkFree(target) }
    let names = all.filter { !kind.isLeftOver($0) }
    if isFolder.boolValue && names.isEmpty { return }
    guard isFolder.boolValue, kind.isOne(target) else { throw FolderError.notEmpty(path, kind) }
    guard replacing else { throw FolderError.exists(path, kind) }
  }

  /// Folders are made where they are missing, but not in place of a file.
  private static func checkParents(of target: URL) throws {
    var parent = target.standardizedFileURL.deletingLastPathComponent()
    var isFolder: ObjCBool = false
    while parent.path != "/", !FileManager.default.fileExists(atPath: parent.path, isDirectory: &isFolder) {
      parent.deleteLastPathComponent()
    }
    guard parent.path == "/" || isFolder.boolValue else {
      throw FileError(path: target.path, action: "write", reason: "\(parent.path) is not a folder")
    }
  }

  /// Moves the folder to its place.
  ///
  /// - Throws: ``FolderError`` when something has come to stand there meanwhile that may not be replaced.
  public func commit() throws {
    try StagedFolder.check(target, kind: kind, replacing: replacing)
    let old = folder.appendingPathExtension("old")
    // A signal between the moves must not remove what is complete, nor end the process.
    try StagedFiles.shared.complete(folder.path) { try move(old) }
    isCommitted = true
    if replacing { try? FileManager.default.removeItem(at: old) }
  }

  /// Puts the folder in its place, and what stands there and may be replaced in that of `old`.
  private func move(_ old: URL) throws {
    if replacing {
      if rename(target.path, old.path) != 0, errno != ENOENT {
        throw FileError(path: target.path, action: "write")
      }
    } else {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: target.path)) ?? []
      where kind.isLeftOver(name) { unlink(target.appendingPathComponent(name).path) }
    }
    // Nobody's folder goes: this fails where another process was faster.
    guard rename(folder.path, target.path) == 0 else {
      let isTaken = errno == ENOTEMPTY || errno == EEXIST
      let error: any Error =
        isTaken ? FolderError.exists(target.path, kind) : FileError(path: target.path, action: "write")
      if replacing { rename(old.path, target.path) }
      throw error
    }
  }

  deinit {
    if !isCommitted {
      try? FileManager.default.removeItem(at: folder)
      StagedFiles.shared.remove(folder.path)
    }
  }
}
