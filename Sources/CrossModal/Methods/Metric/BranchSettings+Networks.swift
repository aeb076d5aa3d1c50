import Torch

extension BranchSettings {
  /// What stands on a modality: the network that the settings name, and what is done to items before it.
  ///
  /// - Throws: ``ConfigurationError`` for a network that does not fit the modality.
  func branch(
    on modality: DataDescription.Modality, side: Int, using generator: Generator
  ) throws -> Branch {
    let kind = kind(on: modality, side: side)
    guard kind.kinds.contains(modality.kind) else {
      throw networks.encoder[side].misfit(modality, key: encoderKey(side: side))
    }
    let features = BranchInput(thins: networks.sizeAugmentation, normalizes: networks.normalizeFeatures)
    switch kind {
    case .precomp:
      return Branch(
        input: features, scaling: try scalingIfAny(of: modality, side),
        network: try PrecomputedEncoder(from: modality.size ?? 0, to: networks.embedSize, using: generator))
    case .regions(let pooling):
      return Branch(
        input: features, scaling: try scalingIfAny(of: modality, side),
        network: try PooledRegionEncoder(
          from: modality.size ?? 0, to: networks.embedSize, pooling: pooling,
          hasPerceptron: style.hasRegionPerceptron, using: generator))
    case .gru, .bigru:
      return Branch(network: try recurrentNetwork(kind, words: modality.vocabulary ?? 0, using: generator))
    case .bert(let pooling):
      let bert = networks.bert
      try require(
        modality.longest.map { $0 <= bert.maxPositionEmbeddings } ?? true, "bert.max_position_embeddings",
        bert.maxPositionEmbeddings,
        "\(modality.longest ?? 0) or more, the length of texts of \(modality.name) (wordpiece cuts them at features.\(modality.name).max_words)"
      )
      return Branch(
        network: try BERTTextEncoder(
          bert.configuration(vocabulary: modality.vocabulary ?? 0), to: networks.embedSize, pooling: pooling,
          finetunes: bert.finetune, weights: bert.weights, using: generator))
    case .published:
      guard let tower = networks.published.tower(side: side) else {
        throw ConfigurationError.badValue(
          key: "published.weights", value: "null",
          expected: "a safetensors file or a folder of published weights for \(modality.name)")
      }
      if let most = tower.sizes.vocabulary, let given = modality.vocabulary {
        try require(
          given <= most, "features.\(modality.name)", "\(given) pieces",
          "\(most) or fewer, which the published network knows: another tokenizer belongs to its weights")
      }
      if let most = tower.sizes.contextLength, let longest = modality.longest {
        try require(
          longest <= most, "published.context_length", longest,
          "\(most) or less, for which the network has positions")
      }
      return Branch(
        network: try PublishedEncoder(
          tower, networks.published, side: side, to: networks.embedSize, using: generator))
    case .cnn(let network):
      try checkPictures(for: network, modality, side: side)
      let pictures = networks.pictures
      return Branch(
        input: BranchInput(transform: pictures.transform(size: network.usualSide, crops: true)),
        network: try CNNEncoder(
          network, to: networks.embedSize, finetunes: pictures.finetune, mode: pictures.mode,
          weights: pictures.weights, officialNames: style.hasOfficialNames, using: generator))
    case .auto, .linear, .mlp, .conv, .drlimConv:
      return try vectorBranch(kind, on: modality, side: side, features, using: generator)
    }
  }

  /// - Throws: ``ConfigurationError`` for squares that are too small for a network, and for pictures that are
  ///   neither gray nor of three colors.
  private func checkPictures(
    for network: CNNEncoder.Kind, _ modality: DataDescription.Modality, side: Int
  ) throws {
    let size = networks.pictures.size ?? network.usualSide
    try require(
      size >= network.smallestSide, "pictures.size", size,
      "\(network.smallestSide) or more, which \(network.rawValue) needs")
    if let shape = modality.shape, shape.count == 3, shape[2] != 1, shape[2] != 3 {
      throw ConfigurationError.badValue(
        key: encoderKey(side: side), value: network.rawValue,
        expected: "possible: pictures of \(modality.name) have \(shape[2]) channels, not 1 or 3")
    }
  }

  /// The network of a modality, with what `auto` stands for.
  private func kind(on modality: DataDescription.Modality, side: Int) -> EncoderKind {
    switch networks.encoder[side] {
    case .auto: style.standard[modality.kind] ?? .auto
    // One vector is a set of one.
    case .regions where modality.kind == .vector: .precomp
    case let kind: kind
    }
  }

  private func recurrentNetwork(
    _ kind: EncoderKind, words: Int, using generator: Generator
  ) throws -> TokenEncoder {
    var settings = networks.text
    if case .bigru(let pooling) = kind {
      settings.bidirectional = true
      settings.pooling = pooling
    }
    return try TokenEncoder(
      vocabulary: words, hidden: style.mapsRecurrentStates ? networks.hidden : nil, to: networks.embedSize,
      settings, using: generator)
  }

  /// A network of vectors or small pictures, on each vector of a set where these are not pooled before.
  private func vectorBranch(
    _ kind: EncoderKind, on given: DataDescription.Modality, side: Int, _ features: BranchInput,
    using generator: Generator
  ) throws -> Branch {
    var (modality, input) = (given, features)
    if given.kind == .images, given.shape == nil || networks.pictures.isSet {
      let own = networks.pictures.transform(
        size: networks.pictures.size ?? given.shape?[0] ?? 32, crops: false)
      modality.shape = [own.size, own.size, given.shape?[2] ?? 3]
      input.transform = own
    }
    let network = try kind.encoder(
      for: modality, size: networks.embedSize, hidden: networks.hidden, using: generator)
    let isPooled = (given.kind == .set || given.kind == .sequence) && networks.pooling[side] != .before
    let scaling = try InputScaling(
      for: modality, transform: networks.transform[side], keepsPictures: kind.keepsPictures(given.kind),
      keepsFragments: isPooled)
    return Branch(
      input: input, scaling: scaling,
      network: isPooled
        ? try FragmentEncoder(network, pooling: networks.pooling[side], using: generator) : network)
  }

  /// What numbers go through before a network of features; nothing where they stay as they are.
  private func scalingIfAny(of modality: DataDescription.Modality, _ side: Int) throws -> InputScaling? {
    guard networks.standardize || networks.transform[side] != .none else { return nil }
    return try InputScaling(
      for: modality, transform: networks.transform[side], keepsFragments: modality.kind != .vector)
  }
}
