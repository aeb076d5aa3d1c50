import Torch

/// The settings of SelfAlign's two losses and of the branch beside a tower that they need: the same wherever they stand.
public struct AlignmentSettings: Sendable, Codable, Equatable {
  /// Concepts that there are.
  public var prototypes = 1024
  public var sinkhornEpsilon = 0.05
  public var sinkhornIterations = 2
  public var studentTemp = 0.1
  /// Of whole texts with the parts of pictures.
  public var temperatureRegions = 0.7
  /// Of whole pictures with the parts of texts.
  public var temperatureWords = 0.7
  /// Parts of other pictures that count; nil for all.
  public var negativeRegions: Int? = 512
  /// Parts of other texts that count; nil for all.
  public var negativeWords: Int? = 512
  public var conceptWeight = 1.0
  public var contextWeight = 1.0
  public var ctxRelu = true
  public var contextEmbedding = true

  public init() {}

  enum CodingKeys: String, CodingKey, CaseIterable {
    case prototypes, sinkhornEpsilon, sinkhornIterations, studentTemp, temperatureRegions, temperatureWords
    case negativeRegions, negativeWords, conceptWeight, contextWeight, ctxRelu, contextEmbedding
  }

  /// What is not given is as it is by default.
  public init(from decoder: any Decoder) throws {
    self.init()
    let members = try decoder.container(keyedBy: CodingKeys.self)
    prototypes = try members.value(.prototypes, or: prototypes)
    sinkhornEpsilon = try members.value(.sinkhornEpsilon, or: sinkhornEpsilon)
    sinkhornIterations = try members.value(.sinkhornIterations, or: sinkhornIterations)
    studentTemp = try members.value(.studentTemp, or: studentTemp)
    temperatureRegions = try members.value(.temperatureRegions, or: temperatureRegions)
    temperatureWords = try members.value(.temperatureWords, or: temperatureWords)
    if members.contains(.negativeRegions) {
      negativeRegions = try members.decodeIfPresent(Int.self, forKey: .negativeRegions)
    }
    if members.contains(.negativeWords) {
      negativeWords = try members.decodeIfPresent(Int.self, forKey: .negativeWords)
    }
    conceptWeight = try members.value(.conceptWeight, or: conceptWeight)
    contextWeight = try members.value(.contextWeight, or: contextWeight)
    ctxRelu = try members.value(.ctxRelu, or: ctxRelu)
    contextEmbedding = try members.value(.contextEmbedding, or: contextEmbedding)
  }

  /// Every key, with null where all parts count.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(prototypes, forKey: .prototypes)
    try members.encode(sinkhornEpsilon, forKey: .sinkhornEpsilon)
    try members.encode(sinkhornIterations, forKey: .sinkhornIterations)
    try members.encode(studentTemp, forKey: .studentTemp)
    try members.encode(temperatureRegions, forKey: .temperatureRegions)
    try members.encode(temperatureWords, forKey: .temperatureWords)
    try members.encode(negativeRegions, forKey: .negativeRegions)
    try members.encode(negativeWords, forKey: .negativeWords)
    try members.encode(conceptWeight, forKey: .conceptWeight)
    try members.encode(contextWeight, forKey: .contextWeight)
    try members.encode(ctxRelu, forKey: .ctxRelu)
    try members.encode(contextEmbedding, forKey: .contextEmbedding)
  }

  /// Its keys, where they stand beside others.
  static let keys: [ConfigurationKey] = [
    ConfigurationKey(
      "context_embedding",
      "put contexts and mean parts behind the vectors, which become three times as wide; false leaves them as they are"
    ),
    ConfigurationKey("ctx_relu", "what of contexts and parts is below 0 becomes 0"),
    ConfigurationKey(
      "prototypes", "concepts that regions and words are assigned to", aliases: ["local_clu_num"],
      in: bound("prototypes")),
    ConfigurationKey(
      "sinkhorn_epsilon", "how soft regions are assigned to concepts", in: bound("sinkhorn_epsilon")),
    ConfigurationKey(
      "sinkhorn_iterations", "how often that is evened out", in: bound("sinkhorn_iterations")),
    ConfigurationKey("student_temp", "divides the cosines of words and concepts", in: bound("student_temp")),
    ConfigurationKey(
      "temperature_regions", "divides the scores of whole texts and parts of pictures", aliases: ["v5_tao"],
      in: bound("temperature_regions")),
    ConfigurationKey(
      "temperature_words", "divides the scores of whole pictures and parts of texts", aliases: ["v6_tao"],
      in: bound("temperature_words")),
    ConfigurationKey(
      "negative_regions", "how many parts of other pictures count, the hardest; null for all",
      aliases: ["neg_num_v2t"], in: bound("negative_regions")),
    ConfigurationKey(
      "negative_words", "how many parts of other texts count, the hardest; null for all",
      aliases: ["neg_num_t2v"], in: bound("negative_words")),
    ConfigurationKey("concept_weight", "of the loss of concepts", in: bound("concept_weight")),
    ConfigurationKey(
      "context_weight", "of the loss of contexts, the mean of both directions", in: bound("context_weight")),
  ]

  /// What its numbers may be.
  static let bounds: KeyValuePairs<String, NumberBounds> = [
    "prototypes": .count(2...1 << 20), "sinkhorn_epsilon": .above(0),
    "sinkhorn_iterations": .count(1...1000), "student_temp": .above(0), "temperature_regions": .above(0),
    "temperature_words": .above(0), "negative_regions": .count(from: 1, or: "null"),
    "negative_words": .count(from: 1, or: "null"), "concept_weight": .from(0), "context_weight": .from(0),
  ]

  private static func bound(_ name: String) -> NumberBounds? { bounds.first { $0.key == name }?.value }
}

extension AlignmentSettings {
  /// The loss of concepts.
  func conceptContrast() throws -> ConceptContrast {
    try ConceptContrast(
      temperature: studentTemp,
      assignment: SinkhornAssignment(epsilon: sinkhornEpsilon, iterations: sinkhornIterations))
  }

  /// Of whole texts and parts of pictures.
  func contrastV2t() throws -> ContextContrast {
    try ContextContrast(temperature: temperatureRegions, negatives: negativeRegions)
  }

  /// Of whole pictures and parts of texts.
  func contrastT2v() throws -> ContextContrast {
    try ContextContrast(temperature: temperatureWords, negatives: negativeWords)
  }
}
