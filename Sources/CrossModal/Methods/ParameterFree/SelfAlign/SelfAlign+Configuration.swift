import Foundation
import Torch

extension SelfAlign {
  /// Which of the two towers of the released program.
  public enum Form: String, Sendable, CaseIterable {
    /// A batch normalization behind the recurrent unit over regions.
    case f30k
    /// Instead, mapped regions are normalized.
    case coco
  }

  /// Along what mapped and reasoned regions are normalized.
  public enum NormAxis: String, Sendable, Codable, CaseIterable {
    /// Each channel over the regions of a picture, as the released program does, whose weights depend on it.
    case official
    /// Each region by itself.
    case channel
  }

  /// What stands behind the end of a text shorter than others of its batch.
  public enum Padding: String, Sendable, Codable, CaseIterable {
    /// Nothing.
    case masked
    /// Words of zeros that count in means, statistics and losses, as in the released program: vectors of texts depend on
    /// what they are encoded with.
    case official
  }

  /// The losses.
  public enum Term: String, Sendable, CaseIterable {
    case rank, concept, context, caption
  }

  public struct Configuration: MethodConfiguration {
    public var form = Form.f30k
    public var terms = TermList<Term>([.rank, .concept, .context, .caption])
    public var padding = Padding.masked
    public var normAxis = NormAxis.official
    public var embedSize = 2048
    public var wordDim = 300
    public var wordMap = true
    public var numLayers = 1
    public var standardize = false
    public var margin = 0.2
    public var maxViolation = true
    public var captionWeight = 1.0
    public var maxLen = 60
    public var hidden = 512
    public var captionWordDim = 300
    public var dropout = 0.2
    public var startFrom: String?
    public var alignment = AlignmentSettings()

    public init() {}

    public static let inlined: String? = "alignment"

    public static let keys: [ConfigurationKey] =
      [
        ConfigurationKey(
          "form",
          "f30k (a batch normalization of picture vectors) or coco (normalized maps of regions), as the released "
            + "program has for its two data sets", aliases: ["data_name"]),
        ConfigurationKey(
          "terms",
          "which losses are added up, with commas between them: rank, concept, context, caption (a captioner that serves "
            + "training alone)"),
        ConfigurationKey(
          "padding",
          "masked, or official: padding behind texts counts in means, statistics and losses, as published weights want it"
        ),
        ConfigurationKey(
          "norm_axis",
          "along what regions are normalized: official (each channel over the regions of a picture, as published weights "
            + "want it) or channel (each region by itself)"),
        ConfigurationKey(
          "embed_size", "width of towers, of their vectors a third where context_embedding is on", in: .units),
        ConfigurationKey("word_dim", "width of the word vectors", in: .units),
        ConfigurationKey(
          "word_map", "a linear map of the word vectors before the recurrent unit; plain VSRN has none"),
        ConfigurationKey("num_layers", "layers of the recurrent unit of texts", in: .layers),
        ConfigurationKey("standardize", "bring columns of the regions to mean 0 and deviation 1"),
        ConfigurationKey("margin", "of the ranking loss, in units of the scores", in: .from(0)),
        ConfigurationKey("max_violation", "only the hardest wrong partners of a batch count, or all"),
        ConfigurationKey("caption_weight", "of the loss of the captioner", in: .from(0)),
        ConfigurationKey(
          "max_len", "words of a caption that the captioner learns, marks included", in: .count(2...4096)),
        ConfigurationKey("hidden", "units of the captioner", aliases: ["dim_hidden"], in: .units),
        ConfigurationKey(
          "caption_word_dim", "width of the captioner's word vectors", aliases: ["dim_word"], in: .units),
        ConfigurationKey("dropout", "of the regions that the captioner reads, in training", in: .fraction),
        ConfigurationKey(
          "start_from",
          "safetensors file of all weights to begin with: of a run, or of a published checkpoint through crossmodal "
            + "convert"),
      ] + AlignmentSettings.keys

    public func validateRelations() throws {
      try require(!terms.isEmpty, "terms", "none", "one or more of rank, concept, context, caption")
      try require(
        terms.contains(.rank) || terms.contains(.context), "terms", terms.text,
        "rank or context among them, which alone compare items of pairs")
      try require(
        wordMap || !terms.contains(.concept), "word_map", wordMap, "true for the term concept")
    }

    /// The branch beside a tower; nil where nothing needs one.
    func contextBranch(using generator: Generator) throws -> ContextBranch? {
      guard alignment.contextEmbedding || terms.contains(.context) else { return nil }
      return try ContextBranch(embedSize, rectifies: alignment.ctxRelu, using: generator)
    }

    /// The ranking loss.
    func ranking() throws -> HingeRanking {
      try HingeRanking(margin: margin, negatives: maxViolation ? .hardest : .sum)
    }
  }
}

extension SelfAlign.Form: Codable {
  /// Its name, or that of the released program's data set: `f30k_precomp`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let form = Self(rawValue: name.hasSuffix("_precomp") ? String(name.dropLast(8)) : name) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: Self.allCases.map(\.rawValue).joined(separator: " or "))
    }
    self = form
  }
}
