import Foundation
import Torch

/// What tells an item from others, to find what was computed of it before.
///
/// Of a text and of pixels it is their content; of a picture in a file its path, size and date.
struct ItemKey: Hashable, Sendable {
  let first: UInt64
  let second: UInt64

  init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }

  /// Two sums that differ in how they mix (Fowler, Noll & Vo's, and one by rotation).
  init(_ bytes: some Sequence<UInt8>) {
    var (first, second) = (UInt64(0xCBF2_9CE4_8422_2325), UInt64(0x9E37_79B9_7F4A_7C15))
    var count: UInt64 = 0
    for byte in bytes {
      first = (first ^ UInt64(byte)) &* 0x100_0000_01B3
      second = (second << 5 | second >> 59) &+ UInt64(byte) &* 0xFF51_AFD7_ED55_8CCD
      second ^= second >> 29
      count &+= 1
    }
    self.init(first: first ^ count, second: second &* 0xC4CE_B9FE_1A85_EC53 ^ count)
  }

  /// One a item.
  ///
  /// - Throws: ``DataError`` for kinds that have none, and for a picture that is not there.
  static func all(of items: Items) throws -> [ItemKey] {
    switch items {
    case .texts(let texts): return texts.map { ItemKey($0.utf8) }
    case .pictures(let pictures): return try pictures.map { try ItemKey($0) }
    case .images(let rows):
      return try (0..<items.count).map { row in
        ItemKey("\(rows.shape.dropFirst()) \(rows.dtype)".utf8 + (try rows[row].contiguous().bytes()))
      }
    default:
      throw DataError.unsupported(file: "items", reason: "of kind \(items.kind.rawValue) are not encoded")
    }
  }

  private init(_ picture: Picture) throws {
    switch picture.source {
    case .file(let url): self.init(try Self.text(of: url, named: picture.name).utf8)
    case .frame(let url, let seconds):
      self.init("\(try Self.text(of: url, named: picture.name))\n\(seconds)".utf8)
    case .bytes(let data, _): self.init(data)
    case .pixels(let pixels):
      self.init("\(pixels.shape) \(pixels.dtype)".utf8 + (try pixels.contiguous().bytes()))
    }
  }

  /// Path, size and time of a file.
  private static func text(of url: URL, named name: String) throws -> String {
    var status = stat()
    let path = url.standardizedFileURL.path
    guard stat(path, &status) == 0 else { throw DataError.missing(file: name) }
    #if os(Linux)
      let date = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    #else
      let date = (status.st_mtimespec.tv_sec, status.st_mtimespec.tv_nsec)
    #endif
    return "\(path)\n\(status.st_size) \(date.0) \(date.1)"
  }
}
