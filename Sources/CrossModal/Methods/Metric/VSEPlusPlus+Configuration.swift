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

  public struct Configuration: BranchSettings {
    public var preset = Preset.vsepp
    public var margin = 0.2
    public var measure = HingeRanking.Measure.cosine
    public var negatives = HingeRanking.Negatives.hardest
    public var violationWarmupEpochs = 0
    public var maskDuplicates = true
    public var reduction = Reduction.sum
    public var useAbs = false
    public var noImgnorm = false
    public var startFrom: String?
    /// Texts of each image; nil for as many as there are.
    public var captionsPerItem: Int?
    /// Parts of the images, in order, over which an evaluation averages.
    public var folds = 1
    public var tiePolicy = TieRule.pessimistic
    public var positives: Positives?
    public var networks = {
      var networks = NetworkSettings()
      networks.embedSize = 1024
      networks.pooling = PerView(.before)
      networks.standardize = false
      return networks
    }()

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
        networks.sizeAugmentation = true
        networks.encoder = PerView([.regions(.gpo), .bigru(.gpo)])
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

    public static let keys: [ConfigurationKey] =
      [
        ConfigurationKey(
          "preset",
          "vse0, vsepp, order0, orderpp or vse-infinity: margin, measure, negatives, use_abs, no_imgnorm, the encoders "
            + "and the training of the papers, where nothing else is said"),
        ConfigurationKey(
          "margin", "by how much a pair is to score above wrong partners; in units of the scores", in: .any),
        ConfigurationKey(
          "measure", "cosine (inner product), or order (how little the text exceeds the image)"),
        ConfigurationKey(
          "negatives",
          "wrong partners that count: sum, hardest, semi_hard, top_k(k) (their mean) or log_sum_exp(temperature); true "
            + "is hardest, false is sum", aliases: ["max_violation"], in: .above(0, to: 1_000_000)),
        ConfigurationKey(
          "violation_warmup_epochs", "epochs of the sum before", aliases: ["vse_mean_warmup_epochs"],
          in: .count(from: 0)),
        ConfigurationKey(
          "mask_duplicates",
          "items that are known to match (other captions of one image, with positives: class the whole class) are never "
            + "wrong partners; false counts them, as the official program does"),
        ConfigurationKey("reduction", "sum over the batch, or mean (the sum divided by its pairs)"),
        ConfigurationKey("use_abs", "absolute values of all vectors"),
        ConfigurationKey("no_imgnorm", "image vectors keep their length; those of texts never do"),
        ConfigurationKey(
          "start_from",
          "safetensors file of all weights to begin with: of a run, or of a published checkpoint through crossmodal "
            + "convert"),
        ConfigurationKey(
          "captions_per_item",
          "texts that each image must have, checked before training; null for any number",
          in: .count(from: 1, or: "null")),
        ConfigurationKey(
          "folds",
          "of evaluate without --protocol: parts of the images, in order, that are searched by themselves and "
            + "averaged; 5 for the 1K figures of COCO", in: .count(1...1000)),
        ConfigurationKey(
          "tie_policy",
          "of evaluate without --ties: where a match stands among equal scores (pessimistic, optimistic, index "
            + "or mean)"),
        ConfigurationKey(
          "image_encoder", "network of the first modality", aliases: ["img_encoder"], part: ("encoder", "0")),
        ConfigurationKey(
          "text_encoder", "network of the second modality", aliases: ["txt_encoder"], part: ("encoder", "1")),
        ConfigurationKey("word_dim", "width of the word vectors", part: ("text", "word_dim")),
        ConfigurationKey("num_layers", "layers of the recurrent unit", part: ("text", "layers")),
        ConfigurationKey(
          "finetune", "train the convolutional network along", part: ("pictures", "finetune")),
        ConfigurationKey(
          "cnn_mode",
          "of a network that is trained along: train, or eval (fixed statistics, no dropout), which the published "
            + "figures had", part: ("pictures", "mode")),
        Positives.key,
        BranchAlignmentSettings.key,
      ] + NetworkSettings.keys

    // MARK: - The networks of the papers

    /// The official names, one linear map of features, recurrent units as many as the vectors are wide.
    public var style: BranchStyle {
      var style = BranchStyle()
      style.standard[.vector] = .precomp
      style.standard[.set] = .regions(.mean)
      style.standard[.sequence] = .regions(.mean)
      style.mapsRecurrentStates = false
      style.hasOfficialNames = true
      style.hasRegionPerceptron = preset == .vseInfinity
      return style
    }

    public func encoderKey(side: Int) -> String { side == 0 ? "image_encoder" : "text_encoder" }

    public func validateRelations() throws {
      try validateNetworks()
      try require(
        measure == .cosine || networks.vectorSize == networks.embedSize, "measure", measure.rawValue,
        "cosine with alignment.context_embedding")
      try require(
        reduction == .sum || reduction == .mean, "reduction", reduction.rawValue, "sum or mean")
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
  }
}

// MARK: - Settings in files

extension HingeRanking.Negatives: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let isHardest = try? container.decode(Bool.self) {
      self = isHardest ? .hardest : .sum
      return
    }
    let text = try container.decode(String.self)
    switch text {
    case "sum": self = .sum
    case "hardest": self = .hardest
    case "semi_hard": self = .semiHard
    default:
      if let count = text.argument(of: "top_k").flatMap(Int.init) {
        self = .topK(count)
      } else if let temperature = text.argument(of: "log_sum_exp").flatMap(Double.init) {
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
