import Torch

/// A network with published weights as the branch of a method: a tower of pictures or of texts, perhaps with a linear map
/// behind it.
///
/// Its parameters have the names of the published file (`visual.*`, `transformer.*`, `vision_model.*`, …), those of the
/// map are `map.*`. What is not trained has no graph, and batch normalization stays in evaluation unless all is trained.
public final class PublishedEncoder: PretrainedEncoder {
  @Named private var pictures: (any PictureTower)?
  @Named private var texts: (any TextTower)?
  let map: LinearEncoder?
  public let tower: PublishedTower
  public let weightsFile: String?
  public let weightsKey = "published.weights"
  public let pretrainedPart = ""
  let settings: PublishedEncoderSettings
  private var isPretrained = false

  public var size: Int { map?.size ?? width }

  /// Width before the map.
  private var width: Int { settings.output == .pooled ? tower.sizes.width : tower.sizes.output }

  public var blockSize: Int { pictures == nil ? 1024 : 64 }

  /// Texts that are computed together: with more, one long text makes many wait.
  private static let textsTogether = 32

  /// - Parameters:
  ///   - tower: the sizes of the network.
  ///   - side: the modality's place, of which the settings may have values of their own.
  ///   - size: width of the vectors; with a map behind the network any, else what the network gives.
  public init(
    _ tower: PublishedTower, _ settings: PublishedEncoderSettings, side: Int, to size: Int,
    using generator: Generator
  ) throws {
    self.tower = tower
    self.settings = settings
    weightsFile = settings.weights[side]
    let sizes = tower.sizes
    let (pictures, texts) = (try sizes.pictureTower(), try sizes.textTower())
    _pictures = Named(wrappedValue: pictures, sizes.prefix)
    _texts = Named(wrappedValue: texts, sizes.prefix)
    let width = settings.output == .pooled ? sizes.width : sizes.output
    guard settings.map || width == size else {
      throw ConfigurationError.badValue(
        key: "embed_size", value: "\(size)",
        expected:
          "\(width), as wide as what the published network gives, or published.map for a map behind it")
    }
    map = settings.map ? try LinearEncoder(from: width, to: size, using: generator) : nil
    try freeze()
  }

  /// Takes out of training what the settings say, and the projection where it is not used.
  private func freeze() throws {
    for entry in stateEntries where entry.isParameter && !entry.name.hasPrefix("map.") {
      let isUsed = settings.output == .projected || !isProjection(entry.name)
      if !isUsed || !isTrained(entry.name) { try entry.freeze() }
    }
  }

  private func isTrained(_ name: String) -> Bool {
    switch settings.freeze {
    case .nothing: false
    case .everything: true
    case .blocks(let count): distance(of: name) < count || count >= depth
    }
  }

  private func isProjection(_ name: String) -> Bool {
    ["visual.proj", "visual.attnpool.c_proj.weight", "visual.attnpool.c_proj.bias"].contains(name)
      || name.hasPrefix("text_projection") || name.hasPrefix("text_model.head.")
  }

  private var depth: Int { pictures?.depth ?? texts?.depth ?? 0 }

  /// What the rate of the top is multiplied with for a parameter: less for each block further down.
  ///
  /// - Parameter name: as this network has it.
  func rate(of name: String) -> Double {
    var rate = 1.0
    if settings.layerDecay != 1 { for _ in 0..<distance(of: name) { rate *= settings.layerDecay } }
    return rate
  }

  /// Whether weight decay is meant for a parameter: not for norms, biases and tables.
  func decays(_ entry: StateEntry) -> Bool {
    entry.tensor.rank > 1 && !entry.name.contains("embedding") && !entry.name.hasSuffix("probe")
  }

  /// How far a parameter is from the top of the network.
  func distance(of name: String) -> Int {
    let prefix = tower.sizes.prefix
    let own = prefix.isEmpty ? name : String(name.dropFirst(prefix.count + 1))
    return pictures?.distance(of: own) ?? texts?.distance(of: own) ?? 0
  }

  /// Whether statistics of batches are used in training.
  var normalizesBatches: Bool { tower.sizes.resnet != nil && settings.freeze == .everything }

  // MARK: - Vectors

  public func vectors(of items: Items, _ pass: Pass) throws -> Tensor {
    let own: Pass = normalizesBatches ? pass : .evaluation
    let isFrozen = settings.freeze == .nothing
    let vectors =
      try isFrozen
      ? withoutGradient { try networkVectors(of: items, own, sorts: true) }
      : networkVectors(of: items, own, sorts: !pass.isTraining)
    return try map.map { try $0(vectors) } ?? vectors
  }

  private func networkVectors(of items: Items, _ pass: Pass, sorts: Bool) throws -> Tensor {
    if let pictures {
      guard let preparation = tower.preparation else {
        throw unsuitable(items, expected: "a picture, with settings of how the network sees it")
      }
      guard items.kind == .images else { throw unsuitable(items, expected: "a picture") }
      let pixels = try preparation(items).to(device)
      let pooled = try pictures.pooled(pixels, pass)
      return settings.output == .pooled ? pooled : try pictures.projected(pooled)
    }
    guard let texts, case .tokens(let rows, let lengths) = items else {
      throw unsuitable(items, expected: "a text as pieces (features.NAME: pieces)")
    }
    var tokens = try checkedTokens(rows.to(device), lengths: lengths, vocabulary: texts.vocabulary)
    // Padding behind the longest text changes nothing, and may be more than there are positions.
    if !texts.needsPadding, let longest = lengths.max(), longest > 0, longest < tokens.size(along: 1) {
      tokens = try tokens.narrowed(to: 0..<longest, along: 1)
    }
    guard !texts.needsPadding || tokens.size(along: 1) == texts.contextLength || lengths.isEmpty else {
      throw ConfigurationError.badValue(
        key: "pieces of a text", value: "\(tokens.size(along: 1))",
        expected: "\(texts.contextLength), padding included, which this network reads too")
    }
    let pooled = sorts ? try sorted(tokens, lengths, texts) : try texts.pooled(tokens, lengths: lengths)
    return settings.output == .pooled ? pooled : try texts.projected(pooled)
  }

  /// Texts of like lengths together, so that short ones do not wait for long ones.
  private func sorted(_ tokens: Tensor, _ lengths: [Int], _ tower: any TextTower) throws -> Tensor {
    let count = tokens.size(along: 0)
    guard count > Self.textsTogether else { return try tower.pooled(tokens, lengths: lengths) }
    let seen = try tower.seen(tokens, lengths: lengths)
    let order = seen.indices.sorted { (seen[$0], $0) < (seen[$1], $1) }
    let parts = try stride(from: 0, to: count, by: Self.textsTogether).map { start in
      let rows = Array(order[start..<min(start + Self.textsTogether, count)])
      return try tower.pooled(tokens.rows(at: rows), lengths: rows.map { lengths[$0] })
    }
    var places = [Int](repeating: 0, count: count)
    for (place, row) in order.enumerated() { places[row] = place }
    return try Tensor.concatenated(parts).rows(at: places)
  }

  private var device: Device { map?.weight.device ?? stateEntries.first?.tensor.device ?? .cpu }

  // MARK: - Weights

  /// The state of the network without the map behind it, under the names of its file.
  var published: [StateEntry] { stateEntries.filter { !$0.name.hasPrefix("map.") } }

  /// The network keeps the weights that were loaded.
  public func reset(using generator: Generator) throws { try map?.reset(using: generator) }

  /// Takes the part of a published model that is this network.
  ///
  /// - Throws: ``PublishedModelError`` naming everything that is missing or of another shape.
  public func load(_ model: PublishedTensors) throws {
    let entries = published
    let own = try model.part(of: tower.sizes, antialias: settings.antialias)
    try own.check(against: entries)
    let map = stateEntries.filter { $0.name.hasPrefix("map.") }.map { (name: $0.name, tensor: $0.tensor) }
    try load(own.fitting(entries) + map, from: model.source)
    isPretrained = true
  }

  public func loadWeights(_ tensors: [(name: String, tensor: Tensor)], from source: String) throws {
    try load(PublishedTensors(tensors, source: source))
  }

  public func checkWeights() throws {
    guard !isPretrained else { return }
    throw ConfigurationError.badValue(
      key: weightsKey, value: "nothing", expected: "a safetensors file or a folder of published weights")
  }

  /// What is kept of weights that were trained on: this share of the published ones, the rest of those that are here.
  ///
  /// - Parameter share: 0 for what is here alone.
  public func average(with model: PublishedTensors, share: Double) throws {
    let own = try model.part(of: tower.sizes, antialias: settings.antialias)
    for (entry, published) in zip(stateEntries, try own.fitting(stateEntries)) {
      let isChanged = entry.isParameter ? isTrained(entry.name) : normalizesBatches
      guard entry.tensor.dtype.isFloatingPoint, isChanged, own[entry.name] != nil else { continue }
      let there = try published.tensor.to(entry.tensor.dtype).to(entry.tensor.device)
      entry.tensor = try entry.tensor.detached() * (1 - share) + there * share
    }
  }
}

extension PublishedTensors {
  /// All tensors, with positions for the sizes of pictures of some towers.
  func resized(for towers: [PublishedTowerSizes]) throws -> PublishedTensors {
    let parts = try towers.map { try part(of: $0, antialias: nil) }
    let found = Set(parts.flatMap { $0.tensors.map(\.name) })
    return PublishedTensors(
      scheme: scheme, source: source,
      tensors: parts.flatMap(\.tensors) + tensors.filter { !found.contains($0.name) }, isOriginal: isOriginal,
      unexpected: unexpected, missing: missing)
  }

  /// The tensors of one tower, with positions for its size of pictures.
  ///
  /// - Parameter antialias: how positions are resampled; nil for antialias of CLIP's and none of SigLIP's.
  func part(of sizes: PublishedTowerSizes, antialias: Bool?) throws -> PublishedTensors {
    let isOwn = { (name: String) in
      let isOfPictures = ["visual.", "visual_projection.", "vision_model."].contains { name.hasPrefix($0) }
      return isOfPictures == sizes.isOfPictures && !["logit_scale", "logit_bias"].contains(name)
    }
    var own = tensors.filter { isOwn($0.name) }
    if let side = sizes.imageSize {
      let (positions, prefix, patch): (String, Int, Int) =
        if let vit = sizes.vit {
          ("visual.positional_embedding", 1, vit.patchSize)
        } else if sizes.resnet != nil {
          ("visual.attnpool.positional_embedding", 1, ModifiedResNet.stride)
        } else {
          ("vision_model.embeddings.position_embedding.weight", 0, sizes.siglip?.patchSize ?? 1)
        }
      if let place = own.firstIndex(where: { $0.name == positions }), own[place].tensor.rank == 2 {
        let cells = side / patch
        own[place].tensor = try PositionInterpolation.resized(
          own[place].tensor.to(.float32), prefix: prefix, to: (cells, cells),
          antialias: antialias ?? !sizes.isSigLIP)
      }
    }
    return PublishedTensors(
      scheme: scheme, source: source, tensors: own, isOriginal: isOriginal,
      unexpected: unexpected.filter(isOwn), missing: missing.filter(isOwn))
  }
}
