import Foundation
import Torch

/// A sentence encoder as sentence-transformers keeps it in a folder: weights, tokenizer, and how texts become vectors.
public struct SentenceFolder: Sendable {
  public let architecture: SentenceArchitecture
  public let tokenizer: any TextTokenizer
  /// The weights under their plain names, mapped from the file.
  public let tensors: [(name: String, tensor: Tensor)]
  /// The file of the weights, for messages.
  public let source: String
  /// What is put in front of every text; empty for nothing.
  public let prompt: String
  /// What a user should know, a sentence each.
  public let notes: [String]
  /// The folder of weights, configuration and tokenizer.
  let network: URL

  /// Whether a folder is one of sentence-transformers, by its list of modules.
  public static func isOne(_ folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(modulesFile).path)
  }

  private static let modulesFile = "modules.json"

  /// What a folder says beside its weights and tokenizer.
  struct Layout {
    var pooling = SentenceArchitecture.Pooling.mean
    var normalizes = false
    /// The folder of the network.
    var network: URL
    var notes: [String] = []
  }

  /// - Parameters:
  ///   - folder: of sentence-transformers, or of a BERT or MPNet alone.
  ///   - prompt: put in front of texts; nil for the folder's own default.
  ///   - longest: most pieces of a text; nil for what the folder says.
  /// - Throws: ``DataError`` or ``VocabularyError`` naming the file at fault.
  public init(_ folder: URL, prompt: String? = nil, longest: Int? = nil) throws {
    try self.init(folder, prompt: prompt, longest: longest) { try PublishedWeightsFile.read($0) }
  }

  /// - Parameter reading: gives the weights in the folder of the network.
  init(
    _ folder: URL, prompt: String? = nil, longest: Int? = nil,
    reading: (URL) throws -> (tensors: [(name: String, tensor: Tensor)], source: String)
  ) throws {
    let layout = try Self.layout(of: folder)
    network = layout.network
    let weights = try reading(layout.network)
    source = weights.source
    tensors = weights.tensors.compactMap { entry in
      SentenceArchitecture.plain(entry.name).map { ($0, entry.tensor) }
    }
    let config = try Self.json(layout.network, "config.json") ?? .null
    var architecture = try SentenceArchitecture(tensors, config: config, from: source)
    (architecture.pooling, architecture.normalizes) = (layout.pooling, layout.normalizes)
    self.architecture = architecture

    let stated = try Self.json(layout.network, "sentence_bert_config.json")?["max_seq_length"]?.int
    let most = try stated ?? Self.json(layout.network, "tokenizer_config.json")?["model_max_length"]?.int
    let length = min(longest ?? most ?? architecture.longest, architecture.longest)
    guard length >= 2,
      let tokenizer = try PublishedTokenizers.load(from: layout.network, contextLength: length)
    else {
      throw DataError.malformed(
        file: layout.network.relativeName,
        reason: length < 2
          ? "takes texts of \(length) pieces"
          : "has no tokenizer: expected tokenizer.json or vocab.txt in the folder")
    }
    guard tokenizer.vocabularySize <= architecture.sizes.vocabSize else {
      throw DataError.malformed(
        file: layout.network.relativeName,
        reason:
          "its tokenizer has \(tokenizer.vocabularySize) pieces, its weights \(architecture.sizes.vocabSize)")
    }
    self.tokenizer = tokenizer
    let prompts = try Self.json(folder, "config_sentence_transformers.json")
    let named = prompts?["default_prompt_name"]?.string.flatMap { prompts?["prompts"]?[$0]?.string }
    self.prompt = prompt ?? named ?? ""
    notes = layout.notes
  }

  /// The model with these weights.
  public func model() throws -> SentenceModel {
    let model = try SentenceModel(architecture)
    try model.load(tensors, from: source)
    return model
  }

  /// Numbers of texts, the prompt in front.
  public func numbers(of texts: [String]) -> [[Int]] {
    texts.map { tokenizer.numbers(of: prompt + $0) }
  }

  // MARK: - Modules

  private static func json(_ folder: URL, _ name: String) throws -> JSON? {
    let file = folder.appendingPathComponent(name)
    return FileManager.default.fileExists(atPath: file.path) ? try JSON(publishedFile: file) : nil
  }

  static func layout(of folder: URL) throws -> Layout {
    var layout = Layout(network: folder)
    guard isOne(folder) else {
      layout.notes.append(
        "\(folder.relativeName) has no modules.json: vectors are means over the pieces, not normalized")
      return layout
    }
    let file = folder.appendingPathComponent(modulesFile)
    let name = file.relativeName
    guard let modules = (try? JSON(json: InputFile(file).data))?.array, !modules.isEmpty else {
      throw DataError.malformed(file: name, reason: "is no list of modules")
    }
    for (place, module) in modules.enumerated() {
      let type = (module["type"]?.string ?? "").split(separator: ".").last.map(String.init) ?? ""
      let path = module["path"]?.string ?? ""
      guard !path.split(separator: "/").contains(".."), !path.hasPrefix("/") else {
        throw DataError.malformed(file: name, reason: "module \(place) lies outside the folder: '\(path)'")
      }
      let own = path.isEmpty ? folder : folder.appendingPathComponent(path)
      switch type {
      case "Transformer": layout.network = own
      case "Pooling": layout.pooling = try pooling(own)
      case "Normalize": layout.normalizes = true
      default:
        throw DataError.unsupported(
          file: name, reason: "module \(place) is '\(type)'; Transformer, Pooling and Normalize are known")
      }
    }
    return layout
  }

  private static let poolings: KeyValuePairs<String, SentenceArchitecture.Pooling> = [
    "pooling_mode_mean_tokens": .mean, "pooling_mode_cls_token": .cls, "pooling_mode_max_tokens": .max,
    "pooling_mode_mean_sqrt_len_tokens": .meanSqrtLength,
  ]

  private static func pooling(_ folder: URL) throws -> SentenceArchitecture.Pooling {
    let file = folder.appendingPathComponent("config.json")
    let (json, name) = (try JSON(publishedFile: file), file.relativeName)
    if let mode = json["pooling_mode"] {
      guard let pooling = mode.string.flatMap(SentenceArchitecture.Pooling.init) else {
        throw DataError.badKey(
          file: name, key: "pooling_mode",
          reason: "is \(mode.text()), expected one of "
            + SentenceArchitecture.Pooling.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return pooling
    }
    let others = (json.members ?? []).filter { member in
      member.key.hasPrefix("pooling_mode_") && member.value.bool == true
        && !poolings.contains { $0.key == member.key }
    }
    let wanted = poolings.filter { json[$0.key]?.bool == true }
    guard others.isEmpty, wanted.count <= 1 else {
      throw DataError.unsupported(
        file: name,
        reason: "asks for \((wanted.map(\.key) + others.map(\.key)).joined(separator: " and ")); one of "
          + poolings.map(\.key).joined(separator: ", ") + " is known")
    }
    return wanted.first?.value ?? .mean
  }
}

/// The weights in a published folder.
enum PublishedWeightsFile {
  /// - Throws: ``DataError`` where there are none that are read.
  static func read(_ folder: URL) throws -> (tensors: [(name: String, tensor: Tensor)], source: String) {
    let file = { (name: String) in folder.appendingPathComponent(name) }
    let isThere = { (name: String) in FileManager.default.fileExists(atPath: file(name).path) }
    if isThere("model.safetensors") {
      return (try tensors(file("model.safetensors")), file("model.safetensors").relativeName)
    }
    let index = file("model.safetensors.index.json")
    if FileManager.default.fileExists(atPath: index.path) {
      let map = try JSON(publishedFile: index)["weight_map"]?.members ?? []
      let shards = Set(map.compactMap { $0.value.string.map { URL(fileURLWithPath: $0).lastPathComponent } })
      return (
        try shards.sorted().flatMap { shard in
          guard isThere(shard) else {
            throw DataError.malformed(file: index.relativeName, reason: "names \(shard), which is not there")
          }
          return try tensors(file(shard))
        }, index.relativeName
      )
    }
    if let other = ["pytorch_model.bin", "model.pt", "model.pth", "model.bin"].first(where: isThere) {
      throw DataError.unsupported(
        file: file(other).relativeName,
        reason:
          "is a pickle, which is not read here: convert it first (crossmodal convert \(other) --out model.safetensors)"
      )
    }
    throw DataError.malformed(file: folder.relativeName, reason: "holds no model.safetensors")
  }

  private static func tensors(_ file: URL) throws -> [(name: String, tensor: Tensor)] {
    let input = try InputFile(file)
    if let reason = withExtendedLifetime(input, { LargeFilePointer.reason(input.bytes) }) {
      throw DataError.unsupported(file: input.name, reason: reason)
    }
    return try SafeTensors.read(file.path).tensors
  }
}
