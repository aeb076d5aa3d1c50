import CFormats
import CrossModal
import Foundation
import Torch

/// A file that a library for its format reads, in a process of its own that ends with this object.
///
/// `@unchecked Sendable`: every question to the process is asked under a lock.
final class ForeignFile: @unchecked Sendable {
  let name: String
  /// Size of the file.
  let bytes: Int
  private let handle: cf_file
  private let lock = NSLock()
  private var listed: NameList?

  enum Format {
    case matlab
    case hdf5
  }

  /// Names of the arrays of a file, as paths.
  struct NameList: Sendable {
    let all: [String]
    let set: Set<String>
    /// Groups that hold one array alone, and that array; nil for groups that hold several.
    private let groups: [Substring: String?]

    init(_ names: [String]) {
      all = names
      set = Set(names)
      var groups: [Substring: String?] = [:]
      for name in names {
        for end in name.indices where name[end] == "/" {
          groups[name[..<end]] = .some(groups[name[..<end]] == nil ? name : nil)
        }
      }
      self.groups = groups
    }

    /// The array of a name; a group that holds one array alone stands for it.
    func path(_ name: String) -> String? {
      let name = name.hasPrefix("/") ? String(name.dropFirst()) : name
      return set.contains(name) ? name : groups[Substring(name)] ?? nil
    }
  }

  private init(_ url: URL, _ format: Format) throws(DataError) {
    name = url.relativeName
    // What cannot be read at all is said as for every file.
    bytes = try InputFile(url).bytes.count
    guard let handle = cf_open(url.path, Int32(format == .hdf5 ? CF_HDF5 : CF_MATLAB)) else {
      throw ForeignFile.failure(name)
    }
    self.handle = handle
  }

  deinit { cf_close(handle) }

  /// The last failure of a C function on this thread.
  private static func failure(_ name: String) -> DataError {
    .malformed(file: name, reason: String(cString: cf_last_error()))
  }

  /// Names of all arrays, without those that begin with a number sign: what MATLAB keeps beside its variables.
  func names(limits: Limits) throws(DataError) -> NameList {
    let names: NameList? = lock.withLock {
      if let listed { return listed }
      var names: [String] = []
      let done = withUnsafeMutablePointer(to: &names) { pointer in
        cf_list(
          handle, Int64(limits.members),
          { context, name in
            guard let context, let name else { return }
            context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
          }, pointer)
      }
      let shown = names.filter { !$0.hasPrefix("#") }
      listed = done ? NameList(shown) : nil
      return listed
    }
    guard let names else { throw ForeignFile.failure(name) }
    return names
  }

  /// Type and shape of an array.
  func describe(_ variable: String) throws(DataError) -> cf_info {
    var info = cf_info()
    guard lock.withLock({ cf_describe(handle, variable, &info) }) else { throw ForeignFile.failure(name) }
    return info
  }

  /// A block of an array, as its numbers lie in the file.
  func read(_ variable: String, starts: [Int], counts: [Int], dtype: DataType) throws -> Tensor {
    let bytes = counts.reduce(dtype.size, *)
    guard bytes > 0 else { return try Tensor.zeros(counts, dtype) }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
    let owner = OwnedMemory(memory)
    let done = lock.withLock {
      cf_read(
        handle, variable, Int32(counts.count), starts.map(Int64.init), counts.map(Int64.init),
        memory.baseAddress, Int64(bytes))
    }
    guard done else { throw ForeignFile.failure(name) }
    return try Tensor(sharing: UnsafeRawBufferPointer(memory), owner: owner, shape: counts, dtype: dtype)
  }
}

extension ForeignFile {
  /// The files that are open, so that all arrays of one file share its process.
  private static let open = OpenFiles()

  private final class OpenFiles: @unchecked Sendable {
    private struct Entry {
      weak var file: ForeignFile?
      let stamp: Stamp
    }

    /// Different after the file has been written anew.
    private struct Stamp: Equatable {
      let device: UInt64
      let number: UInt64
      let size: Int64
      let seconds: Int
      let nanoseconds: Int

      init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        #if os(Linux)
          let time = status.st_mtim
        #else
          let time = status.st_mtimespec
        #endif
        (device, number, size) = (
          UInt64(truncatingIfNeeded: status.st_dev), UInt64(status.st_ino), Int64(status.st_size)
        )
        (seconds, nanoseconds) = (time.tv_sec, time.tv_nsec)
      }
    }

    private let lock = NSLock()
    private var entries: [String: Entry] = [:]

    func file(at url: URL, _ format: Format) throws -> ForeignFile {
      try lock.withLock {
        let path = url.standardizedFileURL.path
        let stamp = Stamp(path)
        if let entry = entries[path], let file = entry.file, entry.stamp == stamp { return file }
        entries = entries.filter { $0.value.file != nil }
        let file = try ForeignFile(url, format)
        if let stamp { entries[path] = Entry(file: file, stamp: stamp) }
        return file
      }
    }
  }

  /// The file at `url`; one that is open already is shared.
  static func open(_ url: URL, _ format: Format) throws -> ForeignFile { try open.file(at: url, format) }
}

/// Memory that goes away with its owner.
private final class OwnedMemory {
  private let memory: UnsafeMutableRawBufferPointer
  init(_ memory: UnsafeMutableRawBufferPointer) { self.memory = memory }
  deinit { memory.deallocate() }
}
