import Torch

/// What a batch's pairs are told apart by.
public enum Positives: String, Sendable, Codable, CaseIterable {
  /// Items of one pair match; items that are known to belong to several pairs match in all of them.
  case pair
  /// Items of one class match.
  case `class`
}

/// Whether the modalities share one network.
public enum BranchSharing: String, Sendable, Codable, CaseIterable {
  case separate
  case shared
}

/// Settings of every method that maps both modalities to one space with networks of its own.
public protocol JointSettings: MethodConfiguration {
  var embedSize: Int { get }
  var branches: BranchSharing { get }
  /// Bring what has an ``InputScaling`` to mean 0 and deviation 1 over the training part.
  var standardize: Bool { get }
  var standardizeEpsilon: Double { get }
  /// Nil chooses: `pair` for two modalities, `class` for one.
  var positives: Positives? { get }
  var chunkSize: Int { get }
}

/// Settings that every method of metric learning has: its networks, and what they are given.
public protocol BranchSettings: JointSettings {
  var encoder: PerView<EncoderKind> { get }
  var hidden: Int { get }
  var pooling: PerView<FragmentPooling> { get }
  var pictures: PictureSettings { get }
  var text: TextSettings { get }
  var transform: PerView<InputScaling.Transform> { get }
}

extension BranchSettings {
  /// The keys that all of these methods have.
  static var branchKeys: [ConfigurationKey] {
    [
      ConfigurationKey("embed_size", "width of the vectors of the common space"),
      ConfigurationKey(
        "encoder",
        "network: auto (mlp on vectors, conv on pictures, gru on texts), linear, mlp, conv, drlim-conv, resnet18, resnet50, resnet152 or "
          + "vgg19; a list gives each modality its own"
      ),
      ConfigurationKey(
        "hidden", "units of the hidden layer of mlp, channels of the last convolution of conv"),
      ConfigurationKey(
        "pooling",
        "how the vectors of a set or a sequence become one: before (their mean, then the network), or mean, max or gpo "
          + "(learned weights of the sorted values) of what the network makes of each"),
      ConfigurationKey("pictures", PictureSettings.about),
      ConfigurationKey("text", TextSettings.about),
      ConfigurationKey(
        "branches",
        "separate networks, or one shared by both modalities (of one width); one modality alone has one"),
      ConfigurationKey(
        "transform", "of each number of the input: none, sqrt or log; a list gives each modality its own"),
      ConfigurationKey("standardize", "bring columns (of pictures, channels) to mean 0 and deviation 1"),
      ConfigurationKey("standardize_epsilon", "added to the deviation"),
      ConfigurationKey(
        "positives",
        "what matches: pair (paired items) or class (items of one class); null chooses pair for two modalities"
      ),
      ConfigurationKey(
        "chunk_size", "items whose graph is in memory at a time (gradient caching); 0 for the whole batch"),
    ]
  }

  func validateBranches() throws {
    try pictures.validate()
    try text.validate()
    try require(embedSize >= 1, "embed_size", embedSize, "1 or more")
    try require(hidden >= 1, "hidden", hidden, "1 or more")
    try require(
      standardizeEpsilon > 0 && standardizeEpsilon.isFinite, "standardize_epsilon", standardizeEpsilon,
      "above 0")
    try require(chunkSize >= 0, "chunk_size", chunkSize, "0 or more")
    // Statistics of a chunk are not those of the batch.
    try require(
      chunkSize == 0 || encoder.values.allSatisfy { $0.cnn == nil } || !pictures.finetune
        || pictures.mode == .eval, "chunk_size", chunkSize,
      "0 where a network is finetuned that normalises by the batch (or set pictures.mode=eval)")
  }

  /// What stands on a modality.
  ///
  /// - Throws: ``ConfigurationError`` for a network that does not fit the modality.
  func branch(
    on given: DataDescription.Modality, side: Int, using generator: Generator
  ) throws -> Branch {
    let (kind, pooling) = (encoder[side], pooling[side])
    if given.kind == .tokens {
      guard kind == .auto || kind == .gru, let vocabulary = given.vocabulary else {
        throw ConfigurationError.badValue(
          key: "encoder", value: kind.rawValue,
          expected: "one for \(given.name), which is a text: use gru (or features.\(given.name)=tfidf)")
      }
      return Branch(
        network: try TokenEncoder(
          vocabulary: vocabulary, hidden: hidden, to: embedSize, text, using: generator))
    }
    if let cnn = kind.cnn {
      guard given.kind == .images else {
        throw ConfigurationError.badValue(
          key: "encoder", value: kind.rawValue,
          expected: "one for \(given.name), which is of kind \(given.kind.rawValue)")
      }
      return Branch(
        transform: pictures.transform(size: 224, crops: true), scaling: nil,
        network: try CNNEncoder(
          cnn, to: embedSize, finetunes: pictures.finetune, mode: pictures.mode, weights: pictures.weights,
          using: generator))
    }
    var modality = given
    var transform: PictureTransform?
    if given.kind == .images, given.shape == nil || pictures.isSet {
      let own = pictures.transform(size: pictures.size ?? given.shape?[0] ?? 32, crops: false)
      modality.shape = [own.size, own.size, given.shape?[2] ?? 3]
      transform = own
    }
    let network = try kind.encoder(for: modality, size: embedSize, hidden: hidden, using: generator)
    let isPooled = (given.kind == .set || given.kind == .sequence) && pooling != .before
    let scaling = try InputScaling(
      for: modality, transform: self.transform[side], keepsPictures: kind.keepsPictures(given.kind),
      keepsFragments: isPooled)
    return Branch(
      transform: transform, scaling: scaling,
      network: isPooled ? try FragmentEncoder(network, pooling: pooling, using: generator) : network)
  }
}

extension JointSettings {
  func require(_ holds: Bool, _ key: String, _ value: some Any, _ expected: String) throws {
    guard holds else { throw ConfigurationError.badValue(key: key, value: "\(value)", expected: expected) }
  }

  /// The training that metric learning on vectors starts from.
  static func metricTraining() -> TrainingConfiguration {
    var training = TrainingConfiguration()
    training.epochs = 30
    training.batchSize = 128
    training.learningRate = 1e-3
    training.weightDecay = 1e-4
    return training
  }
}
