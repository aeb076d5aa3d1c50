import Foundation
import Torch

/// Which program's names a published model has.
public enum PublishedScheme: String, Sendable, Codable, CaseIterable {
  /// OpenAI's program for CLIP, and open_clip.
  case openai
  /// Hugging Face's model of CLIP.
  case huggingface
  /// Hugging Face's model of SigLIP.
  case siglip
  /// Hugging Face's BERT, on which sentence encoders are built.
  case bert
  /// Hugging Face's MPNet.
  case mpnet

  /// Whether it names towers of pictures and texts.
  public var hasTowers: Bool { self == .openai || self == .huggingface || self == .siglip }
}

/// The tensors of a published model under the names that the towers here have: OpenAI's for CLIP, whoever wrote the
/// file, and Hugging Face's for SigLIP. Those of sentence encoders have no prefix.
public struct PublishedTensors: Sendable {
  public let scheme: PublishedScheme
  /// The file, for messages.
  public let source: String
  public let tensors: [(name: String, tensor: Tensor)]
  /// Whether the file is one of OpenAI's own archives, whose activation is known.
  public let isOriginal: Bool
  /// Names of the file that are no part of the model.
  public let unexpected: [String]
  /// Names of the file that it lacks although their neighbors are there.
  public let missing: [String]

  /// Recognizes the names of a file.
  ///
  /// Prefixes that all names carry are taken off, and what is no weight (counters, masks, numbers of places) left out.
  /// Tensors keep their types, and are the same tensors where nothing but the name changes; what changes form does it by
  /// operations of which gradients are known.
  /// - Parameter modelType: `model_type` of the `config.json` beside the file, which tells one tower by itself apart.
  /// - Throws: ``PublishedModelError`` for names of other models.
  public init(
    _ given: [(name: String, tensor: Tensor)], modelType: String? = nil, source: String
  ) throws {
    self.source = source
    let plain = PublishedNaming.withoutWrappers(given)
    isOriginal = plain.contains { $0.name == "input_resolution" }
    let weights = plain.filter { !PublishedNaming.isLeftover($0.name) }
    let named = PublishedNaming.withTower(weights, modelType: modelType)
    scheme = try PublishedNaming.scheme(of: named, source: source)
    switch scheme {
    case .openai:
      (tensors, unexpected, missing) = (PublishedNaming.withoutTextPrefix(named), [], [])
    case .huggingface:
      (tensors, unexpected, missing) = try HuggingFaceNames.openai(of: named)
    case .siglip: (tensors, unexpected, missing) = (named, [], [])
    case .bert, .mpnet:
      let plain = named.compactMap { entry in
        SentenceArchitecture.plain(entry.name).map { (name: $0, tensor: entry.tensor) }
      }
      (tensors, unexpected, missing) = (plain, [], [])
    }
  }

  init(
    scheme: PublishedScheme, source: String, tensors: [(name: String, tensor: Tensor)], isOriginal: Bool,
    unexpected: [String], missing: [String]
  ) {
    self.scheme = scheme
    self.source = source
    self.tensors = tensors
    self.isOriginal = isOriginal
    self.unexpected = unexpected
    self.missing = missing
  }

  subscript(_ name: String) -> Tensor? { tensors.first { $0.name == name }?.tensor }
}

/// How names of published files are told apart.
public enum PublishedNaming {
  /// Names without what all of them carry in front.
  static func withoutWrappers(
    _ tensors: [(name: String, tensor: Tensor)]
  ) -> [(name: String, tensor: Tensor)] {
    var found = tensors
    while let prefix = ["_orig_mod.", "module.", "model."].first(where: { prefix in
      !found.isEmpty && found.allSatisfy { $0.name.hasPrefix(prefix) && $0.name != prefix }
    }) {
      found = found.map { (String($0.name.dropFirst(prefix.count)), $0.tensor) }
    }
    return found
  }

  /// Whether a tensor of a file is no weight.
  static func isLeftover(_ name: String) -> Bool {
    if ["input_resolution", "context_length", "vocab_size"].contains(name) { return true }
    let last = name.split(separator: ".").last.map(String.init) ?? name
    return ["attn_mask", "position_ids", "num_batches_tracked"].contains(last)
  }

  /// Names of one tower by itself, which newer files write without saying which it is.
  static func withTower(
    _ tensors: [(name: String, tensor: Tensor)], modelType: String?
  ) -> [(name: String, tensor: Tensor)] {
    let isBare = tensors.contains { $0.name.hasPrefix("encoder.layers.") }
    let tower: String? =
      switch modelType {
      case "clip_vision_model"?, "clip_vision_model_with_projection"?, "siglip_vision_model"?: "vision_model."
      case "clip_text_model"?, "clip_text_model_with_projection"?, "siglip_text_model"?: "text_model."
      default: nil
      }
    guard isBare, let tower else { return tensors }
    let roots = ["visual_projection.", "text_projection.", "logit_scale", "logit_bias"]
    return tensors.map { entry in
      roots.contains { entry.name.hasPrefix($0) } ? entry : (tower + entry.name, entry.tensor)
    }
  }

  /// Which program's the names are.
  static func scheme(
    of tensors: [(name: String, tensor: Tensor)], source: String
  ) throws -> PublishedScheme {
    let names = tensors.map(\.name)
    let error = { (reason: String) in PublishedModelError.unusable(source, reason: reason) }
    if let refusal = refusal(of: tensors) { throw error(refusal) }
    let has = { (part: String) in names.contains { $0.hasPrefix(part) } }
    let matrix = tensors.first { $0.name == "text_projection" || $0.name == "text.text_projection" }
    let hasText = has("transformer.resblocks.") || has("text.transformer.resblocks.")
    if has("visual.") || matrix?.tensor.rank == 2 && hasText || hasText && has("ln_final.") { return .openai }
    if has("vision_model.") || has("text_model.") {
      let isSigLIP = names.contains("vision_model.head.probe") || names.contains("text_model.head.weight")
      return isSigLIP ? .siglip : .huggingface
    }
    let words = ["", "bert.", "mpnet.", "0.auto_model."].map { $0 + "embeddings.word_embeddings.weight" }
    if names.contains(where: words.contains) {
      let isMPNet = names.contains { $0.hasSuffix("encoder.relative_attention_bias.weight") }
      return isMPNet ? .mpnet : .bert
    }
    let first = names.prefix(5).joined(separator: ", ")
    throw error(
      "the names are of no model that is known here (openai, huggingface or siglip towers, bert, mpnet): "
        + (names.isEmpty ? "there are none" : first + (names.count > 5 ? ", …" : "")))
  }

  /// Why a model that is known elsewhere is not read; nil for others.
  private static func refusal(of tensors: [(name: String, tensor: Tensor)]) -> String? {
    for (name, tensor) in tensors {
      if name.hasPrefix("visual.trunk.") {
        return
          "'\(name)' is of a tower of timm, as open_clip has them for SigLIP, EVA and others, which is not read: "
          + "bring the Hugging Face file of the model, where there is one"
      }
      if name.hasSuffix(".cls_emb") || name == "cls_emb" || name.contains(".attn_pool.") {
        return "'\(name)' is of CoCa, whose towers pool in another way and which is not read"
      }
      if name.hasPrefix("text.transformer.embeddings.") {
        return
          "'\(name)' is of a text tower of open_clip that is built on another model (BERT, RoBERTa and the like), "
          + "which is not read"
      }
      if name == "vision_model.embeddings.patch_embedding.weight", tensor.rank == 2 {
        return
          "'\(name)' has shape \(tensor.shape): SigLIP 2 for pictures of any form (NaFlex) is not read; bring one "
          + "for pictures of one size"
      }
      if name.hasSuffix(".ls_1.gamma") {
        return "'\(name)' scales each layer (LayerScale), which is not read"
      }
    }
    return nil
  }

  /// Names without the `text.` that open_clip puts before a text tower of a class of its own.
  static func withoutTextPrefix(
    _ tensors: [(name: String, tensor: Tensor)]
  ) -> [(name: String, tensor: Tensor)] {
    tensors.map { ($0.name.hasPrefix("text.") ? String($0.name.dropFirst(5)) : $0.name, $0.tensor) }
  }
}
