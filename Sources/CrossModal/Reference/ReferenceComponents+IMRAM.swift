import Foundation
import Torch

/// The model among the reference cases of `imram` (`imram.md`, sections 3, 4 and 12), in float64.
enum IMRAMReference: ReferenceComponents {
  static let method = "imram"
  static let components = ["model"]

  static func ranks(of component: String) -> [Int: [String]] {
    [3: ["images"], 2: ["captions"], 1: ["lengths"]]
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    var configuration: IMRAM.Configuration = try reference.regionWordSettings()
    configuration.modelMode = try reference.choice("model_mode")
    configuration.iterationStep = try reference.count("iteration_step", atMost: 64)
    configuration.memory = try reference.choice("memory", or: .gate)
    configuration.noImramNorm = try reference.flag("no_IMRAM_norm", or: false)
    configuration.rawFeatureNorm = try reference.choice("raw_feature_norm", or: .clippedL2norm)
    configuration.lambdaSoftmax = try reference.number("lambda_softmax")
    let network = try IMRAM(configuration, for: reference.regionsAndWords())
    let graph = try ReferenceGraph(reference, inputs: ["images"])
    try network.load(reference.weights.map { ($0.key, $0.value) }, from: "weights.safetensors")
    for entry in network.stateEntries { entry.tensor = try graph.leaf(entry.name) }
    let (pictures, words) = try reference.fragments(network.encoders, images: graph.leaf("images"))
    let passes = try network.passes()
    let (value, steps) = try RecurrentAttention.loss(pictures, words, passes) { scores in
      try configuration.ranking(isWarmingUp: false).loss(
        ofScores: scores, Matches(pairs: scores.size(along: 0)))
    }
    var outputs = try graph.gradients(of: value.total, keepingShapesOf: network.parameters)
    for (pass, scores) in zip(passes, steps) {
      for step in 0..<configuration.iterationStep {
        let name = "scores_\(pass.attention.attention.direction).step\(step + 1)"
        outputs[name] = .tensor(try scores[step])
      }
    }
    return try outputs.adding([
      "img_emb": pictures.values, "cap_emb": words.values, "loss": value.total,
      "scores": Tensor.concatenated(steps).sum(along: 0),
    ])
  }
}

extension ReferenceCase {
  /// The settings that SCAN and the methods that build on it have in common.
  func regionWordSettings<Settings: RegionWordConfiguration>() throws -> Settings {
    var settings = Settings()
    settings.margin = try number("margin")
    settings.maxViolation = try flag("max_violation", or: false)
    settings.embedSize = try count("embed_size")
    settings.wordDim = try count("word_dim")
    settings.numLayers = try count("num_layers", atMost: max(1, weights.count))
    settings.biGru = try flag("bi_gru", or: false)
    settings.precompEncType = try choice("precomp_enc_type", or: .basic)
    settings.noImgnorm = try flag("no_imgnorm", or: false)
    settings.noTxtnorm = try flag("no_txtnorm", or: false)
    return settings
  }

  /// Data of regions and words, as cases of SCAN and of methods that build on it give them.
  func regionsAndWords() throws -> DataDescription {
    DataDescription(
      name: folder.lastPathComponent,
      modalities: [
        .init(name: "images", kind: .set, size: try count("img_dim")),
        .init(name: "captions", kind: .tokens, vocabulary: try count("vocab_size")),
      ])
  }

  /// The case's images and captions through their encoders.
  func fragments(
    _ encoders: RegionWordEncoders, images: Tensor
  ) throws -> (pictures: Features, words: Features) {
    let captions = try input("captions")
    let lengths = try lengths(rows: captions.size(along: 0), width: captions.size(along: 1))
    let regions = [Int](repeating: images.size(along: 1), count: images.size(along: 0))
    return (
      try encoders(.sets(images, lengths: regions), side: 0),
      try encoders(.tokens(captions, lengths: lengths), side: 1)
    )
  }
}
