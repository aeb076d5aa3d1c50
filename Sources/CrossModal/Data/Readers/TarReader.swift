import Foundation

/// The files of a tar archive in order: mapped, or inflated into memory where it is gzipped.
struct TarReader {
  /// The archive as messages name it.
  let name: String
  private let bytes: UnsafeRawBufferPointer
  /// Keeps ``bytes`` alive.
  private let owner: AnyObject

  init(_ url: URL) throws {
    let file = try InputFile(url)
    name = url.lastPathComponent
    if Gzip.isGzip(file.bytes) {
      let inflated = try Gzip.inflated(file.bytes, name: file.name, limits: .standard)
      (owner, bytes) = (inflated, inflated.bytes)
    } else {
      (owner, bytes) = (file.mapping, file.bytes)
    }
  }

  /// The bytes of a file.
  func data(_ range: Range<Int>) -> Data {
    withExtendedLifetime(owner) { Data(UnsafeRawBufferPointer(rebasing: bytes[range])) }
  }

  /// The name of every regular file, and where its bytes are.
  ///
  /// - Throws: ``ImportError`` for a damaged header, for a name that is not UTF-8, and for an archive without the block
  ///   of zeros at its end, which every writer of tar leaves and a download that broke off lacks.
  func files() throws -> [(name: String, range: Range<Int>)] {
    var files: [(name: String, range: Range<Int>)] = []
    var at = 0
    var longName: String?
    while at + 512 <= bytes.count {
      let header = UnsafeRawBufferPointer(rebasing: bytes[at..<at + 512])
      if header.allSatisfy({ $0 == 0 }) { return files }
      guard let size = octal(header[124..<136]), size <= bytes.count - at - 512 else {
        throw ImportError.malformed(
          file: name, place: "byte \(at)", reason: "is no header of a tar archive, or its file is cut off")
      }
      let range = at + 512..<at + 512 + size
      let content = UnsafeRawBufferPointer(rebasing: bytes[range])
      switch header[156] {
      case UInt8(ascii: "L"): longName = try text(content[...], at)
      case UInt8(ascii: "x"): longName = try path(inRecords: content, at) ?? longName
      case 0, UInt8(ascii: "0"):
        if let longName {
          files.append((longName, range))
        } else {
          let (prefix, own) = (try text(header[345..<500], at), try text(header[0..<100], at))
          files.append((prefix.isEmpty ? own : prefix + "/" + own, range))
        }
        longName = nil
      default: break
      }
      at += 512 + (size + 511) / 512 * 512
    }
    throw ImportError.malformed(
      file: name, place: "the archive", reason: "has no end marker, so it is cut off")
  }

  /// The path in the records `LENGTH KEY=VALUE` that stand before a file whose name is long.
  private func path(inRecords bytes: UnsafeRawBufferPointer, _ place: Int) throws -> String? {
    var found: String?
    var at = 0
    while at < bytes.count {
      let rest = bytes[at...]
      guard let blank = rest.firstIndex(of: 0x20), let length = Int(try text(rest[..<blank], place)),
        length > blank - at, length <= bytes.count - at
      else {
        throw ImportError.malformed(file: name, place: "an extended header", reason: "is damaged")
      }
      let record = bytes[blank + 1..<at + length]
      if record.starts(with: "path=".utf8) {
        let path = try text(record.dropFirst(5), place)
        found = path.hasSuffix("\n") ? String(path.dropLast()) : path
      }
      at += length
    }
    return found
  }

  private func text(_ bytes: Slice<UnsafeRawBufferPointer>, _ place: Int) throws -> String {
    guard let text = String(bytes: bytes.prefix { $0 != 0 }, encoding: .utf8) else {
      throw ImportError.malformed(
        file: name, place: "byte \(place)", reason: "has a name that is not valid UTF-8")
    }
    return text
  }

  private func octal(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
    let digits = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).trimmingCharacters(
      in: .whitespaces)
    return digits.hasPrefix("-") ? nil : Int(digits, radix: 8)
  }
}
