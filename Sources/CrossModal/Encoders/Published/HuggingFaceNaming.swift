import Foundation
import Torch

/// Hugging Face's names of the tensors of CLIP beside OpenAI's: maps of queries, keys and values that lie in one tensor
/// there, and projections that are transposed.
enum HuggingFaceNames {
  /// Names that differ at their front, without the numbers of blocks.
  private static let fronts: [(huggingface: String, openai: String)] = [
    ("vision_model.embeddings.class_embedding", "visual.class_embedding"),
    ("vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight"),
    ("vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"),
    // So spelt.
    ("vision_model.pre_layrnorm.", "visual.ln_pre."),
    ("vision_model.post_layernorm.", "visual.ln_post."),
    ("text_model.embeddings.token_embedding.weight", "token_embedding.weight"),
    ("text_model.embeddings.position_embedding.weight", "positional_embedding"),
    ("text_model.final_layer_norm.", "ln_final."),
    ("visual_projection.weight", "visual.proj"),
    ("text_projection.weight", "text_projection"),
    ("vision_model.encoder.layers.", "visual.transformer.resblocks."),
    ("text_model.encoder.layers.", "transformer.resblocks."),
    ("logit_scale", "logit_scale"),
    ("logit_bias", "logit_bias"),
  ]
  private static let parts: [(huggingface: String, openai: String)] = [
    ("layer_norm1.", "ln_1."), ("layer_norm2.", "ln_2."), ("mlp.fc1.", "mlp.c_fc."),
    ("mlp.fc2.", "mlp.c_proj."), ("self_attn.out_proj.", "attn.out_proj."),
  ]
  private static let maps = ["q", "k", "v"]

  /// OpenAI's name of a tensor, and which part of it the tensor is where several make one; nil for a name that the model
  /// has not.
  static func openai(of name: String) -> (name: String, part: Int?)? {
    guard let (front, own) = fronts.first(where: { name.hasPrefix($0.huggingface) }) else { return nil }
    let rest = String(name.dropFirst(front.count))
    guard front.hasSuffix("layers.") else {
      return front.hasSuffix(".") || rest.isEmpty ? (own + rest, nil) : nil
    }
    guard let dot = rest.firstIndex(of: "."), Int(rest[..<dot]) != nil else { return nil }
    let block = own + String(rest[...dot])
    let member = String(rest[rest.index(after: dot)...])
    for (part, map) in maps.enumerated() where member.hasPrefix("self_attn.\(map)_proj.") {
      return (block + "attn.in_proj_" + member.dropFirst("self_attn.q_proj.".count), part)
    }
    guard let (theirs, ours) = parts.first(where: { member.hasPrefix($0.huggingface) }) else { return nil }
    return (block + ours + member.dropFirst(theirs.count), nil)
  }

  /// Hugging Face's names of a tensor that OpenAI's program names.
  static func huggingface(of name: String) -> [String] {
    guard
      let (theirs, front) = fronts.first(where: {
        name == $0.openai || $0.openai.hasSuffix(".") && name.hasPrefix($0.openai)
      })
    else { return [name] }
    let rest = String(name.dropFirst(front.count))
    guard theirs.hasSuffix("layers."), let dot = rest.firstIndex(of: ".") else { return [theirs + rest] }
    let block = theirs + String(rest[...dot])
    let member = String(rest[rest.index(after: dot)...])
    if member.hasPrefix("attn.in_proj_") {
      return maps.map { block + "self_attn.\($0)_proj." + member.dropFirst("attn.in_proj_".count) }
    }
    guard let part = parts.first(where: { member.hasPrefix($0.openai) }) else { return [block + member] }
    return [block + part.huggingface + member.dropFirst(part.openai.count)]
  }

  private static func isTransposed(_ openai: String) -> Bool {
    openai == "visual.proj" || openai == "text_projection"
  }

  /// Tensors under OpenAI's names and in its form.
  static func openai(
    of tensors: [(name: String, tensor: Tensor)]
  ) throws -> (tensors: [(name: String, tensor: Tensor)], unexpected: [String], missing: [String]) {
    var found: [(name: String, tensor: Tensor)] = []
    var joined: [(name: String, parts: [Tensor?], files: String)] = []
    var places: [String: Int] = [:]
    var unexpected: [String] = []
    for (name, tensor) in tensors {
      guard let own = openai(of: name) else {
        unexpected.append(name)
        continue
      }
      guard let part = own.part else {
        let isTurned = isTransposed(own.name) && tensor.rank == 2
        found.append((own.name, isTurned ? try tensor.transposed().contiguous() : tensor))
        continue
      }
      if places[own.name] == nil {
        places[own.name] = joined.count
        joined.append((own.name, [nil, nil, nil], name))
      }
      if let place = places[own.name] { joined[place].parts[part] = tensor }
    }
    var missing: [String] = []
    for (name, parts, _) in joined {
      let names = huggingface(of: name)
      missing += zip(names, parts).filter { $1 == nil }.map(\.0)
      let there = parts.compactMap { $0 }
      guard there.count == maps.count else { continue }
      guard Set(there.map(\.shape)).count == 1 else {
        unexpected += zip(names, there).map { "\($0) of shape \($1.shape)" }
        continue
      }
      found.append((name, try Tensor.concatenated(there)))
    }
    return (found, unexpected, missing)
  }

  /// Tensors that OpenAI's program names under Hugging Face's names and in its form.
  static func huggingface(
    of tensors: [(name: String, tensor: Tensor)]
  ) throws -> [(name: String, tensor: Tensor)] {
    try tensors.flatMap { entry -> [(name: String, tensor: Tensor)] in
      let names = huggingface(of: entry.name)
      if names.count == maps.count {
        return Array(zip(names, try entry.tensor.split(by: entry.tensor.size(along: 0) / maps.count)))
          .map { ($0, $1) }
      }
      return [
        (names[0], isTransposed(entry.name) ? try entry.tensor.transposed().contiguous() : entry.tensor)
      ]
    }
  }
}
