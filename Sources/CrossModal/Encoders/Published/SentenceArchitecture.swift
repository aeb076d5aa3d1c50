import Torch

/// The sizes of a sentence encoder and how it makes one vector of a text.
public struct SentenceArchitecture: Sendable, Codable, Equatable {
  /// The network over the pieces.
  public enum Network: String, Sendable, Codable, CaseIterable {
    case bert, mpnet
  }

  /// How the states of the pieces become one vector (Reimers & Gurevych, EMNLP 2019).
  public enum Pooling: String, Sendable, Codable, CaseIterable {
    case mean
    /// The first piece's.
    case cls
    /// The largest of each dimension.
    case max
    /// Their sum divided by the root of their number.
    case meanSqrtLength = "mean_sqrt_len_tokens"
  }

  public var network: Network
  /// Of an MPNet too, which has no sentence types.
  public var sizes: BERT.Configuration
  public var pooling: Pooling
  /// Whether vectors have length 1.
  public var normalizes: Bool

  public init(
    network: Network, sizes: BERT.Configuration, pooling: Pooling = .mean, normalizes: Bool = false
  ) {
    self.network = network
    self.sizes = sizes
    self.pooling = pooling
    self.normalizes = normalizes
  }

  /// Most pieces of a text, the marks included.
  public var longest: Int {
    sizes.maxPositionEmbeddings - (network == .mpnet ? MPNet.reservedPlaces : 0)
  }

  /// Sizes of published weights: from the shapes of the tensors, and from their `config.json` what shapes do not say.
  ///
  /// - Parameters:
  ///   - tensors: under Hugging Face's names, without a prefix; see ``names(_:)``.
  ///   - config: of `config.json`; null where there is none.
  ///   - source: the file of the weights, for messages.
  /// - Throws: ``DataError`` for weights that are of no such encoder, and for sizes that the configuration says and the
  ///   shapes do not.
  public init(
    _ tensors: [(name: String, tensor: Tensor)], config: JSON, from source: String
  ) throws(DataError) {
    let shapes = Dictionary(tensors.map { ($0.name, $0.tensor.shape) }) { first, _ in first }
    func shape(_ name: String, rank: Int = 2) throws(DataError) -> [Int] {
      guard let shape = shapes[name] else {
        throw .malformed(file: source, reason: "has no '\(name)', which a sentence encoder has")
      }
      guard shape.count == rank else {
        throw .malformed(file: source, reason: "'\(name)' has shape \(shape), expected \(rank) dimensions")
      }
      return shape
    }
    let distances = shapes["encoder.relative_attention_bias.weight"]
    let isMPNet = distances != nil
    let words = try shape("embeddings.word_embeddings.weight")
    var sizes = BERT.Configuration()
    (sizes.vocabSize, sizes.hiddenSize) = (words[0], words[1])
    sizes.maxPositionEmbeddings = try shape("embeddings.position_embeddings.weight")[0]
    if !isMPNet { sizes.typeVocabSize = try shape("embeddings.token_type_embeddings.weight")[0] }
    let layers = tensors.compactMap { entry -> Int? in
      let parts = entry.name.split(separator: ".")
      return parts.count > 2 && parts[0] == "encoder" && parts[1] == "layer" ? Int(parts[2]) : nil
    }
    sizes.numHiddenLayers = 1 + (layers.max() ?? -1)
    if sizes.numHiddenLayers > 0 {
      sizes.intermediateSize = try shape("encoder.layer.0.intermediate.dense.weight")[0]
    }
    for (key, size) in [
      ("vocab_size", sizes.vocabSize), ("hidden_size", sizes.hiddenSize),
      ("max_position_embeddings", sizes.maxPositionEmbeddings), ("num_hidden_layers", sizes.numHiddenLayers),
      ("intermediate_size", sizes.intermediateSize),
    ] {
      guard let stated = config[key]?.int, stated != size else { continue }
      throw .badKey(
        file: "config.json", key: key, reason: "is \(stated), but \(source) has \(size) by its shapes")
    }
    let heads = config["num_attention_heads"]?.int ?? distances?.last
    guard let heads, heads > 0, sizes.hiddenSize % heads == 0 else {
      throw .malformed(
        file: source,
        reason: heads.map { "has states of \(sizes.hiddenSize), which \($0) heads do not divide" }
          ?? "does not say how many heads its attention has: its config.json does (num_attention_heads)")
    }
    sizes.numAttentionHeads = heads
    let name = config["hidden_act"]?.string ?? "gelu"
    guard let activation = BERT.Configuration.Activation(published: name) else {
      throw .badKey(
        file: "config.json", key: "hidden_act",
        reason: "is '\(name)'; gelu, gelu_new, relu and tanh are known")
    }
    if let kind = config["position_embedding_type"]?.string, kind != "absolute" {
      throw .badKey(
        file: "config.json", key: "position_embedding_type", reason: "is '\(kind)'; absolute is known")
    }
    sizes.hiddenAct = activation
    sizes.layerNormEps = config["layer_norm_eps"]?.double ?? 1e-12
    sizes.padTokenId = config["pad_token_id"]?.int ?? (isMPNet ? 1 : 0)
    (sizes.hiddenDropoutProb, sizes.attentionProbsDropoutProb) = (0, 0)
    self.init(network: isMPNet ? .mpnet : .bert, sizes: sizes)
  }

  /// Names of published weights without what programs put in front, and of old files as they are called now; nil for what
  /// no encoder needs.
  public static func plain(_ name: String) -> String? {
    var name = name[...]
    for prefix in ["0.auto_model.", "bert.", "mpnet."] where name.hasPrefix(prefix) {
      name = name.dropFirst(prefix.count)
    }
    let dropped = ["cls.", "lm_head.", "pooler."].contains { name.hasPrefix($0) }
    if dropped || name.hasSuffix("position_ids") { return nil }
    for (old, new) in [("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")]
    where name.hasSuffix(old) { return name.dropLast(old.count) + new }
    return String(name)
  }

  // MARK: - What a run keeps

  /// As a run's settings hold it.
  public var json: JSON {
    [
      "network": .string(network.rawValue), "pooling": .string(pooling.rawValue),
      "normalize": .bool(normalizes), "vocab_size": .int(sizes.vocabSize),
      "hidden_size": .int(sizes.hiddenSize), "num_hidden_layers": .int(sizes.numHiddenLayers),
      "num_attention_heads": .int(sizes.numAttentionHeads),
      "intermediate_size": .int(sizes.intermediateSize), "hidden_act": .string(sizes.hiddenAct.rawValue),
      "max_position_embeddings": .int(sizes.maxPositionEmbeddings),
      "type_vocab_size": .int(sizes.typeVocabSize), "layer_norm_eps": .double(sizes.layerNormEps),
      "pad_token_id": .int(sizes.padTokenId),
    ]
  }
}
