import Foundation
import Torch

/// A file that a user gave, in memory as the system pages it in: nothing is read before it is touched.
public struct InputFile: Sendable {
  /// The file as messages name it.
  public let name: String
  /// Keeps ``bytes`` alive.
  public let mapping: MappedFile

  /// The contents, as long as this value lives.
  public var bytes: UnsafeRawBufferPointer { mapping.bytes }

  /// A copy of the contents.
  public var data: Data { withExtendedLifetime(mapping) { Data(mapping.bytes) } }

  /// - Throws: ``DataError`` when there is no such file or it cannot be read.
  public init(_ url: URL) throws(DataError) {
    name = url.relativeName
    guard FileManager.default.fileExists(atPath: url.path) else { throw .missing(file: name) }
    do {
      mapping = try MappedFile(url.path)
    } catch {
      throw .unreadable(file: name, reason: (error as? FileError)?.reason ?? error.localizedDescription)
    }
  }
}

extension URL {
  /// The path as a person would type it from the current folder.
  public var relativeName: String {
    let here = FileManager.default.currentDirectoryPath + "/"
    let path = standardizedFileURL.path
    return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
  }
}
