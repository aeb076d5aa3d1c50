/// Multiples of the learning rate for parts of networks that were trained before: the settings under `multipliers`.
public struct RateMultipliers: Sendable, Codable, Equatable {
  /// Of BERT; nil for a tenth where its weights come from a file, else for the whole rate.
  public var bert: Double?
  /// Of ResNet and VGG; nil likewise.
  public var cnn: Double?
  /// Of networks of encoder published.
  public var published = 0.1

  public init() {}

  private enum CodingKeys: String, CodingKey, CaseIterable { case bert, cnn, published }

  public init(from decoder: any Decoder) throws {
    self.init()
    let members = try decoder.settings(CodingKeys.self, under: "multipliers")
    bert = try members.decodeIfPresent(Double.self, forKey: .bert)
    cnn = try members.decodeIfPresent(Double.self, forKey: .cnn)
    published = try members.value(.published, or: published)
  }

  /// Every key, with null where the weights decide.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(bert, forKey: .bert)
    try members.encode(cnn, forKey: .cnn)
    try members.encode(published, forKey: .published)
  }

  /// What its numbers may be.
  static let bounds: KeyValuePairs<String, NumberBounds> = [
    "bert": .from(0), "cnn": .from(0), "published": .from(0),
  ]

  /// What the key says of itself.
  static let about =
    "of the learning rate of parts that were trained before: bert and cnn (of resnet and vgg; null for 0.1 where weights "
    + "come from a file, else 1), published"

  /// The multiple for the part of a network that may come from a file.
  ///
  /// - Parameter isStarted: all weights come from a file.
  func factor(for encoder: any PretrainedEncoder, isStarted: Bool) -> Double {
    let own = encoder.pretrainedPart == "bert" ? bert : cnn
    return own ?? (isStarted || encoder.weightsFile != nil ? 0.1 : 1)
  }
}
