import Foundation
import Torch

/// Visual-semantic embeddings with hard negatives (Faghri, Fleet, Kiros & Fidler, "VSE++: Improving Visual-Semantic
/// Embeddings with Hard Negatives", BMVC 2018), with what came before (VSE0, order embeddings) and the options of
/// VSE-infinity (Chen et al., CVPR 2021).
///
/// Weights have the official names, `img_enc.*` and `txt_enc.*`. Differs from the released program: known matches are
/// never negatives (`mask_duplicates`), training goes back to its mode after an evaluation (`cnn_mode: eval` does
/// not), a vector of zeros stays zero.
public final class VSEPlusPlus: JointBranches, Trainable, JointEmbedding {
  public static let description = MethodDescription(
    name: "vsepp", family: .metric, task: .retrieval,
    summary: "ranks every pair above its hardest wrong partner in the batch by a margin",
    citation:
      "F. Faghri, D. J. Fleet, J. R. Kiros, S. Fidler, VSE++: Improving visual-semantic embeddings with hard "
      + "negatives, BMVC 2018",
    accepts: [.vector, .set, .sequence, .images, .tokens])

  public let configuration: Configuration
  /// Steps in a row in which the loss stood still where nothing is learned.
  private var stillSteps = 0
  private var isStarted = false

  public init(_ configuration: Configuration, for data: DataDescription) throws {
    self.configuration = configuration
    try super.init(settings: configuration, data: data, names: ("img_enc", "txt_enc")) {
      try configuration.ownBranch(on: data.modalities[$0], side: $0, using: $1)
    }
  }

  // MARK: - Weights

  /// Reads the files that the settings name: of a network of pictures, and of everything.
  ///
  /// - Throws: what is wrong with a file, naming it.
  override func loadPretrainedWeights() throws {
    try super.loadPretrainedWeights()
    guard let file = configuration.startFrom else { return }
    try loadWeights(SafeTensors.read(file).tensors, from: file)
    isStarted = true
  }

  // MARK: - Vectors

  public var metric: Metric { configuration.measure == .order ? .order : .dot }

  /// As the papers have it: divided by their norms (of images unless `no_imgnorm`), absolute with `use_abs`.
  override func vectors(_ items: Items, side: Int, _ pass: Pass = .evaluation) throws -> Tensor {
    var vectors = try super.vectors(items, side: side, pass)
    if side > 0 || !configuration.noImgnorm { vectors = try vectors.normalized(along: 1) }
    return configuration.useAbs ? try vectors.magnitude() : vectors
  }

  public func encode(_ items: Items, side: Int) throws -> Features {
    try features(items, side: side, normalizes: false)
  }

  // MARK: - Learning

  public static func trainingDefaults(_ configuration: Configuration, pairs: Int) -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 30
    training.batchSize = 128
    training.learningRate = configuration.preset == .order0 ? 1e-3 : 2e-4
    training.schedule = Schedule(kind: .step, every: 15)
    training.gradientClip = 2
    if configuration.preset == .vseInfinity {
      training.epochs = 25
      training.learningRate = 5e-4
      training.optimizer = .adamw
      training.weightDecay = 1e-4
    }
    return training
  }

  public func sampler(
    for data: some TrainingSet, _ training: TrainingConfiguration
  ) throws -> any BatchSampler { try pairSampler(data, training) }

  /// What was trained before learns at a multiple of the rate.
  public func parameterGroups(_ training: TrainingConfiguration) throws -> [ParameterGroup] {
    let parts = [
      ("img_enc.cnn.", configuration.multipliers.cnn), ("txt_enc.bert.", configuration.multipliers.bert),
    ]
    var rest = parameters
    var groups: [ParameterGroup] = []
    for (prefix, factor) in parts {
      let own = rest.filter { $0.name.hasPrefix(prefix) }
      rest.removeAll { $0.name.hasPrefix(prefix) }
      if !own.isEmpty { groups.append(ParameterGroup(own, rateFactor: factor)) }
    }
    return [ParameterGroup(rest)] + groups
  }

  public func prepare(on data: some TrainingSet, _ preparation: Preparation) throws {
    guard !isStarted else { return try fitScaling(to: data) }
    try prepareBranches(data, preparation)
  }

  public func loss(_ batch: Batch, _ step: Step) throws -> Loss {
    let known = try matches(batch, step)
    let matches = configuration.maskDuplicates ? known : try Matches(pairs: known.count)
    let isWarmingUp = step.isTraining && step.epoch < configuration.violationWarmupEpochs
    let objective = try configuration.objective(
      isWarmingUp: isWarmingUp, chunk: Self.blockRows(matches.count))
    let value = try value(batch, step) { x, y in
      try objective(step.gathered(x), step.gathered(y), matches)
    }
    if step.isTraining, objective.negatives == .hardest {
      try watch(value.total.detached().item(), pairs: matches.count, step)
    }
    return try Loss(value)
  }

  /// Where every wrong partner scores as high as the right one, the hardest violations come to 2 α a pair and teach
  /// nothing.
  private func watch(_ loss: Double, pairs: Int, _ step: Step) throws {
    let still = 2 * configuration.margin * (configuration.reduction == .sum ? Double(pairs) : 1)
    stillSteps = still > 0 && abs(loss - still) <= 0.01 * still ? stillSteps + 1 : 0
    guard stillSteps < 500 else { throw VSEPlusPlusError.collapsed(loss: still, step: step.number) }
  }
}

/// Training that leads nowhere, or weights that do not fit.
public enum VSEPlusPlusError: LocalizedError, Equatable {
  case collapsed(loss: Double, step: Int)

  public var errorDescription: String? {
    switch self {
    case .collapsed(let loss, let step):
      "step \(step): the loss has stood at 2 x margin a pair (\(String(format: "%.4g", loss))) for 500 steps, where "
        + "all items score alike; begin with the sum of violations (violation_warmup_epochs: 1), or set negatives to "
        + "top_k(10) or sum, or a smaller learning_rate"
    }
  }
}

// MARK: - Networks

extension VSEPlusPlus.Configuration {
  /// What stands on a modality.
  ///
  /// - Throws: ``ConfigurationError`` for a network that does not fit the modality.
  func ownBranch(
    on modality: DataDescription.Modality, side: Int, using generator: Generator
  ) throws -> Branch {
    let key = side == 0 ? "image_encoder" : "text_encoder"
    let chosen = side == 0 ? imageEncoder : textEncoder
    func wrong(_ expected: String) -> ConfigurationError {
      .badValue(
        key: key, value: chosen.text,
        expected: "\(expected) (\(modality.name) is of kind \(modality.kind.rawValue))")
    }
    let choice: VSEPlusPlus.EncoderChoice =
      switch (chosen, modality.kind) {
      case (.auto, .vector): .precomp
      case (.auto, .set), (.auto, .sequence): .regions(.mean)
      case (.auto, .tokens): .gru
      case (.regions, .vector): .precomp
      default: chosen
      }
    switch choice {
    case .precomp:
      guard modality.kind == .vector, let width = modality.size else { throw wrong("for vectors") }
      return Branch(
        scaling: try ownScaling(of: modality, side),
        network: try PrecomputedEncoder(
          from: width, to: embedSize, normalizes: normalizeFeatures, using: generator))
    case .regions(let pooling):
      guard modality.kind == .set || modality.kind == .sequence, let width = modality.size else {
        throw wrong("for sets of vectors")
      }
      return Branch(
        scaling: try ownScaling(of: modality, side),
        network: try PooledRegionEncoder(
          from: width, to: embedSize, pooling: pooling, hasPerceptron: preset == .vseInfinity,
          normalizes: normalizeFeatures, thins: sizeAugmentation, using: generator))
    case .gru, .bigru:
      guard modality.kind == .tokens, let vocabulary = modality.vocabulary else { throw wrong("for words") }
      var settings = text
      settings.bidirectional = choice != .gru
      if case .bigru(let pooling) = choice { settings.pooling = pooling }
      return Branch(
        network: try TokenEncoder(
          vocabulary: vocabulary, hidden: nil, to: embedSize, settings, using: generator))
    case .bert(let pooling):
      guard modality.kind == .tokens, let vocabulary = modality.vocabulary else { throw wrong("for words") }
      return Branch(
        network: try BERTTextEncoder(
          bert.configuration(vocabulary: vocabulary), to: embedSize, pooling: pooling,
          finetunes: bert.finetune,
          weights: bert.weights, using: generator))
    case .cnn(let kind):
      guard modality.kind == .images else { throw wrong("for pictures") }
      let pictures = ownPictures
      let network = try CNNEncoder(
        kind, to: embedSize, finetunes: pictures.finetune, mode: pictures.mode, weights: pictures.weights,
        officialNames: true, using: generator)
      return Branch(transform: pictures.transform(size: 224, crops: true), network: network)
    case .auto, .other:
      do {
        return try branch(on: modality, side: side, using: generator)
      } catch ConfigurationError.badValue("encoder", let value, let expected) {
        throw ConfigurationError.badValue(key: key, value: value, expected: expected)
      }
    }
  }

  /// What numbers go through before the network; nothing where they stay as they are.
  private func ownScaling(of modality: DataDescription.Modality, _ side: Int) throws -> InputScaling? {
    guard standardize || transform[side] != .none else { return nil }
    return try InputScaling(
      for: modality, transform: transform[side], keepsFragments: modality.kind != .vector)
  }
}

extension VSEPlusPlus.EncoderChoice {
  /// As settings write it.
  var text: String { (try? JSON(encoding: [self]))?.array?.first?.string ?? "" }
}

// MARK: - Published weights

extension VSEPlusPlus {
  /// Takes weights of this program or of the official one.
  ///
  /// An official checkpoint holds a list of two parts, the image encoder's and the text encoder's, which are `0.` and
  /// `1.` after conversion. `module.` of data-parallel training may be anywhere. What it does not have beside its
  /// networks (the scaling of inputs) stays.
  /// - Parameters:
  ///   - tensors: names and tensors.
  ///   - source: the file, for messages.
  /// - Throws: ``StateError`` naming every weight that is missing, unknown or of another shape.
  public func loadWeights(_ tensors: [(name: String, tensor: Tensor)], from source: String) throws {
    let entries = stateEntries
    let own = Dictionary(entries.map { (Self.plainName($0.name), $0.name) }) { first, _ in first }
    var renamed = tensors.map { (name: own[Self.plainName($0.name)] ?? $0.name, tensor: $0.tensor) }
    let given = Set(renamed.map(\.name))
    for entry in entries where !given.contains(entry.name) {
      let isOptional = entry.name.hasPrefix("scaling_") || entry.name.hasSuffix("num_batches_tracked")
      if isOptional { renamed.append((entry.name, entry.tensor)) }
    }
    try load(renamed, from: source)
  }

  private static func plainName(_ name: String) -> String {
    var parts = name.split(separator: ".").filter { $0 != "module" }
    if parts.first == "model" { parts.removeFirst() }
    if parts.first == "0" { parts[0] = "img_enc" }
    if parts.first == "1" { parts[0] = "txt_enc" }
    return parts.joined(separator: ".")
  }
}
