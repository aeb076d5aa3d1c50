import CTorch
import Foundation

/// What stands where a file is to be written, which decides how it is written.
enum OutputPlace {
  /// Nothing, or a file that another may take the place of: its path, behind links.
  case file(String)
  /// A pipe or a device such as /dev/null: it stays, and the bytes go into it.
  case stream

  /// - Throws: ``FileError`` where nothing can be written: a folder, a disk, a socket.
  init(_ path: String) throws {
    var status = stat()
    guard stat(path, &status) == 0 else {
      guard errno == ENOENT else { throw FileError(path: path, action: "write") }
      self = .file(try Self.end(of: path))
      return
    }
    let refusal =
      switch status.st_mode & S_IFMT {
      case S_IFREG: ""
      case S_IFIFO, S_IFCHR: ""
      case S_IFDIR: "it is a folder"
      case S_IFBLK: "it is a disk, whose content would be lost"
      default: "it is no file"
      }
    guard refusal.isEmpty else { throw FileError(path: path, action: "write", reason: refusal) }
    self = status.st_mode & S_IFMT == S_IFREG ? .file(try Self.end(of: path)) : .stream
  }

  /// Where links lead, also when nothing is there yet.
  private static func end(of path: String) throws -> String {
    var path = path
    for _ in 0..<40 {
      var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
      let count = readlink(path, &bytes, bytes.count - 1)
      guard count > 0 else { return path }
      let next = String(decoding: bytes[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
      path = next.hasPrefix("/") ? next : StagedFile.folder(of: path) + "/" + next
    }
    throw FileError(path: path, action: "write", reason: String(cString: strerror(ELOOP)))
  }

  /// Opens a pipe or device. A pipe that nobody reads from would be waited for without an end.
  static func open(_ path: String) throws -> Int32 {
    let file = Foundation.open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else {
      throw FileError(
        path: path, action: "write", reason: errno == ENXIO ? "it is a pipe that nobody reads from" : nil)
    }
    _ = fcntl(file, F_SETFL, fcntl(file, F_GETFL) & ~O_NONBLOCK)
    return file
  }
}

extension StagedFile {
  /// Whether a file may be written, to be asked before the work whose result it is to hold.
  ///
  /// - Parameter replacing: a file that stands there may be replaced.
  /// - Throws: ``FileError`` where a file stands, the folder is missing or nothing may be written.
  public static func check(_ path: String, replacing: Bool) throws {
    guard case .file(let end) = try OutputPlace(path) else {
      guard access(path, W_OK) == 0 else { throw FileError(path: path, action: "write") }
      return
    }
    guard replacing || access(end, F_OK) != 0 else {
      throw FileError(path: path, action: "write", reason: "a file is there already; --force replaces it")
    }
    guard access(folder(of: end), W_OK | X_OK) == 0 else { throw FileError(path: path, action: "write") }
  }

  static func folder(of path: String) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    return folder.isEmpty ? "." : folder
  }
}

/// What processes that were killed left under temporary names.
///
/// Whoever writes under such a name keeps it locked, and the system lets go of a lock however a process ends: a name that
/// can be locked is nobody's.
public enum LeftOvers {
  /// The names in a folder that begin and end so, with the eight digits between that make them unique.
  public static func names(in folder: String, before: String, after: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { name in
      guard name.hasPrefix(before), name.hasSuffix(after) else { return false }
      let middle = name.dropFirst(before.count).dropLast(after.count)
      return name.count == before.count + 8 + after.count && middle.allSatisfy(\.isHexDigit)
    }.sorted()
  }

  /// Eight digits for a name.
  public static func digits() -> String { String(UUID().uuidString.prefix(8)) }

  /// Keeps a name for this process until the descriptor is closed; -1 where it cannot be opened or is another's.
  public static func lock(_ path: String) -> Int32 {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return -1 }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      close(file)
      return -1
    }
    return file
  }

  /// Removes files and folders that are nobody's.
  public static func remove(in folder: String, before: String, after: String) {
    for name in names(in: folder, before: before, after: after) {
      let path = folder + "/" + name
      let file = lock(path)
      guard file >= 0 else { continue }
      try? FileManager.default.removeItem(atPath: path)
      close(file)
    }
  }
}

/// Exchanges the names of two files or folders in one step, so that at no instant one of them is missing.
///
/// - Returns: false where the system or the file system has no such step.
/// - Throws: ``FileError`` for every other failure.
public func exchangeNames(_ one: String, _ other: String) throws -> Bool {
  switch ct_exchange(one, other) {
  case 0: true
  case ENOSYS, EINVAL, ENOTSUP: false
  case let code: throw FileError(path: other, action: "write", reason: String(cString: strerror(code)))
  }
}
