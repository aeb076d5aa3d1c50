import Foundation

/// What the configuration beside published weights says of them: Hugging Face's `config.json`, or open_clip's
/// `open_clip_config.json`.
public struct PublishedConfiguration: Sendable, Equatable {
  /// What is said of one tower. Nil where nothing is said.
  public struct Tower: Sendable, Equatable {
    public var heads: Int?
    /// As the file writes it.
    public var activation: String?
    public var layerNormEps: Double?
    /// `argmax`, `eos` or `last` of texts, `tok` or `avg` of pictures.
    public var pool: String?
    public var finalLnAfterPool: Bool?
    public var eosTokenId: Int?
    public var causal: Bool?
    /// Width of a head, where that is said instead of their number.
    public var headWidth: Int?
    /// Sizes that the shapes say, too, by the keys of the file.
    public var sizes: [Size: Stated] = [:]

    public init() {}
  }

  /// Sizes that shapes and configuration both have.
  public enum Size: String, Sendable, CaseIterable {
    case width, layers
    case mlp = "width of the layers"
    case patch = "patch"
    case image = "picture size"
    case output = "output"
    case context = "context"
    case vocabulary = "pieces"
  }

  /// A number of the file, and the key that it stands under.
  public struct Stated: Sendable, Equatable {
    public var value: Int
    public var key: String
  }

  /// The file, for messages.
  public var source: String
  /// `model_type`, of Hugging Face's files.
  public var modelType: String?
  public var vision = Tower()
  public var text = Tower()

  /// - Parameters:
  ///   - json: what the file holds.
  ///   - source: its name, for messages.
  public init(_ json: JSON, source: String) {
    self.source = source
    if json["model_cfg"] != nil || json["vision_cfg"] != nil {
      readOpenCLIP(json["model_cfg"] ?? json)
    } else {
      readHuggingFace(json)
    }
  }

  private mutating func readHuggingFace(_ json: JSON) {
    modelType = json["model_type"]?.string
    let own = modelType ?? ""
    let isVision = own.hasPrefix("clip_vision_model") || own == "siglip_vision_model"
    let isText = own.hasPrefix("clip_text_model") || own == "siglip_text_model"
    let isSigLIP = own.hasPrefix("siglip")
    if let section = isVision ? Optional(json) : json["vision_config"] {
      vision = Self.tower(section, isSigLIP: isSigLIP, under: isVision ? "" : "vision_config.")
      state(&vision, section, .image, "image_size", under: isVision ? "" : "vision_config.")
      state(&vision, section, .patch, "patch_size", under: isVision ? "" : "vision_config.")
      if vision.heads == nil, isSigLIP { vision.heads = 12 }
    }
    if let section = isText ? Optional(json) : json["text_config"] {
      let under = isText ? "" : "text_config."
      text = Self.tower(section, isSigLIP: isSigLIP, under: under)
      state(&text, section, .context, "max_position_embeddings", under: under)
      state(&text, section, .vocabulary, "vocab_size", under: under)
      if text.heads == nil, isSigLIP { text.heads = 12 }
      // What Hugging Face takes where the file says nothing.
      let eos = section["eos_token_id"]?.int ?? 49407
      // Old files say 2 though the end mark is the largest number.
      text.pool = eos == 2 ? "argmax" : "eos"
      text.eosTokenId = eos == 2 ? nil : eos
      if isSigLIP { (text.pool, text.eosTokenId, text.causal) = ("last", nil, false) }
      if isSigLIP { state(&text, section, .output, "projection_size", under: under) }
    }
    if !isSigLIP, let size = json["projection_dim"]?.int {
      let stated = Stated(value: size, key: "projection_dim")
      if !isText { vision.sizes[.output] = stated }
      if !isVision { text.sizes[.output] = stated }
    }
  }

  private static func tower(_ section: JSON, isSigLIP: Bool, under: String) -> Tower {
    var tower = Tower()
    tower.heads = section["num_attention_heads"]?.int
    // What Hugging Face takes where the file says nothing.
    tower.activation = section["hidden_act"]?.string ?? (isSigLIP ? "gelu_pytorch_tanh" : "quick_gelu")
    tower.layerNormEps = section["layer_norm_eps"]?.double ?? (isSigLIP ? 1e-6 : 1e-5)
    for (size, key) in [
      (Size.width, "hidden_size"), (.layers, "num_hidden_layers"), (.mlp, "intermediate_size"),
    ] {
      if let value = section[key]?.int { tower.sizes[size] = Stated(value: value, key: under + key) }
    }
    return tower
  }

  private func state(
    _ tower: inout Tower, _ section: JSON, _ size: Size, _ key: String, under: String
  ) {
    if let value = section[key]?.int { tower.sizes[size] = Stated(value: value, key: under + key) }
  }

  private mutating func readOpenCLIP(_ model: JSON) {
    let isQuick = model["quick_gelu"]?.bool ?? false
    for (name, isVision) in [("vision_cfg", true), ("text_cfg", false)] {
      guard let section = model[name] else { continue }
      var tower = Tower()
      let isTanh = section["act_kwargs"]?["approximate"]?.string == "tanh"
      tower.activation = isQuick ? "quick_gelu" : isTanh ? "gelu_pytorch_tanh" : "gelu"
      tower.layerNormEps = section["norm_kwargs"]?["eps"]?.double
      tower.pool = section["pool_type"]?.string
      for (size, key) in [(Size.width, "width"), (.layers, "layers")] {
        state(&tower, section, size, key, under: name + ".")
      }
      if let output = model["embed_dim"]?.int {
        tower.sizes[.output] = Stated(value: output, key: "embed_dim")
      }
      if isVision {
        tower.headWidth = section["head_width"]?.int ?? 64
        tower.finalLnAfterPool = section["final_ln_after_pool"]?.bool
        state(&tower, section, .image, "image_size", under: name + ".")
        state(&tower, section, .patch, "patch_size", under: name + ".")
        vision = tower
      } else {
        tower.heads = section["heads"]?.int
        tower.eosTokenId = section["eos_id"]?.int ?? (tower.pool == "eos" ? 2 : nil)
        tower.causal = section["no_causal_mask"]?.bool.map { !$0 }
        state(&tower, section, .context, "context_length", under: name + ".")
        state(&tower, section, .vocabulary, "vocab_size", under: name + ".")
        text = tower
      }
    }
  }
}
