import CZlib
import Foundation

extension DataSet {
  /// 16 hexadecimal digits that change when the data change: the text of `dataset.yaml`, and size and content
  /// of every file that it names. Of the pictures in a folder, names and sizes count.
  ///
  /// - Complexity: reads every array once, at the speed of a checksum.
  public func fingerprint() throws -> String {
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
      for picture in list.files {
        let size = try? FileManager.default.attributesOfItem(atPath: picture.path)[.size] as? Int
        manifest += "\n\(picture.lastPathComponent) \(size ?? 0)"
      }
    }
    let bytes = Array(manifest.utf8)
    let hash = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

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
      files += [modality.list, modality.pictures?.list, modality.masks?.list].compactMap { $0 }
    }
    return files
  }
}
