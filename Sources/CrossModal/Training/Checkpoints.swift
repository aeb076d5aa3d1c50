import Foundation
import Torch

/// The checkpoints of a run: `checkpoints/manifest.json` names what is valid.
///
/// Files are written to a folder of their own first and the manifest last, by rename: whoever reads sees the
/// checkpoint before or the one after, whole. The one before the last stays, with its manifest, for a manifest that was
/// damaged later. What no manifest names is left over from a kill and removed.
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

  private static let (lastName, formerName) = ("manifest.json", "manifest-before.json")
  private var manifestFile: URL { folder.appendingPathComponent(Self.lastName) }
  private var formerFile: URL { folder.appendingPathComponent(Self.formerName) }
  private static let weightsFile = "weights.safetensors"
  private static let optimizerFile = "optimizer.safetensors"
  private static let averagesFile = "averages.safetensors"

  /// The manifest of the checkpoint to go on from; nil when there is none.
  ///
  /// - Throws: ``TrainingError/badCheckpoint(file:reason:)``.
  func manifest() throws -> Manifest? { try found().manifest }

  /// The manifest of the checkpoint to go on from, nil when there is none, and what a user has to know of it: that it is
  /// not the last.
  ///
  /// - Throws: ``TrainingError/badCheckpoint(file:reason:)`` where one was damaged and there is none before it.
  func found() throws -> (manifest: Manifest?, note: String?) {
    let path = manifestFile.path
    let isThere = FileManager.default.fileExists(atPath: path)
    let what = isThere ? "was changed or is damaged; it is not what was written" : "is missing"
    if isThere, let last = try? Self.read(Data(contentsOf: manifestFile)) { return (last, nil) }
    if let former = try? Self.read(Data(contentsOf: formerFile)) {
      return (former, "\(path): \(what); going on from the checkpoint before, of step \(former.state.step)")
    }
    if isThere { throw TrainingError.badCheckpoint(file: path, reason: what) }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let note = "\(path): \(what), and without it no checkpoint is known to be whole; beginning anew"
    return (nil, names.contains { $0.hasPrefix("last-") } ? note : nil)
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
    // A folder that has gone would come back with half a run.
    let run = folder.deletingLastPathComponent()
    guard FileManager.default.fileExists(atPath: run.path) else {
      throw FileError(path: run.path, action: "write", reason: "the folder of the run has gone")
    }
    try removeAllBut([old, try? Self.read(Data(contentsOf: formerFile))])
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
    if let old { try AtomicFile.write(try Self.text(old), to: formerFile.path) }
    try AtomicFile.write(try Self.text(manifest), to: manifestFile.path)
    try removeAllBut([old, manifest])
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

  private func removeAllBut(_ manifests: [Manifest?]) throws {
    let named = manifests.compactMap { $0 }
    let kept = Set(
      named.flatMap { [$0.last, $0.best].compactMap { $0 } }
        + (named.isEmpty ? [] : [Self.lastName, Self.formerName]))
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where !kept.contains(name) {
      try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
    }
  }
}
