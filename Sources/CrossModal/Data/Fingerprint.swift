import CZlib
import Foundation
import Torch

extension DataSet {
  /// 16 hexadecimal digits that change when the data change: the text of `dataset.yaml`, and size and content
  /// of every file that it names. Of the pictures in a folder, names and sizes count. Of data in memory, everything
  /// that they were made of.
  ///
  /// - Complexity: reads every array once, at the speed of a checksum; asked again, it is known.
  public func fingerprint() throws -> String { try knownFingerprint.value { try computedFingerprint() } }

  private func computedFingerprint() throws -> String {
    var manifest: String
    switch origin {
    case .file(let file): manifest = try manifestOfFiles(file)
    case .memory(let name): manifest = try name + manifestOfMemory()
    }
    let bytes = Array(manifest.utf8)
    let hash = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private func manifestOfFiles(_ file: DataSetFile) throws -> String {
    var manifest = file.text
    var seen: Set<String> = []
    for reference in file.allFiles where seen.insert(reference.url.path).inserted {
      var isFolder: ObjCBool = false
      let path = reference.url.path
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue
      else { continue }
      let mapped = try InputFile(reference.url)
      // Names only, so that a data set may be moved.
      manifest += "\n\(reference.url.lastPathComponent) \(mapped.bytes.count) \(checksum(of: mapped.bytes))"
    }
    for column in splitNames.compactMap({ part($0) }).flatMap(\.table.columns) {
      guard case .pictures(let list) = column.storage else { continue }
      for picture in list.files ?? [] {
        manifest += "\n\(picture.lastPathComponent) \(picture.status?.st_size ?? 0)"
      }
    }
    return manifest
  }

  /// A line for everything that data in memory are made of: all splits have rows of one table.
  private func manifestOfMemory() throws -> String {
    let parts = splitNames.compactMap { part($0) }
    guard let table = parts.first?.table else { return "" }
    var lines = try table.columns.flatMap { try $0.manifest() }
    // The description of a value says all of it, so that its checksum stands for it.
    func add(_ name: String, _ value: (some Sendable)?) {
      if let value { lines.append("\(name) \(checksum(of: "\(value)"))") }
    }
    for (side, labels) in table.labels.enumerated() { add("labels \(side)", labels) }
    add("pairs", table.pairs)
    add("answers", table.answers)
    add("moments", table.moments)
    for (name, part) in zip(splitNames, parts) { add("split \(name)", part.rows.ranges) }
    return lines.map { "\n" + $0 }.joined()
  }

  private func checksum(of text: String) -> String { Checksum.text(of: Data(text.utf8)) }

  private func checksum(of bytes: UnsafeRawBufferPointer) -> UInt {
    var sum = crc32(0, nil, 0)
    var at = 0
    while at < bytes.count {
      let count = min(1 << 30, bytes.count - at)
      sum = crc32(sum, bytes.baseAddress?.advanced(by: at).assumingMemoryBound(to: UInt8.self), UInt32(count))
      at += count
    }
    return UInt(sum)
  }
}

extension Column {
  /// A line for everything that rows in memory are made of.
  fileprivate func manifest() throws -> [String] {
    var lines = ["\(file.name) \(kind) \(file.scale ?? 1) \(file.rate ?? 0) \(ignoredClass ?? -1)"]
    for array in [array, boxes].compactMap({ $0 }) {
      lines.append("\(array.dtype) \(array.shape) " + Checksum.text(of: try Data(array.all().bytes())))
    }
    for texts in [storedTexts, cards].compactMap({ $0 }) {
      // Lengths, so that no text runs into the next.
      let all = texts.all().map { "\($0.utf8.count) \($0)" }.joined()
      lines.append("texts " + Checksum.text(of: Data(all.utf8)))
    }
    for list in [storedPictures, pictures, masks].compactMap({ $0 }) {
      for row in 0..<list.count { lines.append(try list.picture(at: row).manifest()) }
    }
    for numbers in [lengths, group].compactMap({ $0 }) {
      lines.append("numbers " + Checksum.text(of: Data("\(numbers)".utf8)))
    }
    return lines
  }

  private var storedTexts: (any TextSource)? {
    if case .texts(let source) = storage { source } else { nil }
  }

  private var storedPictures: PictureList? {
    if case .pictures(let list) = storage { list } else { nil }
  }
}

extension Picture {
  /// What it is made of: of a file, name and size count.
  fileprivate func manifest() throws -> String {
    let contents =
      switch source {
      case .file(let url):
        "\(url.lastPathComponent) \(try FileManager.default.attributesOfItem(atPath: url.path)[.size] ?? 0)"
      case .bytes(let data, _): Checksum.text(of: data)
      case .frame(let url, let seconds):
        "\(url.lastPathComponent) \(try FileManager.default.attributesOfItem(atPath: url.path)[.size] ?? 0) \(seconds)"
      case .pixels(let pixels):
        "\(pixels.dtype) \(pixels.shape) " + Checksum.text(of: try Data(pixels.to(.cpu).contiguous().bytes()))
      }
    return "picture \(contents) \(scale ?? 1)"
  }
}

extension Split {
  /// A number that changes when a picture is written anew, even where its size stays the same.
  var datesOfPictures: Int {
    var sum = 0
    for case .pictures(let list) in table.columns.map(\.storage) {
      for picture in list.files ?? [] {
        guard let changed = picture.status?.changed else { continue }
        // Shifted between, so that two files that swap places are noticed.
        sum = sum &* 31 &+ changed
      }
    }
    return sum
  }
}

extension URL {
  /// What the system says of the file, by far quicker than Foundation's attributes.
  fileprivate var status: stat? {
    var status = stat()
    return stat(path, &status) == 0 ? status : nil
  }
}

extension stat {
  /// Nanoseconds since 1970 at the last change.
  fileprivate var changed: Int {
    #if canImport(Darwin)
      st_mtimespec.tv_sec * 1_000_000_000 + st_mtimespec.tv_nsec
    #else
      st_mtim.tv_sec * 1_000_000_000 + st_mtim.tv_nsec
    #endif
  }
}

extension DataSetFile {
  /// Every file that is named anywhere.
  var allFiles: [FileReference] {
    var files = main.allFiles
    for split in splits {
      switch split.part {
      case .table(let table): files += table.allFiles
      case .rows(let rows): files += rows.compactMap { if case .file(let file) = $0 { file } else { nil } }
      }
    }
    return files
  }
}

extension TableFile {
  fileprivate var allFiles: [FileReference] {
    var files = pairs + answers + moments
    switch labels {
    case .none: break
    case .first(let own): files += own
    case .byModality(let byName): files += byName.sorted { $0.key < $1.key }.flatMap(\.value)
    }
    for modality in modalities {
      files += modality.files + modality.lengths + modality.offsets + modality.items + modality.boxes
      files += modality.group
      files += [modality.list, modality.columns, modality.pictures?.list, modality.masks?.list].compactMap {
        $0
      }
    }
    return files
  }
}
