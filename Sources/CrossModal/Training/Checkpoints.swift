import Foundation
import Torch

/// The checkpoints of a run: `checkpoints/manifest.json` names what is valid.
///
/// Files are written to a folder of their own first and the manifest last, by rename: whoever reads sees the
/// checkpoint before or the one after, whole. What no manifest names is left over from a kill and removed.
struct Checkpoints {
  /// What the manifest says.
  struct Manifest: Codable, Equatable {
    /// Counts checkpoints, so that each has a folder of its own.
    var number = 0
    var state = TrainingState()
    /// Folders below `checkpoints`.
    var last = ""
    var best: String?
  }

  /// Tensors of one checkpoint.
  struct Contents {
    var weights: [(name: String, tensor: Tensor)] = []
    var optimizer: [(name: String, tensor: Tensor)] = []
    /// Moving averages of the weights.
    var averages: [(name: String, tensor: Tensor)] = []
  }

  let folder: URL

  init(run: URL) { folder = run.appendingPathComponent("checkpoints") }

  private var manifestFile: URL { folder.appendingPathComponent("manifest.json") }
  private static let weightsFile = "weights.safetensors"
  private static let optimizerFile = "optimizer.safetensors"
  private static let averagesFile = "averages.safetensors"

  /// The manifest; nil when there is no checkpoint yet.
  ///
  /// - Throws: ``TrainingError/badCheckpoint(file:reason:)``.
  func manifest() throws -> Manifest? {
    let path = manifestFile.path
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    let text = try Data(contentsOf: manifestFile)
    do { return try Self.read(text) } catch {
      throw TrainingError.badCheckpoint(
        file: path, reason: "was changed or is damaged; it is not what was written")
    }
  }

  private static let mark = "\"crc32\":\"00000000\""

  /// One JSON object with a checksum of itself, taken with zeros in the place of the checksum.
  private static func text(_ manifest: Manifest) throws -> Data {
    var json: JSON = ["crc32": "00000000"]
    for member in try JSON(encoding: manifest).members ?? [] { json[member.key] = member.value }
    let text = json.text().replacingOccurrences(of: "\"crc32\": \"00000000\"", with: mark)
    return Data(
      text.replacingOccurrences(of: mark, with: "\"crc32\":\"\(Checksum.text(of: Data(text.utf8)))\"").utf8)
  }

  private static func read(_ data: Data) throws -> Manifest {
    let json = try JSON(json: data)
    guard let stated = json["crc32"]?.string else { throw CocoaError(.fileReadCorruptFile) }
    let text = String(decoding: data, as: UTF8.self)
      .replacingOccurrences(of: "\"crc32\":\"\(stated)\"", with: mark)
    guard Checksum.text(of: Data(text.utf8)) == stated else { throw CocoaError(.fileReadCorruptFile) }
    return try json.decoded(as: Manifest.self)
  }

  /// Writes a checkpoint and makes it the valid one.
  ///
  /// - Parameter best: weights to keep as the best so far; nil leaves those of before.
  func write(
    _ contents: Contents, state: TrainingState, best: [(name: String, tensor: Tensor)]?, after old: Manifest?
  ) throws -> Manifest {
    var manifest = Manifest(number: (old?.number ?? 0) + 1, state: state, best: old?.best)
    manifest.last = "last-\(manifest.number)"
    try removeAllBut(old)
    let target = folder.appendingPathComponent(manifest.last)
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    try SafeTensors.write(contents.weights, to: target.appendingPathComponent(Self.weightsFile).path)
    try SafeTensors.write(contents.optimizer, to: target.appendingPathComponent(Self.optimizerFile).path)
    if !contents.averages.isEmpty {
      try SafeTensors.write(contents.averages, to: target.appendingPathComponent(Self.averagesFile).path)
    }
    if let best {
      let name = "best-\(manifest.number)"
      let bestFolder = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(at: bestFolder, withIntermediateDirectories: true)
      try SafeTensors.write(best, to: bestFolder.appendingPathComponent(Self.weightsFile).path)
      manifest.best = name
    }
    try AtomicFile.write(try Self.text(manifest), to: manifestFile.path)
    try removeAllBut(manifest)
    return manifest
  }

  /// The tensors of the last checkpoint.
  func last(_ manifest: Manifest) throws -> Contents {
    let file = { (name: String) in
      folder.appendingPathComponent(manifest.last).appendingPathComponent(name).path
    }
    let averages = file(Self.averagesFile)
    return Contents(
      weights: try tensors(file(Self.weightsFile)), optimizer: try tensors(file(Self.optimizerFile)),
      averages: FileManager.default.fileExists(atPath: averages) ? try tensors(averages) : [])
  }

  /// The best weights and the file they are in.
  func best(_ manifest: Manifest) throws -> (weights: [(name: String, tensor: Tensor)], file: String)? {
    guard let best = manifest.best else { return nil }
    let file = folder.appendingPathComponent(best).appendingPathComponent(Self.weightsFile).path
    return (try tensors(file), file)
  }

  private func tensors(_ path: String) throws -> [(name: String, tensor: Tensor)] {
    // Copies: the files go away with the next checkpoint.
    try SafeTensors.read(path).tensors.map { ($0.name, try $0.tensor.copied()) }
  }

  private func removeAllBut(_ manifest: Manifest?) throws {
    let kept = Set(
      [manifest?.last, manifest?.best, manifest == nil ? nil : "manifest.json"].compactMap { $0 })
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where !kept.contains(name) {
      try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
    }
  }
}
