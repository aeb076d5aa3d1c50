import Foundation
import Torch

/// Sentence encoders of given weights, and of a published folder (`pretrained.md`, section 7).
enum SentenceEncoderReference: ReferenceComponents {
  static let method = "pretrained"
  static let components = ["sentence_encoder", "sentence_model"]

  static func ranks(of component: String) -> [Int: [String]] {
    component == "sentence_encoder" ? [2: ["tokens", "mask", "upstream"]] : [:]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    reference.component == "sentence_model" ? try folder(reference) : try encoder(reference)
  }

  private static func encoder(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let graph = try ReferenceGraph(reference, inputs: ["upstream"])
    let names = reference.weights.keys.sorted().compactMap { name in
      SentenceArchitecture.plain(name).map { (plain: $0, own: name) }
    }
    let weights = try names.map {
      ($0.plain, try reference.weights[$0.own]?.to(.float64) ?? graph.leaf($0.own))
    }
    let config = reference.config["config_json"] ?? .null
    var architecture = try SentenceArchitecture(weights, config: config, from: "weights.safetensors")
    architecture.pooling = try reference.choice("pooling", or: .mean)
    architecture.normalizes = try reference.flag("normalize", or: false)
    let model = try SentenceModel(architecture, .float64)
    try model.load(weights, from: "weights.safetensors")
    for entry in model.stateEntries {
      guard let name = names.first(where: { $0.plain == entry.name }) else { continue }
      entry.tensor = try graph.leaf(name.own)
    }
    let (tokens, mask) = (try reference.input("tokens"), try reference.input("mask"))
    let upstream = try graph.leaf("upstream")
    guard tokens.shape == mask.shape, upstream.shape == [tokens.shape[0], model.size] else {
      throw ReferenceError.badSetting(
        "inputs", "of shapes \(tokens.shape), \(mask.shape), \(upstream.shape)",
        "tokens and mask of one shape and upstream [\(tokens.shape[0]), \(model.size)]")
    }
    let states = try model.states(tokens, mask: mask)
    let embedding = try model.vectors(ofStates: states, mask: mask)
    let loss = try (embedding * upstream).sum()
    return try graph.gradients(of: loss).adding(["hidden": states, "embedding": embedding, "loss": loss])
  }

  private static func folder(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let folder = try SentenceFolder(reference.file("model"))
    let rows = folder.numbers(of: try reference.givenTexts())
    return [
      "embeddings": .tensor(try folder.model().vectors(of: rows)),
      "token_counts": .tensor(try Tensor(rows.map(\.count))),
      "token_ids": .text(.array(rows.map { .array($0.map(JSON.int)) })),
    ]
  }
}
