import Torch

extension Contrastive {
  /// Losses of the pairs of a batch that the method can learn by.
  public enum Objective: String, Sendable, Codable, CaseIterable {
    /// The paper's.
    case contrastive
    /// ``TripletMarginLoss``.
    case tripletMargin = "triplet_margin"
    /// ``MultiSimilarityLoss`` with its ``MultiSimilarityMiner``.
    case multiSimilarity = "multi_similarity"
    /// ``CircleLoss``.
    case circle
    /// ``SupervisedContrast``.
    case supervisedContrast = "supcon"
    /// ``NTXent``.
    case ntXent = "ntxent"
  }

  /// The value of the configured objective.
  func value(of scored: Scored) throws -> ObjectiveValue {
    let configuration = configuration
    switch configuration.objective {
    case .contrastive:
      var miner: any PairMiner = AllPairs()
      if case .hard(let count) = configuration.negatives { miner = try HardNegatives(count) }
      return try value(configuration.loss(margin: chosenMargin), scored, miner: miner)
    case .tripletMargin: return try value(configuration.tripletMargin(), scored)
    case .multiSimilarity:
      let loss = try configuration.multiSimilarity()
      guard let slack = configuration.epsilonMargin else { return try value(loss, scored) }
      return try value(loss, scored, miner: MultiSimilarityMiner(epsilon: slack))
    case .circle: return try value(configuration.circle(), scored)
    case .supervisedContrast:
      return try value(SupervisedContrast(temperature: configuration.temperature ?? 0.1), scored)
    case .ntXent: return try value(NTXent(temperature: configuration.temperature ?? 0.07), scored)
    }
  }
}

extension Contrastive.Configuration {
  /// The margin as a number, where it is one.
  private var marginNumber: Double? {
    guard case .number(let number) = margin else { return nil }
    return number
  }

  func tripletMargin() throws -> TripletMarginLoss {
    try TripletMarginLoss(
      margin: marginNumber ?? 0.2, triplets: triplets, smooth: smooth, swap: swap,
      reduction: reduction ?? .averageNonZero)
  }

  func multiSimilarity() throws -> MultiSimilarityLoss {
    try MultiSimilarityLoss(alpha: alpha, beta: beta, base: base)
  }

  func circle() throws -> CircleLoss { try CircleLoss(margin: marginNumber ?? 0.4, gamma: gamma) }

  /// Whether vectors are compared by their angle.
  var isAngular: Bool {
    switch objective {
    case .contrastive: normalize || kind == .cosine
    case .tripletMargin: normalize
    case .multiSimilarity, .circle, .supervisedContrast, .ntXent: true
    }
  }

  /// Checks what the chosen objective reads.
  func validateObjective() throws {
    guard objective != .contrastive else { return try validateContrastive() }
    try require(margin != .auto, "margin", "auto", "a number: auto is of the contrastive loss")
    try require(
      margin == nil || objective == .tripletMargin || objective == .circle, "margin", marginNumber ?? 0,
      "null: \(objective.rawValue) has none")
    try require(
      negatives == .all, "negatives", "hard", "all: a choice of mismatches is of the contrastive loss")
    try require(
      objective == .tripletMargin || normalize, "normalize", normalize, "true with \(objective.rawValue)")
    try require(
      reduction == nil || objective == .tripletMargin, "reduction", reduction?.rawValue ?? "",
      "null: \(objective.rawValue) has its own")
    do {
      switch objective {
      case .contrastive: break
      case .tripletMargin: _ = try tripletMargin()
      case .multiSimilarity: _ = try multiSimilarity()
      case .circle: _ = try circle()
      case .supervisedContrast, .ntXent: _ = try NTXent(temperature: temperature ?? 0.07)
      }
    } catch ObjectiveError.badSetting(let key, let value, let expected) {
      throw ConfigurationError.badValue(key: key, value: "\(value)", expected: expected)
    } catch ObjectiveError.unknownChoice(let key, let value, let expected) {
      throw ConfigurationError.badValue(
        key: key, value: value, expected: "\(expected) of \(objective.rawValue)")
    }
  }

  private func validateContrastive() throws {
    try require(
      margin == nil || kind != .linear, "margin", marginNumber.map { "\($0)" } ?? "auto",
      "null: kind linear has pos_margin and neg_margin")
    try require(
      margin != .auto || (kind == .squared && !normalize), "margin", "auto",
      "for vectors of kind squared that are not normalised")
    _ = try loss(margin: 1)
  }
}
