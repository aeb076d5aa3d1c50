import Torch

extension VSEPlusPlus {
  /// The settings of the papers by name; a key that is given stands above them.
  public enum Preset: String, Sendable, Codable, CaseIterable {
    /// The sum of all violations, image vectors of any length (Kiros et al., 2014).
    case vse0
    /// The hardest violation alone (Faghri et al., BMVC 2018).
    case vsepp
    /// Order embeddings (Vendrov et al., ICLR 2016) with the sum.
    case order0
    /// Order similarity with the hardest violation.
    case orderpp
    /// Learned pooling, the sum in the first epoch (Chen et al., CVPR 2021).
    case vseInfinity = "vse-infinity"
  }

  /// Multiples of the learning rate for parts that were trained before.
  public struct Multipliers: Sendable, Codable, Equatable {
    public var bert = 0.1
    public var cnn = 0.1

    public init() {}

    private enum CodingKeys: String, CodingKey, CaseIterable { case bert, cnn }

    public init(from decoder: any Decoder) throws {
      self.init()
      let members = try decoder.settings(CodingKeys.self, under: "multipliers")
      bert = try members.value(.bert, or: bert)
      cnn = try members.value(.cnn, or: cnn)
    }
  }

  public struct Configuration: BranchSettings {
    public var preset = Preset.vsepp
    public var embedSize = 1024
    public var wordDim = 300
    public var numLayers = 1
    public var margin = 0.2
    public var measure = HingeRanking.Measure.cosine
    public var negatives = HingeRanking.Negatives.hardest
    public var violationWarmupEpochs = 0
    public var maskDuplicates = true
    public var reduction = Reduction.sum
    public var useAbs = false
    public var noImgnorm = false
    public var imageEncoder = EncoderChoice.auto
    public var textEncoder = EncoderChoice.auto
    public var normalizeFeatures = false
    public var sizeAugmentation = false
    public var multipliers = Multipliers()
    public var finetune: Bool?
    public var cnnMode: CNNEncoder.Mode?
    public var startFrom: String?
    public var hidden = 128
    public var pictures = PictureSettings()
    public var bert = BERTSettings()
    public var transform = PerView(InputScaling.Transform.none)
    public var standardize = false
    public var standardizeEpsilon = 1e-6
    public var positives: Positives?
    public var chunkSize = 0

    public init() {}

    /// The values of a preset.
    public init(_ preset: Preset) {
      self.preset = preset
      switch preset {
      case .vsepp: break
      case .vse0:
        negatives = .sum
        noImgnorm = true
      case .order0, .orderpp:
        measure = .order
        margin = 0.05
        useAbs = preset == .order0
        negatives = preset == .order0 ? .sum : .hardest
      case .vseInfinity:
        violationWarmupEpochs = 1
        sizeAugmentation = true
        imageEncoder = .regions(.gpo)
        textEncoder = .bigru(.gpo)
      }
    }

    public static func base(for overrides: JSON) throws -> Configuration {
      guard let name = overrides["preset"] else { return Configuration() }
      guard let preset = name.string.flatMap(Preset.init) else {
        throw ConfigurationError.badValue(
          key: "preset", value: name.text(), expected: Preset.allCases.map(\.rawValue).joined(separator: ", ")
        )
      }
      return Configuration(preset)
    }

    public static let keys = [
      ConfigurationKey(
        "preset",
        "vse0, vsepp, order0, orderpp or vse-infinity: margin, measure, negatives, use_abs, no_imgnorm, the encoders "
          + "and the training of the papers, where nothing else is said"),
      ConfigurationKey("embed_size", "width of the vectors of the common space"),
      ConfigurationKey("word_dim", "width of the word vectors"),
      ConfigurationKey("num_layers", "layers of the recurrent unit"),
      ConfigurationKey(
        "margin", "by how much a pair is to score above wrong partners; in units of the scores"),
      ConfigurationKey("measure", "cosine (inner product), or order (how little the text exceeds the image)"),
      ConfigurationKey(
        "negatives",
        "wrong partners that count: sum, hardest, semi_hard, top_k(k) (their mean) or log_sum_exp(temperature); true "
          + "is hardest, false is sum", aliases: ["max_violation"]),
      ConfigurationKey(
        "violation_warmup_epochs", "epochs of the sum before", aliases: ["vse_mean_warmup_epochs"]),
      ConfigurationKey(
        "mask_duplicates",
        "items that are known to match (other captions of one image, with positives: class the whole class) are never "
          + "wrong partners; false counts them, as the official program does"),
      ConfigurationKey("reduction", "sum over the batch, or mean (the sum divided by its pairs)"),
      ConfigurationKey("use_abs", "absolute values of all vectors"),
      ConfigurationKey("no_imgnorm", "image vectors keep their length; those of texts never do"),
      ConfigurationKey(
        "image_encoder",
        "auto (precomp on vectors, regions(mean) on sets, conv on pictures, gru on words), precomp, regions(mean, max "
          + "or gpo), cnn(vgg19, resnet18, resnet50 or resnet152), mlp, conv", aliases: ["img_encoder"]),
      ConfigurationKey(
        "text_encoder",
        "auto, gru, bigru(last, mean, max or gpo), bert(cls, pooler, mean, max or gpo), or as image_encoder",
        aliases: ["txt_encoder"]),
      ConfigurationKey("normalize_features", "divide given features by their norm first"),
      ConfigurationKey("size_augmentation", "leave out random regions in training"),
      ConfigurationKey("multipliers", "of the learning rate of parts that were trained before: bert, cnn"),
      ConfigurationKey(
        "finetune", "train the convolutional network along; null leaves it to pictures.finetune"),
      ConfigurationKey(
        "cnn_mode",
        "of a network that is trained along: train, or eval (fixed statistics, no dropout), which the published "
          + "figures had; null leaves it to pictures.mode"),
      ConfigurationKey(
        "start_from",
        "safetensors file of all weights to begin with: of a run, or of a published checkpoint through crossmodal "
          + "convert"),
      ConfigurationKey(
        "hidden", "units of the hidden layer of mlp, channels of the last convolution of conv"),
      ConfigurationKey("pictures", PictureSettings.about),
      ConfigurationKey("bert", BERTSettings.about),
      ConfigurationKey(
        "transform", "of each number of the input: none, sqrt or log; a list gives each modality its own"),
      ConfigurationKey("standardize", "bring columns (of pictures, channels) to mean 0 and deviation 1"),
      ConfigurationKey("standardize_epsilon", "added to the deviation"),
      ConfigurationKey("positives", "what matches: pair (paired items) or class (items of one class)"),
      ConfigurationKey(
        "chunk_size", "items whose graph is in memory at a time (gradient caching); 0 for the whole batch"),
    ]

    private enum CodingKeys: String, CodingKey {
      case preset, embedSize, wordDim, numLayers, margin, measure, negatives, violationWarmupEpochs
      case maskDuplicates, reduction, useAbs, noImgnorm, imageEncoder, textEncoder, normalizeFeatures
      case sizeAugmentation, multipliers, finetune, cnnMode, startFrom, hidden, pictures, bert, transform,
        standardize
      case standardizeEpsilon, positives, chunkSize
    }

    // MARK: - What the networks share with other methods

    public var branches: BranchSharing { .separate }
    public var encoder: PerView<EncoderKind> { PerView([imageEncoder.kind, textEncoder.kind]) }
    public var pooling: PerView<FragmentPooling> { PerView(.before) }
    public var text: TextSettings {
      var text = TextSettings()
      text.wordDim = wordDim
      text.layers = numLayers
      return text
    }

    public func validate() throws {
      try require(wordDim >= 1, "word_dim", wordDim, "1 or more")
      try require(numLayers >= 1, "num_layers", numLayers, "1 or more")
      try validateBranches()
      try bert.validate()
      try require(
        violationWarmupEpochs >= 0, "violation_warmup_epochs", violationWarmupEpochs, "0 or more")
      try require(
        reduction == .sum || reduction == .mean, "reduction", reduction.rawValue, "sum or mean")
      for (name, factor) in [("bert", multipliers.bert), ("cnn", multipliers.cnn)] {
        try require(factor >= 0 && factor.isFinite, "multipliers.\(name)", factor, "0 or more")
      }
      _ = try objective(isWarmingUp: false)
    }

    /// The objective, in the first epochs the sum.
    func objective(isWarmingUp: Bool, chunk: Int = 0) throws -> HingeRanking {
      do {
        return try HingeRanking(
          margin: margin, measure: measure, negatives: isWarmingUp ? .sum : negatives, reduction: reduction,
          chunk: chunk)
      } catch ObjectiveError.badSetting(let key, let value, let expected) {
        throw ConfigurationError.badValue(
          key: key == "margin" ? key : "negatives", value: "\(key == "margin" ? "" : key + " ")\(value)",
          expected: expected)
      }
    }

    /// The pictures' settings with those of this method put in place.
    var ownPictures: PictureSettings {
      var own = pictures
      if let finetune { own.finetune = finetune }
      if let cnnMode { own.mode = cnnMode }
      return own
    }
  }

  /// Which network stands on a modality.
  public enum EncoderChoice: Sendable, Equatable {
    /// By the kind of the items.
    case auto
    /// One linear map of vectors.
    case precomp
    case regions(FragmentPooling)
    case cnn(CNNEncoder.Kind)
    case gru
    case bigru(TextPooling)
    /// A BERT over word pieces.
    case bert(BERTTextEncoder.Pooling)
    /// A network that every method of metric learning has.
    case other(EncoderKind)

    /// Its name where every method has it.
    var kind: EncoderKind {
      switch self {
      case .other(let kind): kind
      case .cnn(let kind): EncoderKind(rawValue: kind.rawValue) ?? .auto
      default: .auto
      }
    }
  }
}

// MARK: - Settings in files

extension VSEPlusPlus.EncoderChoice: Codable {
  static let expected =
    "auto, precomp, regions(mean, max or gpo), cnn(vgg19, resnet18, resnet50 or resnet152), gru, bigru(last, mean, max "
    + "or gpo), bert(cls, pooler, mean, max or gpo), linear, mlp, conv or drlim-conv"

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    let parts = text.hasSuffix(")") ? text.dropLast().split(separator: "(", maxSplits: 1) : []
    let argument = parts.count == 2 ? String(parts[1]) : nil
    let found: Self? =
      switch (parts.first.map(String.init) ?? text, argument) {
      case ("auto", nil): .auto
      case ("precomp", nil): .precomp
      case ("regions", let pool):
        FragmentPooling(rawValue: pool ?? "mean").flatMap { $0 == .before ? nil : .regions($0) }
      case ("cnn", let name?): CNNEncoder.Kind(rawValue: name).map { .cnn($0) }
      case ("gru", nil): .gru
      case ("bigru", let pool): TextPooling(rawValue: pool ?? "last").map { .bigru($0) }
      case ("bert", let pool): BERTTextEncoder.Pooling(rawValue: pool ?? "gpo").map { .bert($0) }
      case (let name, nil):
        EncoderKind(rawValue: name).map { kind in kind.cnn.map { .cnn($0) } ?? .other(kind) }
      default: nil
      }
    guard let found else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: Self.expected)
    }
    self = found
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .auto: try container.encode("auto")
    case .precomp: try container.encode("precomp")
    case .regions(let pooling): try container.encode("regions(\(pooling.rawValue))")
    case .cnn(let kind): try container.encode("cnn(\(kind.rawValue))")
    case .gru: try container.encode("gru")
    case .bigru(let pooling): try container.encode("bigru(\(pooling.rawValue))")
    case .bert(let pooling): try container.encode("bert(\(pooling.rawValue))")
    case .other(let kind): try container.encode(kind.rawValue)
    }
  }
}

extension HingeRanking.Negatives: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let isHardest = try? container.decode(Bool.self) {
      self = isHardest ? .hardest : .sum
      return
    }
    let text = try container.decode(String.self)
    func argument(_ name: String) -> String? {
      text.hasPrefix(name + "(") && text.hasSuffix(")")
        ? String(text.dropFirst(name.count + 1).dropLast()) : nil
    }
    switch text {
    case "sum": self = .sum
    case "hardest": self = .hardest
    case "semi_hard": self = .semiHard
    default:
      if let count = argument("top_k").flatMap(Int.init) {
        self = .topK(count)
      } else if let temperature = argument("log_sum_exp").flatMap(Double.init) {
        self = .logSumExp(temperature: temperature)
      } else {
        throw DecodingError.dataCorruptedError(
          in: container,
          debugDescription: "sum, hardest, semi_hard, top_k(k) or log_sum_exp(temperature)")
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .sum: try container.encode("sum")
    case .hardest: try container.encode("hardest")
    case .semiHard: try container.encode("semi_hard")
    case .topK(let count): try container.encode("top_k(\(count))")
    case .logSumExp(let temperature): try container.encode("log_sum_exp(\(temperature))")
    }
  }
}
