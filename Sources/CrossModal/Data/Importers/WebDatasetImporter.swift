import Foundation
import Torch

/// WebDataset: tar shards whose files of one name are one sample (`000.jpg`, `000.txt`, `000.cls`).
enum WebDatasetImporter: Importer {
  static let name = "webdataset"
  static let about =
    "one .tar or a folder of shards; a sample has a .jpg or .png, a .txt or .json caption, and maybe a .cls"

  static func run(_ request: ImportRequest, into writer: DataSetWriter) throws {
    let shards = try self.shards(request)
    var splits: [(name: String, samples: [Sample])] = []
    for shard in shards {
      let split = ["train", "val", "test"].first { shard.lastPathComponent.contains($0) } ?? "train"
      let samples = try read(shard, into: writer)
      if let at = splits.firstIndex(where: { $0.name == split }) {
        splits[at].samples += samples
      } else {
        splits.append((split, samples))
      }
    }
    var pictures = CaptionedPictures()
    for split in splits { pictures.add(split: split.name, split.samples.map { ($0.picture, [$0.caption]) }) }
    // The pictures lie beside dataset.yaml.
    let all = splits.flatMap(\.samples)
    try writer.lines(all.map(\.picture), to: "pictures.txt")
    try pictures.write(
      to: writer, source: request.source, image: ["file": ".", "list": "pictures.txt", "kind": "images"],
      folder: request.source)
    let labels = all.compactMap(\.label)
    if !labels.isEmpty, labels.count == all.count {
      try writer.array(.init(labels), to: "labels.npy")
      writer.set("labels", "labels.npy")
    }
  }

  private struct Sample {
    let picture: String
    let caption: String
    let label: Int?
  }

  private static func shards(_ request: ImportRequest) throws -> [URL] {
    if request.source.pathExtension == "tar" { return [request.source] }
    let names = try FileManager.default.contentsOfDirectory(atPath: request.source.path)
    let found = names.filter { $0.hasSuffix(".tar") }.sorted().map(request.file)
    guard !found.isEmpty else { throw ImportError.missing(request.source.path, ["*.tar"]) }
    return found
  }

  private static func read(_ shard: URL, into writer: DataSetWriter) throws -> [Sample] {
    var samples: [Sample] = []
    var key = ""
    var parts: [String: Data] = [:]
    let stem = shard.deletingPathExtension().lastPathComponent
    func finish() throws {
      guard !parts.isEmpty else { return }
      guard let kind = ["jpg", "jpeg", "png"].first(where: { parts[$0] != nil }), let picture = parts[kind],
        let caption = caption(of: parts)
      else {
        throw ImportError.malformed(
          file: shard.lastPathComponent, place: "sample '\(key)'", reason: "lacks a picture or a caption")
      }
      // Numbered, because keys may differ in what a file name cannot hold.
      let number = String(format: "%06d", samples.count)
      let safe = key.map { $0.isASCII && ($0.isLetter || $0.isNumber) || "-_.".contains($0) ? $0 : "_" }
      let path = "images/\(stem)/\(number)_\(String(safe.suffix(80))).\(kind)"
      try writer.write(picture, to: path)
      let label = parts["cls"].flatMap {
        Int(String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
      }
      samples.append(Sample(picture: path, caption: caption, label: label))
      parts = [:]
    }
    try TarReader(shard).forEachFile { name, data in
      let file = name.split(separator: "/").last.map(String.init) ?? name
      guard let dot = file.firstIndex(of: ".") else { return }
      let folder = String(name.dropLast(file.count))
      let next = folder + String(file[..<dot])
      if next != key {
        try finish()
        key = next
      }
      parts[String(file[file.index(after: dot)...]).lowercased()] = Data(data)
    }
    try finish()
    return samples
  }

  private static func caption(of parts: [String: Data]) -> String? {
    if let text = parts["txt"] ?? parts["caption"] {
      return String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let json = parts["json"].flatMap { try? JSON(json: $0) }
    return json?["caption"]?.string ?? json?["text"]?.string
  }
}

/// The files of a tar archive in order, read from the mapped file.
struct TarReader {
  private let file: InputFile
  private let name: String

  init(_ url: URL) throws {
    file = try InputFile(url)
    name = url.lastPathComponent
  }

  /// Calls `body` with the name and bytes of every regular file.
  ///
  /// - Throws: ``ImportError`` for a damaged header, and for an archive without the block of zeros at its end, which
  ///   every writer of tar leaves and a download that broke off lacks.
  func forEachFile(_ body: (String, UnsafeRawBufferPointer) throws -> Void) throws {
    try withExtendedLifetime(file) {
      let bytes = file.bytes
      var at = 0
      var longName: String?
      while at + 512 <= bytes.count {
        let header = UnsafeRawBufferPointer(rebasing: bytes[at..<at + 512])
        if header.allSatisfy({ $0 == 0 }) { return }
        guard let size = octal(header[124..<136]), size <= bytes.count - at - 512 else {
          throw ImportError.malformed(
            file: name, place: "byte \(at)", reason: "is no header of a tar archive, or its file is cut off")
        }
        let content = UnsafeRawBufferPointer(rebasing: bytes[at + 512..<at + 512 + size])
        switch header[156] {
        case UInt8(ascii: "L"): longName = text(content[...])
        case UInt8(ascii: "x"): longName = try path(inRecords: content) ?? longName
        case 0, UInt8(ascii: "0"):
          let prefix = text(header[345..<500])
          let own = text(header[0..<100])
          try body(longName ?? (prefix.isEmpty ? own : prefix + "/" + own), content)
          longName = nil
        default: break
        }
        at += 512 + (size + 511) / 512 * 512
      }
      throw ImportError.malformed(
        file: name, place: "the archive", reason: "has no end marker, so it is cut off")
    }
  }

  /// The path in the records `LENGTH KEY=VALUE` that stand before a file whose name is long.
  private func path(inRecords bytes: UnsafeRawBufferPointer) throws -> String? {
    var found: String?
    var at = 0
    while at < bytes.count {
      let rest = bytes[at...]
      guard let blank = rest.firstIndex(of: 0x20), let length = Int(text(rest[..<blank])),
        length > blank - at,
        length <= bytes.count - at
      else {
        throw ImportError.malformed(file: name, place: "an extended header", reason: "is damaged")
      }
      let record = text(bytes[blank + 1..<at + length])
      if record.hasPrefix("path=") {
        found = String(record.dropFirst(5).dropLast(record.hasSuffix("\n") ? 1 : 0))
      }
      at += length
    }
    return found
  }

  private func text(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  private func octal(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
    let digits = text(bytes).trimmingCharacters(in: .whitespaces)
    return digits.hasPrefix("-") ? nil : Int(digits, radix: 8)
  }
}
