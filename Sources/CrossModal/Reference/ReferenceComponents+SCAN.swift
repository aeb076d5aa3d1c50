import Foundation
import Torch

/// Model and attention among the reference cases of `scan` (`scan.md`, sections 3, 4 and 12), in float64.
enum SCANReference: ReferenceComponents {
  static let method = "scan"
  static let components = ["model", "attention"]

  static func ranks(of component: String) -> [Int: [String]] {
    [3: ["images", "img_emb", "cap_emb"], 2: ["captions"], 1: ["lengths"]]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    reference.component == "model" ? try model(reference) : try attention(reference)
  }

  // MARK: - From inputs to gradients

  private static func model(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    var configuration: SCAN.Configuration = try reference.regionWordSettings()
    configuration.crossAttn = try reference.choice("cross_attn", or: .t2i)
    configuration.aggFunc = try reference.choice("agg_func", or: .logSumExp)
    configuration.rawFeatureNorm = try reference.choice("raw_feature_norm", or: .clippedL2norm)
    configuration.lambdaSoftmax = try reference.number("lambda_softmax")
    configuration.lambdaLse = try reference.number("lambda_lse", or: 6)
    let network = try SCAN(configuration, for: reference.regionsAndWords())
    let graph = try ReferenceGraph(reference, inputs: ["images"])
    try network.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in network.stateEntries { entry.tensor = try graph.leaf(entry.name) }
    let (pictures, words) = try reference.fragments(network.encoders, images: graph.leaf("images"))
    let scores = try configuration.attention.scores(pictures, words)
    let loss = try configuration.ranking(isWarmingUp: false)
      .loss(ofScores: scores, Matches(pairs: scores.size(along: 0))).total
    let outputs = try graph.gradients(of: loss, keepingShapesOf: network.parameters)
    let squares = try network.parameters.map { entry -> Tensor in
      guard case .tensor(let slope)? = outputs["grad." + entry.name] else {
        throw ReferenceError.missing("gradient", entry.name, outputs.keys.sorted())
      }
      return try slope.squared().sum()
    }
    return try outputs.adding([
      "img_emb": pictures.values, "cap_emb": words.values, "scores": scores, "loss": loss,
      "grad_norm": Tensor.stacked(squares).sum().squareRoot(),
    ])
  }

  // MARK: - Given embeddings

  private static func attention(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let regions = try reference.input("img_emb").to(.float64)
    let images = Features(
      regions, lengths: [Int](repeating: regions.size(along: 1), count: regions.size(along: 0)))
    let words = try reference.input("cap_emb").to(.float64)
    let captions = Features(
      words, lengths: try reference.lengths(rows: words.size(along: 0), width: words.size(along: 1)))
    let norms: [CrossAttention.Normalization] = try reference.choices("norms")
    let aggregations: [CrossAttention.Aggregation] = try reference.choices("aggregations")
    var outputs: [String: Tensor] = [:]
    for direction in CrossAttention.Direction.allCases {
      var attention = CrossAttention()
      attention.direction = direction
      attention.lambdaSoftmax = try reference.number("lambda_softmax")
      attention.lambdaLSE = try reference.number("lambda_lse", or: 6)
      let first = try attention.attention(
        image: images.items(0..<1).values[0], caption: captions.items(0..<1).packed().values)
      outputs["attn00.\(direction).clipped_l2norm"] = first.weights
      outputs["context00.\(direction).clipped_l2norm"] = first.attended
      for norm in norms {
        for aggregation in aggregations {
          attention.normalization = norm
          attention.aggregation = aggregation
          let name = "scores.\(direction).\(norm.rawValue).\(aggregation.rawValue)"
          outputs[name] = try attention.scores(images, captions)
        }
      }
    }
    return outputs.mapValues(ReferenceOutput.tensor)
  }
}

extension ReferenceCase {
  /// Some of a closed choice among the settings.
  fileprivate func choices<Choice: RawRepresentable & CaseIterable>(_ key: String) throws -> [Choice]
  where Choice.RawValue == String {
    let value = try setting(key)
    let all = value.array?.map { $0.string.flatMap(Choice.init) } ?? []
    let known = all.compactMap { $0 }
    guard !all.isEmpty, known.count == all.count else {
      throw ReferenceError.badSetting(
        key, value.text(), "a list of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return known
  }
}
