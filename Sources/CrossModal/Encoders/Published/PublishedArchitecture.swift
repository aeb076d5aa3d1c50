import Foundation
import Torch

/// The sizes of one tower of a published model: what a run keeps to build it again.
public struct PublishedTowerSizes: Sendable, Codable, Equatable {
  public var vit: VisionTransformer.Sizes?
  public var resnet: ModifiedResNet.Sizes?
  public var siglip: SigLIPPictureTower.Sizes?
  public var text: CLIPTextTower.Sizes?
  public var siglipText: SigLIPTextTower.Sizes?
  public var sentence: SentenceArchitecture?

  public init() {}

  /// Whether it is a tower of pictures.
  public var isOfPictures: Bool { vit != nil || resnet != nil || siglip != nil }

  /// Side of the pictures that it has positions for; nil for a tower of texts.
  public var imageSize: Int? { vit?.imageSize ?? resnet?.imageSize ?? siglip?.imageSize }

  /// Most pieces of a text; nil for a tower of pictures.
  public var contextLength: Int? {
    text?.contextLength ?? siglipText?.contextLength ?? sentence?.longest
  }

  /// How many pieces there are; nil for a tower of pictures.
  public var vocabulary: Int? {
    text?.vocabSize ?? siglipText?.vocabSize ?? sentence?.sizes.vocabSize
  }

  /// Width before the projection.
  public var width: Int {
    vit?.blocks.width ?? resnet.map { 32 * $0.width } ?? siglip?.blocks.width ?? text?.blocks.width
      ?? siglipText?.blocks.width ?? sentence?.sizes.hiddenSize ?? 0
  }

  /// Width of what comes out.
  public var output: Int {
    vit.map { $0.output ?? $0.blocks.width } ?? resnet?.output ?? siglip?.blocks.width ?? text?.output
      ?? siglipText?.output ?? sentence?.sizes.hiddenSize ?? 0
  }

  /// Blocks, from the bottom to the top.
  public var depth: Int {
    vit?.blocks.layers ?? resnet?.layers.reduce(0, +) ?? siglip?.blocks.layers ?? text?.blocks.layers
      ?? siglipText?.blocks.layers ?? sentence?.sizes.numHiddenLayers ?? 0
  }

  /// Whether its names are Hugging Face's for SigLIP.
  public var isSigLIP: Bool { siglip != nil || siglipText != nil }

  /// What the tower's names begin with in files.
  public var prefix: String {
    siglip != nil ? "vision_model" : siglipText != nil ? "text_model" : isOfPictures ? "visual" : ""
  }
}

/// Sizes of a published model, and where each was found.
public struct PublishedArchitecture: Sendable, Equatable {
  public let scheme: PublishedScheme
  public internal(set) var vision: PublishedTowerSizes?
  public internal(set) var text: PublishedTowerSizes?
  public internal(set) var hasLogitScale = false
  public internal(set) var hasLogitBias = false
  /// Every size in words, and where it is from.
  public internal(set) var facts: [Fact] = []
  /// What a user should know, a sentence each.
  public internal(set) var warnings: [String] = []

  public struct Fact: Sendable, Equatable {
    /// `vision.width`.
    public let name: String
    public let value: String
    /// A tensor, a key of a configuration, a rule.
    public let origin: String
  }

  /// The tower of pictures, or that of texts.
  public enum Half: Sendable { case pictures, texts }

  /// What a user says over the file's configuration and the rules, of each tower.
  public struct Overrides: Sendable, Equatable {
    public var visionHeads: Int?
    public var textHeads: Int?
    public var visionActivation: TowerActivation?
    public var textActivation: TowerActivation?
    /// The number of the end mark, at which a text is read.
    public var endToken: Int?
    public var layerNormEps: Double?
    /// Of texts.
    public var pool: CLIPTextTower.Pool?
    public var causal: Bool?
    public var visionPool: VisionTransformer.Pool?
    public var finalLnAfterPool: Bool?

    public init() {}
  }

  /// Reads the sizes off the shapes, and what they do not say off the configuration; what the user says stands above.
  ///
  /// - Parameters:
  ///   - tensors: of a model with towers.
  ///   - configuration: of the file, where there is one.
  ///   - half: which towers are wanted; all that there are when nil.
  /// - Throws: ``PublishedModelError`` for heads that nobody says, sizes that disagree, and shapes that are none of such a
  ///   model.
  public init(
    of tensors: PublishedTensors, _ configuration: PublishedConfiguration? = nil,
    _ overrides: Overrides = Overrides(), only half: Half? = nil
  ) throws {
    var reader = ArchitectureReader(tensors, configuration, overrides, half)
    try reader.read()
    self = reader.found
  }

  init(scheme: PublishedScheme) { self.scheme = scheme }

  /// Heads of the vision transformers that are published without saying them.
  static func visionHeads(ofWidth width: Int) -> Int? {
    if width <= 1024 { return width.isMultiple(of: 64) ? width / 64 : nil }
    return [1280, 1408, 1664, 1792].contains(width) ? 16 : nil
  }
}

/// Shapes and configuration on the way to sizes.
private struct ArchitectureReader {
  private let tensors: PublishedTensors
  private let shapes: [String: [Int]]
  private let configuration: PublishedConfiguration?
  private let overrides: PublishedArchitecture.Overrides
  private let half: PublishedArchitecture.Half?
  var found: PublishedArchitecture

  init(
    _ tensors: PublishedTensors, _ configuration: PublishedConfiguration?,
    _ overrides: PublishedArchitecture.Overrides, _ half: PublishedArchitecture.Half?
  ) {
    self.half = half
    self.tensors = tensors
    shapes = Dictionary(tensors.tensors.map { ($0.name, $0.tensor.shape) }) { first, _ in first }
    self.configuration = configuration
    self.overrides = overrides
    found = PublishedArchitecture(scheme: tensors.scheme)
  }

  private func error(_ reason: String) -> PublishedModelError {
    .unusable(tensors.source, reason: reason)
  }

  mutating func read() throws {
    found.hasLogitScale = shapes["logit_scale"] != nil
    found.hasLogitBias = shapes["logit_bias"] != nil
    let names = shapes.keys
    let half = half
    let has = { (prefix: String) in
      let isOfPictures = prefix.hasPrefix("vis")
      return (half == nil || (half == .pictures) == isOfPictures) && names.contains { $0.hasPrefix(prefix) }
    }
    if tensors.scheme == .siglip {
      if has("vision_model.") { found.vision = try siglipVision() }
      if has("text_model.") { found.text = try siglipText() }
    } else {
      if has("visual.layer1.") {
        found.vision = try resnet()
      } else if has("visual.") {
        found.vision = try vit()
      }
      if has("transformer.resblocks.") || has("token_embedding.") { found.text = try text() }
    }
    guard let vision = found.vision, let text = found.text else { return }
    guard vision.output == text.output else {
      throw error(
        "pictures get \(vision.output) numbers and texts \(text.output): the two towers are not of one space")
    }
  }

  // MARK: - Sizes from shapes

  private mutating func note(_ name: String, _ value: some Any, _ origin: String) {
    found.facts.append(.init(name: name, value: "\(value)", origin: origin))
  }

  /// A size that one of several tensors shows.
  private mutating func size(
    _ name: String, _ places: [(tensor: String, axis: Int)], rank: Int? = nil
  ) throws -> Int {
    for (tensor, axis) in places {
      guard let shape = shapes[tensor], axis < shape.count, shape[axis] > 0 else { continue }
      note(name, shape[axis], fileName(tensor))
      return shape[axis]
    }
    throw error(
      "\(places.map { fileName($0.tensor) }.joined(separator: ", ")): "
        + (places.count == 1 ? "is missing" : "all are missing")
        + " or of no such shape, so the \(name) is not known")
  }

  private func fileName(_ name: String) -> String {
    tensors.scheme == .huggingface ? HuggingFaceNames.huggingface(of: name).joined(separator: ", ") : name
  }

  /// One more than the largest number behind a name.
  private mutating func layers(_ name: String, _ prefix: String) -> Int {
    let numbers = shapes.keys.compactMap { key -> Int? in
      guard key.hasPrefix(prefix) else { return nil }
      return Int(key.dropFirst(prefix.count).prefix { $0 != "." })
    }
    // A number that is no block's would make a network of millions.
    let most = numbers.filter { $0 < 4096 }.max().map { $0 + 1 } ?? 0
    note(name, most, "the numbers in \(fileName(prefix + "0.").dropLast(2))")
    return most
  }

  /// Says when the configuration has another size than the shapes.
  private func check(
    _ tower: PublishedConfiguration.Tower?, _ size: PublishedConfiguration.Size, _ value: Int, _ name: String
  ) throws {
    guard let stated = tower?.sizes[size], stated.value != value, let configuration else { return }
    throw error(
      "the \(name) is \(value) by the shapes and \(stated.value) by \(stated.key) of \(configuration.source)")
  }

  /// The number of heads: the user's, the configuration's, that of the rule; never a guess.
  private mutating func heads(
    _ name: String, width: Int, _ own: Int?, _ tower: PublishedConfiguration.Tower?, rule: Int?
  ) throws -> Int {
    let heads: Int
    let source = configuration?.source ?? ""
    if let own {
      heads = own
      note(name, own, "the settings")
    } else if let stated = tower?.heads {
      heads = stated
      note(name, stated, source)
    } else if let size = tower?.headWidth, size > 0, width.isMultiple(of: size) {
      heads = width / size
      note(name, heads, "width divided by head_width \(size) of \(source)")
    } else if let rule {
      heads = rule
      note(name, rule, "the rule for a width of \(width)")
    } else {
      throw error(
        "the number of heads is in no shape, and a width of \(width) does not tell it: set published.heads, or bring "
          + "the config.json of the model")
    }
    guard heads >= 1, width.isMultiple(of: heads) else {
      throw error("\(heads) heads (\(found.facts.last?.origin ?? "")) do not divide a width of \(width)")
    }
    return heads
  }

  private mutating func activation(
    _ name: String, _ own: TowerActivation?, _ tower: PublishedConfiguration.Tower?
  ) throws -> TowerActivation {
    if let own {
      note(name, own.rawValue, "the settings")
      return own
    }
    if tensors.isOriginal {
      note(name, TowerActivation.quickGELU.rawValue, "OpenAI's own file (it has input_resolution)")
      return .quickGELU
    }
    let source = configuration?.source ?? ""
    if let stated = tower?.activation {
      guard let known = TowerActivation(published: stated) else {
        let all = TowerActivation.allCases.map(\.rawValue).joined(separator: ", ")
        throw error("the activation '\(stated)' of \(source) is not known, only \(all)")
      }
      note(name, known.rawValue, source)
      return known
    }
    note(name, TowerActivation.gelu.rawValue, "nothing says it")
    let warning =
      "no file says which activation the weights are for; taken is gelu. Where they were trained with quick_gelu "
      + "(OpenAI's, and many of open_clip), set published.activation: the wrong one runs and finds less"
    if !found.warnings.contains(warning) { found.warnings.append(warning) }
    return .gelu
  }

  private mutating func epsilon(
    _ name: String, _ tower: PublishedConfiguration.Tower?, or standard: Double
  ) -> Double {
    let value = overrides.layerNormEps ?? tower?.layerNormEps
    note(name, value ?? standard, value == nil ? "as usual" : configuration?.source ?? "the settings")
    return value ?? standard
  }

  private mutating func blocks(
    _ tower: String, width: Int, layers: Int, firstMap: String, rule: Int?, eps: Double
  ) throws -> BlockSizes {
    let isVision = tower == "vision"
    let stated = isVision ? configuration?.vision : configuration?.text
    let heads = try heads(
      "\(tower).heads", width: width, isVision ? overrides.visionHeads : overrides.textHeads, stated,
      rule: rule)
    let mlp = layers == 0 ? 4 * width : try size("\(tower).mlp_width", [(firstMap, 0)])
    try check(stated, .width, width, "\(tower) width")
    try check(stated, .layers, layers, "number of \(tower) layers")
    try check(stated, .mlp, mlp, "\(tower) width between the maps")
    return BlockSizes(
      width: width, layers: layers, heads: heads, mlpWidth: mlp,
      activation: try activation(
        "\(tower).activation", isVision ? overrides.visionActivation : overrides.textActivation, stated),
      layerNormEps: epsilon("\(tower).layer_norm_eps", stated, or: eps))
  }

  /// Side of a grid of positions.
  private func grid(_ name: String, prefix: Int) throws -> Int {
    let rows = shapes[name]?.first ?? 0
    guard rows > prefix, let side = PositionInterpolation.squareRoot(of: rows - prefix) else {
      throw error(
        "'\(fileName(name))' has \(rows) rows"
          + (prefix > 0 ? ", which less one are no square of patches" : ", no square of patches"))
    }
    return side
  }

  // MARK: - Towers

  private mutating func vit() throws -> PublishedTowerSizes {
    let width = try size(
      "vision.width",
      [
        ("visual.class_embedding", 0), ("visual.ln_post.weight", 0), ("visual.conv1.weight", 0),
        ("visual.positional_embedding", 1),
      ])
    let patch = try size("vision.patch_size", [("visual.conv1.weight", 3)])
    let side = try grid("visual.positional_embedding", prefix: 1)
    note(
      "vision.image_size", patch * side,
      "\(fileName("visual.positional_embedding")): \(side) by \(side) patches")
    let layers = layers("vision.layers", "visual.transformer.resblocks.")
    let blocks = try blocks(
      "vision", width: width, layers: layers, firstMap: "visual.transformer.resblocks.0.mlp.c_fc.weight",
      rule: PublishedArchitecture.visionHeads(ofWidth: width), eps: 1e-5)
    let stated = configuration?.vision
    let output =
      shapes["visual.proj"] == nil ? nil : try size("vision.output", [("visual.proj", 1)])
    try check(stated, .patch, patch, "patch size")
    try check(stated, .image, patch * side, "picture size")
    if let output { try check(stated, .output, output, "width of the output") }
    var sizes = VisionTransformer.Sizes(
      blocks: blocks, patchSize: patch, imageSize: patch * side, output: output)
    sizes.hasFirstNorm = shapes["visual.ln_pre.weight"] != nil
    if let pool = overrides.visionPool?.rawValue ?? stated?.pool {
      guard let known = VisionTransformer.Pool(rawValue: pool) else {
        throw error("pool_type '\(pool)' of pictures is not known, only tok and avg")
      }
      sizes.pool = known
    }
    sizes.finalLnAfterPool = overrides.finalLnAfterPool ?? stated?.finalLnAfterPool ?? false
    note(
      "vision.pool", sizes.pool.rawValue,
      overrides.visionPool != nil || stated?.pool != nil
        ? configuration?.source ?? "the settings" : "as usual")
    var tower = PublishedTowerSizes()
    tower.vit = sizes
    return tower
  }

  private mutating func resnet() throws -> PublishedTowerSizes {
    let width = try size("vision.width", [("visual.layer1.0.conv1.weight", 0)])
    var layers: [Int] = []
    for stage in 1...4 {
      layers.append(self.layers("vision.layer\(stage)", "visual.layer\(stage)."))
    }
    let side = try grid("visual.attnpool.positional_embedding", prefix: 1)
    let imageSize = ModifiedResNet.stride * side
    note(
      "vision.image_size", imageSize,
      "\(fileName("visual.attnpool.positional_embedding")): \(side) by \(side) places of \(ModifiedResNet.stride)"
    )
    let maps = 32 * width
    let heads = try heads(
      "vision.heads", width: maps, overrides.visionHeads, configuration?.vision,
      rule: maps.isMultiple(of: 64) ? maps / 64 : nil)
    let output = try size("vision.output", [("visual.attnpool.c_proj.weight", 0)])
    try check(configuration?.vision, .width, width, "vision width")
    try check(configuration?.vision, .image, imageSize, "picture size")
    try check(configuration?.vision, .output, output, "width of the output")
    var tower = PublishedTowerSizes()
    tower.resnet = ModifiedResNet.Sizes(
      width: width, layers: layers, heads: heads, imageSize: imageSize, output: output)
    return tower
  }

  private mutating func text() throws -> PublishedTowerSizes {
    let vocabulary = try size("text.vocab_size", [("token_embedding.weight", 0)])
    let width = try size(
      "text.width", [("token_embedding.weight", 1), ("ln_final.weight", 0), ("positional_embedding", 1)])
    let context = try size("text.context_length", [("positional_embedding", 0)])
    let layers = layers("text.layers", "transformer.resblocks.")
    let blocks = try blocks(
      "text", width: width, layers: layers, firstMap: "transformer.resblocks.0.mlp.c_fc.weight",
      rule: width.isMultiple(of: 64) ? width / 64 : nil, eps: 1e-5)
    var projection = CLIPTextTower.Projection.none
    var output = width
    if shapes["text_projection"] != nil {
      projection = .matrix
      output = try size("text.output", [("text_projection", 1)])
    } else if shapes["text_projection.weight"] != nil {
      projection = shapes["text_projection.bias"] == nil ? .linear : .affine
      output = try size("text.output", [("text_projection.weight", 0)])
    }
    let stated = configuration?.text
    try check(stated, .context, context, "longest text")
    try check(stated, .vocabulary, vocabulary, "number of pieces")
    if projection != .none { try check(stated, .output, output, "width of the output") }
    var sizes = CLIPTextTower.Sizes(
      blocks: blocks, contextLength: context, vocabSize: vocabulary, output: output)
    sizes.projection = projection
    sizes.causal = overrides.causal ?? stated?.causal ?? true
    var origin = "as usual"
    if let end = overrides.endToken {
      (sizes.pool, sizes.eosTokenId, origin) = (.eos, end, "the settings")
    } else if let pool = overrides.pool {
      (sizes.pool, sizes.eosTokenId, origin) = (pool, nil, "the settings")
    } else if let pool = stated?.pool {
      guard let known = CLIPTextTower.Pool(rawValue: pool) else {
        throw error("pool_type '\(pool)' of texts is not known, only argmax, eos and last")
      }
      (sizes.pool, sizes.eosTokenId, origin) = (known, stated?.eosTokenId, configuration?.source ?? "")
      // A number that no piece has, as where a configuration leaves it to its program.
      if known == .eos, (stated?.eosTokenId ?? -1) >= vocabulary {
        (sizes.pool, sizes.eosTokenId) = (.argmax, nil)
      }
    }
    note(
      "text.pool", sizes.pool.rawValue + (sizes.eosTokenId.map { " \($0)" } ?? ""), origin)
    if !sizes.causal { note("text.causal", false, configuration?.source ?? "the settings") }
    var tower = PublishedTowerSizes()
    tower.text = sizes
    return tower
  }

  private mutating func siglipVision() throws -> PublishedTowerSizes {
    let front = "vision_model."
    let width = try size(
      "vision.width",
      [
        (front + "post_layernorm.weight", 0), (front + "embeddings.patch_embedding.weight", 0),
        (front + "head.probe", 2),
      ])
    let patch = try size("vision.patch_size", [(front + "embeddings.patch_embedding.weight", 3)])
    let positions = front + "embeddings.position_embedding.weight"
    let side = try grid(positions, prefix: 0)
    note("vision.image_size", patch * side, "\(positions): \(side) by \(side) patches")
    let layers = layers("vision.layers", front + "encoder.layers.")
    let blocks = try blocks(
      "vision", width: width, layers: layers, firstMap: front + "encoder.layers.0.mlp.fc1.weight", rule: nil,
      eps: 1e-6)
    try check(configuration?.vision, .patch, patch, "patch size")
    try check(configuration?.vision, .image, patch * side, "picture size")
    var tower = PublishedTowerSizes()
    tower.siglip = SigLIPPictureTower.Sizes(blocks: blocks, patchSize: patch, imageSize: patch * side)
    return tower
  }

  private mutating func siglipText() throws -> PublishedTowerSizes {
    let front = "text_model."
    let words = front + "embeddings.token_embedding.weight"
    let vocabulary = try size("text.vocab_size", [(words, 0)])
    let width = try size("text.width", [(words, 1), (front + "final_layer_norm.weight", 0)])
    let context = try size("text.context_length", [(front + "embeddings.position_embedding.weight", 0)])
    let layers = layers("text.layers", front + "encoder.layers.")
    let blocks = try blocks(
      "text", width: width, layers: layers, firstMap: front + "encoder.layers.0.mlp.fc1.weight", rule: nil,
      eps: 1e-6)
    let output = try size("text.output", [(front + "head.weight", 0)])
    try check(configuration?.text, .context, context, "longest text")
    try check(configuration?.text, .vocabulary, vocabulary, "number of pieces")
    try check(configuration?.text, .output, output, "width of the output")
    var tower = PublishedTowerSizes()
    tower.siglipText = SigLIPTextTower.Sizes(
      blocks: blocks, contextLength: context, vocabSize: vocabulary, output: output)
    return tower
  }
}
