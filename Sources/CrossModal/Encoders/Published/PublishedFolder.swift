import Foundation
import Torch

/// A file or folder of published weights as a user brings it: which files of it count, and what stands beside them.
///
/// Of a folder the first of `model.safetensors`, the shards of `model.safetensors.index.json`,
/// `open_clip_model.safetensors` and one .bin, .pt or .pth counts. The last are read by `crossmodal convert` alone.
public struct PublishedFolder: Sendable {
  /// What the user named.
  public let path: String
  /// The files of the weights.
  public let files: [URL]
  /// Where the configuration, the tokenizer and the settings of pictures are looked for; nil for a file that stands
  /// for itself.
  public let folder: URL?
  /// Of a sentence encoder in parts, the folder of its network; nil for others.
  let network: URL?
  /// What the configuration beside the weights says; nil where there is none.
  public let configuration: PublishedConfiguration?

  private static let weights = "model.safetensors"
  private static let index = "model.safetensors.index.json"
  private static let openCLIP = "open_clip_model.safetensors"
  private static let pickles = ["bin", "pt", "pth"]
  /// Files that are never the whole of a model although they end like one.
  private static let besides = [
    "training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth", "optimizer.bin",
  ]

  /// - Parameters:
  ///   - path: a file or a folder.
  ///   - pickles: whether weights that PyTorch wrote (.bin, .pt, .pth) may be read.
  /// - Throws: ``PublishedModelError`` saying what is missing or what there is too much of; ``DataError`` for a
  ///   configuration that is none.
  public init(_ path: String, pickles: Bool = false) throws {
    self.path = path
    let place = URL(fileURLWithPath: path)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder) else {
      throw DataError.missing(file: path)
    }
    let inside =
      isFolder.boolValue && SentenceFolder.isOne(place) ? try SentenceFolder.layout(of: place).network : nil
    network = inside
    let found =
      isFolder.boolValue ? try Self.weights(in: inside ?? place, path, pickles: pickles) : [place]
    if !pickles, let pickle = found.first(where: { Self.isPickle($0) }) {
      throw PublishedModelError.unusable(
        pickle.relativeName,
        reason:
          "was written by PyTorch, of which nothing is read here but safetensors: convert it first (crossmodal "
          + "convert \(path) --out FILE.safetensors, or a run's folder)")
    }
    for file in found { try Self.checkPresence(file) }
    files = found
    let own = isFolder.boolValue ? place : place.deletingLastPathComponent()
    let isUsual =
      [Self.weights, Self.openCLIP].contains(place.lastPathComponent)
      || ["pytorch_model.bin", "open_clip_pytorch_model.bin"].contains(place.lastPathComponent)
    folder = isFolder.boolValue || isUsual ? own : nil
    configuration = try (inside ?? folder).flatMap {
      try Self.configuration(in: $0, beside: found.first?.lastPathComponent ?? "")
    }
  }

  private static func isPickle(_ file: URL) -> Bool { pickles.contains(file.pathExtension.lowercased()) }

  private static func weights(in folder: URL, _ path: String, pickles: Bool) throws -> [URL] {
    let isThere = { (name: String) in
      FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
    }
    if isThere(weights) { return [folder.appendingPathComponent(weights)] }
    if isThere(index) { return try shards(folder.appendingPathComponent(index)) }
    if isThere(openCLIP) { return [folder.appendingPathComponent(openCLIP)] }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    for endings in [["safetensors"], Self.pickles] {
      let candidates = names.filter { name in
        !besides.contains(name) && endings.contains { name.lowercased().hasSuffix("." + $0) }
      }
      guard candidates.count < 2 else {
        throw PublishedModelError.unusable(
          path, reason: "holds \(candidates.joined(separator: " and ")): name the file that is meant")
      }
      if let only = candidates.first { return [folder.appendingPathComponent(only)] }
    }
    throw PublishedModelError.unusable(
      path,
      reason: "holds no weights: expected model.safetensors, model.safetensors.index.json with its shards, "
        + "open_clip_model.safetensors" + (pickles ? ", or one .bin, .pt or .pth" : ""))
  }

  /// The files that an index of shards names.
  private static func shards(_ index: URL) throws -> [URL] {
    let name = index.relativeName
    guard let map = try JSON(publishedFile: index)["weight_map"]?.members, !map.isEmpty else {
      throw DataError.malformed(file: name, reason: "has no weight_map from tensors to files")
    }
    let shards = Set(map.map { $0.value.string ?? "" })
    return try shards.sorted().map { shard in
      // A file beside the index and no other.
      guard !shard.isEmpty, !shard.contains("/"), shard != ".." else {
        throw DataError.malformed(file: name, reason: "names '\(shard)', which is no file beside it")
      }
      let file = index.deletingLastPathComponent().appendingPathComponent(shard)
      guard FileManager.default.fileExists(atPath: file.path) else {
        throw DataError.malformed(file: name, reason: "names \(shard), which is not there")
      }
      return file
    }
  }

  /// Throws where a file of weights is what Git leaves in its place.
  private static func checkPresence(_ file: URL) throws {
    let input = try InputFile(file)
    if let reason = withExtendedLifetime(input, { LargeFilePointer.reason(input.bytes) }) {
      throw DataError.unsupported(file: input.name, reason: reason)
    }
  }

  private static func configuration(in folder: URL, beside weights: String) throws -> PublishedConfiguration?
  {
    let names = ["config.json", "open_clip_config.json"]
    let isOpenCLIP = weights.hasPrefix("open_clip")
    for name in isOpenCLIP ? names.reversed() : names {
      let file = folder.appendingPathComponent(name)
      guard FileManager.default.fileExists(atPath: file.path) else { continue }
      return PublishedConfiguration(try JSON(publishedFile: file), source: file.relativeName)
    }
    return nil
  }

  /// Names and tensors of all files.
  ///
  /// - Throws: what reading throws; ``PublishedModelError`` for a name that two shards have.
  public func tensors() throws -> [(name: String, tensor: Tensor)] {
    var found: [(name: String, tensor: Tensor)] = []
    var names: Set<String> = []
    for file in files {
      let own =
        Self.isPickle(file) ? try TorchCheckpoint(file.path).weights : try SafeTensors.read(file.path).tensors
      for entry in own {
        guard names.insert(entry.name).inserted else {
          throw PublishedModelError.unusable(file.relativeName, reason: "has '\(entry.name)' once more")
        }
        found.append(entry)
      }
    }
    return found
  }

  /// The model's tensors under the names that they have here.
  public func model() throws -> PublishedTensors {
    let source = files.count == 1 ? files[0].relativeName : path
    return try PublishedTensors(tensors(), modelType: configuration?.modelType, source: source)
  }
}
