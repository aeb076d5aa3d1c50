import Foundation
import Torch

/// A published encoder that is not trained: vectors of texts or pictures.
protocol FrozenEncoder: AnyObject, Sendable {
  /// Width of the vectors.
  var size: Int { get }
  /// What it takes.
  var kind: ModalityKind { get }
  /// What a user should know, a sentence each.
  var notes: [String] { get }
  /// One vector an item, `[n, size]`.
  ///
  /// - Parameter progress: told how many items are done.
  func vectors(of items: Items, progress: (Int) -> Void) throws -> Tensor
}

/// A sentence encoder of a folder.
final class FrozenSentences: FrozenEncoder, @unchecked Sendable {
  // The model is made and used under the lock.
  private let folder: SentenceFolder
  private let lock = NSLock()
  private var model: SentenceModel?

  let kind = ModalityKind.text
  var size: Int { folder.architecture.sizes.hiddenSize }
  var notes: [String] { folder.notes }

  init(_ folder: SentenceFolder) { self.folder = folder }

  func vectors(of items: Items, progress: (Int) -> Void) throws -> Tensor {
    guard case .texts(let texts) = items else {
      throw FeaturizerError.wrongKind(featurizer: "encoder", kind: items.kind, accepts: [.text])
    }
    return try lock.withLock {
      let model = try model ?? folder.model()
      self.model = model
      return try model.vectors(of: folder.numbers(of: texts), progress: progress)
    }
  }
}

/// Files of a published model, and what changes when one of them does.
enum PublishedFingerprint {
  /// 16 hexadecimal digits of the files of a folder, or of one file.
  ///
  /// - Complexity: reads every file once, at the speed of a checksum.
  /// - Throws: ``DataError`` for what is not there.
  static func text(of place: URL) throws -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder) else {
      throw DataError.missing(file: place.relativeName)
    }
    let names = isFolder.boolValue ? try files(in: place) : [""]
    let lines = try names.map { name -> String in
      let file = try InputFile(name.isEmpty ? place : place.appendingPathComponent(name))
      return withExtendedLifetime(file) { "\(name) \(file.bytes.count) \(Checksum.text(of: file.bytes))\n" }
    }
    let key = ItemKey(lines.joined().utf8)
    let digits = String(key.first ^ key.second, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static let endings = [".safetensors", ".json", ".txt", ".gz", ".model"]

  /// What counts in a folder and in the folders of its modules.
  private static func files(in folder: URL) throws -> [String] {
    let inside = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    return inside.flatMap { name -> [String] in
      if endings.contains(where: { name.hasSuffix($0) }) { return [name] }
      let below = name + "/config.json"
      let isThere = FileManager.default.fileExists(atPath: folder.appendingPathComponent(below).path)
      return isThere ? [below] : []
    }
  }
}
