/// Settings of the networks of a method, and of what they are given: the same in all methods of metric learning.
public struct NetworkSettings: Codable, Sendable, Equatable {
  public var embedSize = 32
  public var encoder = PerView(EncoderKind.auto)
  public var hidden = 128
  public var pooling = PerView(FragmentPooling.mean)
  public var normalizeFeatures = false
  public var sizeAugmentation = false
  public var pictures = PictureSettings()
  public var text = TextSettings()
  public var bert = BERTSettings()
  public var published = PublishedEncoderSettings()
  /// Rates of what was trained before.
  public var multipliers = RateMultipliers()
  public var branches = BranchSharing.separate
  public var transform = PerView(InputScaling.Transform.none)
  /// Bring what has an ``InputScaling`` to mean 0 and deviation 1 over the training part.
  public var standardize = true
  public var standardizeEpsilon = 1e-6
  public var chunkSize = 0
  /// Alignment of fragments; its key is one of the methods that have it.
  public var alignment = BranchAlignmentSettings()

  /// Width of the vectors that are compared.
  var vectorSize: Int { alignment.isOn && alignment.settings.contextEmbedding ? 3 * embedSize : embedSize }

  public init() {}

  static let keys: [ConfigurationKey] = [
    ConfigurationKey("embed_size", "width of the vectors of the common space", in: .units),
    ConfigurationKey(
      "encoder",
      "network: \(EncoderKind.choices); a list gives each modality its own; regions of one vector are precomp",
      in: .count(1...1 << 20)),
    ConfigurationKey(
      "hidden", "units of the hidden layer of mlp, channels of the last convolution of conv", in: .units),
    ConfigurationKey(
      "pooling",
      "of linear and mlp on a set or a sequence: before (the mean of its vectors, then the network), or mean, max, "
        + "k_max(k) (the mean of the k largest, 10 where no number is said) or gpo (learned weights of the sorted "
        + "values) of what the network makes of each", in: .count(1...1 << 20)),
    ConfigurationKey("normalize_features", "divide given vectors by their norms first"),
    ConfigurationKey("size_augmentation", "leave random vectors of sets out in training"),
    ConfigurationKey("pictures", PictureSettings.about, members: PictureSettings.bounds),
    ConfigurationKey("text", TextSettings.about, members: TextSettings.bounds),
    ConfigurationKey("bert", BERTSettings.about, members: BERTSettings.bounds),
    ConfigurationKey(
      "published", PublishedEncoderSettings.about, members: PublishedEncoderSettings.bounds),
    ConfigurationKey("multipliers", RateMultipliers.about, members: RateMultipliers.bounds),
    ConfigurationKey(
      "branches",
      "separate networks, or one shared by both modalities (of one width); one modality alone has one"),
    ConfigurationKey(
      "transform", "of each number of the input: none, sqrt or log; a list gives each modality its own"),
    ConfigurationKey("standardize", "bring columns (of pictures, channels) to mean 0 and deviation 1"),
    ConfigurationKey("standardize_epsilon", "added to the deviation", in: .above(0)),
    ConfigurationKey(
      "chunk_size", "items whose graph is in memory at a time (gradient caching); 0 for the whole batch",
      in: .count(from: 0)),
  ]
}
