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
  /// Keeps the temporary name for this process.
  private let lock: Int32
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
    let names = Self.names(of: self.target)
    folder = parent.appendingPathComponent(names.before + LeftOvers.digits() + names.after)
    StagedFiles.shared.insert(folder.path)
    do { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false) } catch {
      StagedFiles.shared.remove(folder.path)
      guard let told = FileError(error) else { throw error }
      throw FileError(path: self.target.path, action: told.action, reason: told.reason)
    }
    lock = LeftOvers.lock(folder.path)
  }

  /// What stands before and behind the digits of a temporary name.
  private static func names(of target: URL) -> (before: String, after: String) {
    (".\(target.lastPathComponent).", ".tmp")
  }
  /// Behind the temporary name: what stood at the target, where names cannot be exchanged.
  private static let old = ".old"

  /// Puts in order what killed processes left beside a target. What stood there gets its name back, where one was killed
  /// between taking it away and putting another in its place; the rest goes.
  public static func tidy(_ target: URL) {
    let place = target.standardizedFileURL.resolvingSymlinksInPath()
    let (parent, names) = (place.deletingLastPathComponent(), names(of: place))
    if !FileManager.default.fileExists(atPath: place.path),
      let last = LeftOvers.names(in: parent.path, before: names.before, after: names.after + old).first
    {
      rename(parent.appendingPathComponent(last).path, place.path)
    }
    for after in [names.after, names.after + old] {
      LeftOvers.remove(in: parent.path, before: names.before, after: after)
    }
  }

  /// Whether `target` may be written to: nothing is there, an empty folder, or one of the kind with leave to replace it.
  ///
  /// - Parameter isFilledInPlace: it is not put there as a whole, so that nothing beside it need be written.
  /// - Throws: ``FolderError`` for what may not be replaced; `FileError` where a file stands in the way or nothing may be
  ///   written.
  public static func check(
    _ target: URL, kind: FolderKind, replacing: Bool, isFilledInPlace: Bool = false
  ) throws {
    tidy(target)
    let path = target.path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      if let end = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
        throw FileError(path: path, action: "write", reason: "it is a link to \(end), which is not there")
      }
      return try checkParents(of: target)
    }
    let place = target.standardizedFileURL.resolvingSymlinksInPath()
    try checkWritable(isFilledInPlace ? place : place.deletingLastPathComponent(), for: target)
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
    try checkWritable(parent, for: target)
  }

  private static func checkWritable(_ folder: URL, for target: URL) throws {
    guard access(folder.path, W_OK | X_OK) == 0 else { throw FileError(path: target.path, action: "write") }
  }

  /// Lets something be written into the folder; what cannot be is named as it would stand at the target.
  public func fill(_ write: (URL) throws -> Void) throws {
    do { try write(folder) } catch {
      guard let told = error as? FileError ?? FileError(error), told.path.hasPrefix(folder.path) else {
        throw error
      }
      throw FileError(
        path: target.path + told.path.dropFirst(folder.path.count), action: told.action, reason: told.reason)
    }
  }

  /// Takes in what another folder on the same disk holds, without a copy where the file system can.
  ///
  /// - Parameter names: what stays out.
  /// - Throws: `FileError` that names the file as it would stand at the target.
  public func link(contentsOf source: URL, except names: Set<String>) throws {
    let paths = try FileManager.default.subpathsOfDirectory(atPath: source.path).filter {
      !names.contains($0)
    }
    try fill { folder in
      for path in paths {
        let (old, new) = (source.appendingPathComponent(path), folder.appendingPathComponent(path))
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: old.path, isDirectory: &isFolder)
        if isThere, isFolder.boolValue {
          try FileManager.default.createDirectory(at: new, withIntermediateDirectories: true)
        } else if Foundation.link(old.path, new.path) != 0 {
          try AtomicFile.write(Data(contentsOf: old, options: .alwaysMapped), to: new.path)
        }
      }
    }
  }

  /// Moves the folder to its place.
  ///
  /// - Throws: ``FolderError`` when something has come to stand there meanwhile that may not be replaced.
  public func commit() throws {
    try StagedFolder.check(target, kind: kind, replacing: replacing)
    // A signal between the moves must not remove what is complete, nor end the process.
    var old: String?
    try StagedFiles.shared.complete(folder.path) { old = try move() }
    isCommitted = true
    if let old { try? FileManager.default.removeItem(atPath: old) }
  }

  /// Puts the folder in its place.
  ///
  /// - Returns: where now is what stood there and was replaced; nil when nothing did.
  private func move() throws -> String? {
    let old = folder.path + Self.old
    var isTaken = false
    if replacing {
      if FileManager.default.fileExists(atPath: target.path), try exchangeNames(folder.path, target.path) {
        return folder.path
      }
      isTaken = rename(target.path, old) == 0
      if !isTaken, errno != ENOENT { throw FileError(path: target.path, action: "write") }
    } else {
      for name in (try? FileManager.default.contentsOfDirectory(atPath: target.path)) ?? []
      where kind.isLeftOver(name) { unlink(target.appendingPathComponent(name).path) }
    }
    // Nobody's folder goes: this fails where another process was faster.
    guard rename(folder.path, target.path) == 0 else {
      let isOthers = errno == ENOTEMPTY || errno == EEXIST
      let error: any Error =
        isOthers ? FolderError.exists(target.path, kind) : FileError(path: target.path, action: "write")
      if isTaken { rename(old, target.path) }
      throw error
    }
    return isTaken ? old : nil
  }

  deinit {
    if !isCommitted {
      try? FileManager.default.removeItem(at: folder)
      StagedFiles.shared.remove(folder.path)
    }
    if lock >= 0 { close(lock) }
  }
}
