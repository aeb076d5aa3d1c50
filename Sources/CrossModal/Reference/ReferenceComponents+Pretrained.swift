import Foundation
import Torch

/// Towers of published models among the reference cases of `pretrained` (`pretrained.md`, sections 3, 4 and 16), in
/// float64.
enum PublishedTowerReference: ReferenceComponents {
  static let method = "pretrained"
  static let components = [
    "clip_vit", "clip_resnet", "clip_text", "clip_model", "siglip_model", "position_interpolation",
  ]

  static func ranks(of component: String) -> [Int: [String]] {
    switch component {
    case "clip_vit", "clip_resnet": [4: ["images"], 2: ["upstream"]]
    case "clip_text": [2: ["tokens", "upstream"]]
    case "clip_model", "siglip_model": [4: ["images"], 2: ["tokens"]]
    default: [2: ["positions", "text_positions"]]
    }
  }

  static func compute(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    switch reference.component {
    case "clip_vit": try vit(reference)
    case "clip_resnet": try resnet(reference)
    case "clip_text": try text(reference)
    case "position_interpolation": try positions(reference)
    default: try model(reference)
    }
  }

  // MARK: - A model of a case

  /// The model with the weights of the case as leaves of a graph.
  private static func built(
    _ reference: ReferenceCase, inputs: [String], _ overrides: PublishedArchitecture.Overrides,
    _ configuration: PublishedConfiguration? = nil
  ) throws -> (model: PublishedModel, graph: ReferenceGraph) {
    let graph = try ReferenceGraph(reference, inputs: inputs)
    let given = try reference.weights.keys.sorted().map { (name: $0, tensor: try graph.leaf($0)) }
    let tensors = try PublishedTensors(
      given, modelType: configuration?.modelType, source: "weights.safetensors")
    let model = try PublishedModel(PublishedArchitecture(of: tensors, configuration, overrides))
    try tensors.check(against: model.stateEntries)
    let fitting = try tensors.fitting(model.stateEntries)
    for (entry, own) in zip(model.stateEntries, fitting) {
      entry.tensor = entry.isParameter ? own.tensor : try own.tensor.detached()
    }
    return (model, graph)
  }

  private static func activation(_ reference: ReferenceCase) throws -> TowerActivation? {
    guard let value = reference.config["activation"], !value.isNull else { return nil }
    guard let known = value.string.flatMap(TowerActivation.init(published:)) else {
      throw ReferenceError.badSetting(
        "activation", value.text(), TowerActivation.allCases.map(\.rawValue).joined(separator: " or "))
    }
    return known
  }

  private static func optional(_ key: String, _ reference: ReferenceCase) throws -> Int? {
    guard let value = reference.config[key], !value.isNull else { return nil }
    return try reference.whole(key)
  }

  /// Where the case says nothing, the first of its choices.
  private static func defaults(_ reference: ReferenceCase) throws -> PublishedArchitecture.Overrides {
    var overrides = PublishedArchitecture.Overrides()
    overrides.visionActivation = try activation(reference)
    overrides.textActivation = overrides.visionActivation
    overrides.visionHeads = try optional("heads", reference)
    overrides.textHeads = overrides.visionHeads
    overrides.layerNormEps = try reference.number("layer_norm_eps", or: 1e-5)
    return overrides
  }

  private static func outputs(
    _ graph: ReferenceGraph, _ reference: ReferenceCase, embedding: Tensor, _ others: [String: Tensor]
  ) throws -> [String: ReferenceOutput] {
    let upstream = try graph.leaf("upstream")
    guard upstream.shape == embedding.shape else {
      throw ReferenceError.badSetting("upstream", "\(upstream.shape)", "of shape \(embedding.shape)")
    }
    let loss = try (embedding * upstream).sum()
    return try graph.gradients(of: loss).adding(others).adding(["embedding": embedding, "loss": loss])
  }

  private static func missing(_ tower: String) -> ReferenceError { .missing("weights of", tower, []) }

  // MARK: - Towers

  private static func vit(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    var overrides = try defaults(reference)
    overrides.visionPool = try reference.choice("pool", or: .tok)
    overrides.finalLnAfterPool = try reference.flag("final_ln_after_pool", or: false)
    let images = try reference.input("images")
    let (graph, tower) = try grid(reference, overrides, images)
    let pictures = try graph.leaf("images")
    let hidden = try tower.hidden(pictures)
    let pooled = try tower.pooled(ofHidden: hidden)
    return try outputs(
      graph, reference, embedding: tower.projected(pooled), ["hidden": hidden, "pooled": pooled])
  }

  /// A vision transformer by itself, of which the positions are those of any grid.
  private static func grid(
    _ reference: ReferenceCase, _ overrides: PublishedArchitecture.Overrides, _ images: Tensor
  ) throws -> (ReferenceGraph, VisionTransformer) {
    // The sizes are read off a file whose grid is square; this one may be any.
    let graph = try ReferenceGraph(reference, inputs: ["images", "upstream"])
    var given = try reference.weights.keys.sorted().map { (name: $0, tensor: try graph.leaf($0)) }
    given = PublishedNaming.withoutWrappers(given).filter { !PublishedNaming.isLeftover($0.name) }
    let name = "visual.positional_embedding"
    guard let place = given.firstIndex(where: { $0.name == name }), given[place].tensor.rank == 2 else {
      throw missing("visual.positional_embedding")
    }
    let positions = given[place].tensor
    let width = positions.size(along: 1)
    var square = given
    square[place].tensor = try Tensor.zeros([2, width], .float64)
    let tensors = try PublishedTensors(square, source: "weights.safetensors")
    let model = try PublishedModel(PublishedArchitecture(of: tensors, nil, overrides))
    try tensors.check(against: model.stateEntries)
    guard let tower = model.pictures as? VisionTransformer else { throw missing("a vision transformer") }
    let fitting = try tensors.fitting(model.stateEntries)
    for (entry, own) in zip(model.stateEntries, fitting) {
      entry.tensor = entry.name == name ? positions : own.tensor
    }
    return (graph, tower)
  }

  private static func resnet(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    var overrides = try defaults(reference)
    overrides.layerNormEps = nil
    let (model, graph) = try built(reference, inputs: ["images", "upstream"], overrides)
    guard let tower = model.pictures as? ModifiedResNet else { throw missing("a residual network") }
    let stem = try tower.stem(graph.leaf("images"))
    let features = try tower.features(ofStem: stem)
    let embedding = try tower.projected(tower.pooled(ofFeatures: features))
    return try outputs(graph, reference, embedding: embedding, ["stem": stem, "features": features])
  }

  private static func text(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    var overrides = try defaults(reference)
    overrides.pool = try reference.choice("pool", or: .argmax)
    overrides.causal = try reference.flag("causal", or: true)
    if overrides.pool == .eos {
      guard let end = try optional("eos_token_id", reference) else {
        throw ReferenceError.badSetting("eos_token_id", "null", "the number of the end mark")
      }
      overrides.endToken = end
    }
    let (model, graph) = try built(reference, inputs: ["upstream"], overrides)
    guard let tower = model.texts as? CLIPTextTower else { throw missing("a text transformer") }
    let tokens = try reference.input("tokens").to(.int64)
    let hidden = try tower.hidden(tokens)
    let embedding = try tower.projected(tower.pooled(ofHidden: hidden, tokens))
    return try outputs(graph, reference, embedding: embedding, ["hidden": hidden])
  }

  // MARK: - Both towers

  private static func model(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    var overrides = PublishedArchitecture.Overrides()
    overrides.visionActivation = try activation(reference)
    overrides.textActivation = overrides.visionActivation
    let stated = reference.config["config_json"].flatMap { $0.isNull ? nil : $0 }
    let configuration = stated.map { PublishedConfiguration($0, source: "config_json") }
    let (model, graph) = try built(reference, inputs: ["images"], overrides, configuration)
    guard let pictures = model.pictures, let texts = model.texts else { throw missing("both towers") }
    let images = try pictures(graph.leaf("images"))
    let captions = try texts(reference.input("tokens").to(.int64))
    let count = min(images.size(along: 0), captions.size(along: 0))
    let loss = try loss(model, reference, images[0..<count], captions[0..<count])
    var outputs = try graph.gradients(of: loss).adding([
      "image_features": images, "text_features": captions,
      "logits_per_image": model.logits(images, captions), "loss": loss,
    ])
    outputs["naming"] = .text(.string(model.architecture.scheme.rawValue))
    outputs["sizes"] = .text(model.architecture.sizes)
    return outputs
  }

  private static func loss(
    _ model: PublishedModel, _ reference: ReferenceCase, _ images: Tensor, _ texts: Tensor
  ) throws -> Tensor {
    let (images, texts) = (try images.normalized(along: 1), try texts.normalized(along: 1))
    let matches = try Matches(pairs: images.size(along: 0))
    guard reference.component == "siglip_model" else {
      let objective = try PairObjective(
        SoftmaxContrast(logScale: model.logScale, distance: .dot), symmetric: true)
      return try objective(images, texts, matches).total
    }
    let bias = try model.logitBias ?? Tensor(0.0)
    let contrast = SigmoidContrast(logScale: try model.logScale, bias: bias)
    return try PairObjective(contrast, distance: .dot)(images, texts, matches).total
  }

  // MARK: - Positions

  private static func positions(_ reference: ReferenceCase) throws -> [String: ReferenceOutput] {
    let grid = try reference.counts("grid")
    let prefix = try reference.whole("prefix")
    let length = try reference.count("text_length")
    guard grid.count == 2, grid.allSatisfy({ $0 > 0 }), prefix <= 1 else {
      throw ReferenceError.badSetting("grid", "\(grid)", "two whole numbers from 1, with a prefix of 0 or 1")
    }
    let positions = try reference.input("positions").to(.float32)
    let texts = try reference.input("text_positions").to(.float32)
    return [
      "resized": .tensor(
        try PositionInterpolation.resized(
          positions, prefix: prefix, to: (grid[0], grid[1]), antialias: reference.flag("antialias", or: true))
      ),
      "text_resized": .tensor(try PositionInterpolation.resized(texts, toLength: length)),
    ]
  }
}

extension PublishedArchitecture {
  /// The sizes as cases write them.
  fileprivate var sizes: JSON {
    var all: JSON = ["embed_dim": .int(vision?.output ?? text?.output ?? 0)]
    func blocks(_ sizes: BlockSizes) -> [JSON.Member] {
      [
        .init("width", .int(sizes.width)), .init("layers", .int(sizes.layers)),
        .init("heads", .int(sizes.heads)),
      ]
    }
    if let resnet = vision?.resnet {
      all["vision"] = [
        "kind": "resnet", "width": .int(resnet.width), "layers": .array(resnet.layers.map(JSON.int)),
        "heads": .int(resnet.heads), "image_size": .int(resnet.imageSize),
      ]
    } else if let vision, let own = vision.vit?.blocks ?? vision.siglip?.blocks {
      all["vision"] = .object(
        [.init("kind", vision.isSigLIP ? "siglip" : "vit")] + blocks(own) + [
          .init("patch_size", .int(vision.vit?.patchSize ?? vision.siglip?.patchSize ?? 0)),
          .init("image_size", .int(vision.imageSize ?? 0)), .init("mlp_width", .int(own.mlpWidth)),
        ])
    }
    if let text, let own = text.text?.blocks ?? text.siglipText?.blocks {
      all["text"] = .object(
        blocks(own) + [
          .init("context_length", .int(text.contextLength ?? 0)),
          .init("vocab_size", .int(text.vocabulary ?? 0)), .init("mlp_width", .int(own.mlpWidth)),
        ])
    }
    return all
  }
}
