import Torch

extension StructurePreserving {
  /// What makes two items of one modality neighbors.
  public enum Neighborhood: String, Sendable, Codable, CaseIterable {
    /// They have a partner in common.
    case partners
    /// They are of one class.
    case labels
  }

  /// What becomes of the words of a text.
  public enum LanguageModel: String, Sendable, Codable, CaseIterable {
    /// The mean of their vectors.
    case average = "avg"
    /// Their sum, weighed by how each goes with the mean.
    case attention = "attend"
    /// The last output of a gated recurrent unit.
    case gru

    var pooling: WordPooling.Kind? {
      switch self {
      case .average: .average
      case .attention: .attention
      case .gru: nil
      }
    }
  }

  /// What training starts from.
  public enum Start: String, Sendable, Codable, CaseIterable {
    /// Two layers a branch, drawn at random.
    case random = "default"
    /// One linear layer a branch: the directions of canonical correlation analysis.
    case cca
  }

  public struct Configuration: JointSettings {
    public var objective = StructurePreservingLoss.Form.nearest
    /// Is `auto`.
    public var encoder = PerView(EncoderKind.auto)
    public var margin = 0.05
    public var numNegSample = 10
    public var imLossFactor = 1.5
    public var sentOnlyLossFactor = 0.1
    public var imOnlyLossFactor = 0.0
    public var sampleSize = 2
    public var hardestPositive = NearestTripletsLoss.Positives.farthest
    public var neighbourhood = Neighborhood.partners
    public var dimEmbed = 2048
    public var metricDim = 512
    public var dropout = 0.5
    public var batchNorm = true
    public var languageModel = LanguageModel.average
    public var maskPadding = true
    public var wordDim = 300
    public var wordVectors: String?
    public var wordEmbeddingReg = 5e-5
    public var lrGamma = 0.794
    public var textLrMulti = 2.0
    public var distinctImages = true
    public var start = Start.random
    public var ccaRidge = 0.1
    public var ccaPower = 1.0
    public var ccaWeightReg = 0.0
    public var transform = PerView(InputScaling.Transform.none)
    public var standardize = true
    public var standardizeEpsilon = 1e-6
    public var positives: Positives?
    public var chunkSize = 0

    /// Of them what this method lets a user choose.
    public var networks: NetworkSettings {
      var networks = NetworkSettings()
      networks.embedSize = metricDim
      networks.transform = transform
      networks.standardize = standardize
      networks.standardizeEpsilon = standardizeEpsilon
      networks.chunkSize = chunkSize
      return networks
    }

    public init() {}

    private enum CodingKeys: String, CodingKey {
      case objective, encoder, margin, numNegSample, imLossFactor, sentOnlyLossFactor, imOnlyLossFactor,
        sampleSize
      case hardestPositive, neighbourhood, dimEmbed, metricDim, dropout, batchNorm, languageModel, maskPadding
      case wordDim, wordVectors, wordEmbeddingReg, lrGamma, textLrMulti, distinctImages
      case start = "init"
      case ccaRidge, ccaPower, ccaWeightReg, transform, standardize, standardizeEpsilon, positives, chunkSize
    }

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "objective",
        "topk (mean over the closest mismatches of each match: the released programs) or all_sum (sum over all triplets: the paper)"
      ),
      ConfigurationKey(
        "encoder",
        "auto alone: the paper's two layers over vectors that are computed once (features.NAME), or over words (language_model)"
      ),
      ConfigurationKey(
        "margin", "by which mismatches are to be farther; unit vectors are up to 2 apart", in: .from(0)),
      ConfigurationKey("num_neg_sample", "of topk: mismatches of an item that count", in: .units),
      ConfigurationKey(
        "im_loss_factor", "weight of the triplets that look for a text's picture; the other direction has 1",
        aliases: ["lambda1"], in: .from(0)),
      ConfigurationKey(
        "sent_only_loss_factor", "weight of the triplets among texts alone; 0 for none", aliases: ["lambda3"],
        in: .from(0)),
      ConfigurationKey(
        "im_only_loss_factor", "weight of the triplets among pictures alone; 0 for none",
        aliases: ["lambda2"], in: .from(0)),
      ConfigurationKey(
        "sample_size", "texts of each picture in a batch; 1 without triplets among texts",
        in: .count(1...1000)),
      ConfigurationKey(
        "hardest_positive", "within a modality: max (the farthest neighbour) or each (all of them: the paper)"
      ),
      ConfigurationKey(
        "neighbourhood",
        "which items of one modality are neighbours: partners (those with a partner in common) or labels (those of one class, which then are no mismatches across modalities either)",
        aliases: ["neighborhood"]),
      ConfigurationKey("dim_embed", "units of the hidden layer of a branch", aliases: ["hidden"], in: .units),
      ConfigurationKey(
        "metric_dim", "width of the vectors of the common space", aliases: ["embed_size"], in: .units),
      ConfigurationKey("dropout", "that a hidden unit is dropped in training", in: .fraction),
      ConfigurationKey("batch_norm", "batch normalisation before the hidden units"),
      ConfigurationKey(
        "language_model",
        "of word numbers: avg (mean of the word vectors), attend (weighed by how each goes with the mean) or gru"
      ),
      ConfigurationKey(
        "mask_padding", "leave what is behind a text's words out of attend; the released program does not"),
      ConfigurationKey("word_dim", "width of the word vectors", in: .units),
      ConfigurationKey(
        "word_vectors",
        "text file of word vectors to start from, a word and its numbers a line; null for random ones"),
      ConfigurationKey(
        "word_embedding_reg", "weight of the word vectors' mean squared distance from their start",
        in: .from(0)),
      ConfigurationKey(
        "lr_gamma", "multiplies the learning rate after every epoch, unless a schedule is given",
        in: .above(0, to: 1)),
      ConfigurationKey("text_lr_multi", "multiplies the learning rate of the text branch", in: .from(0)),
      ConfigurationKey(
        "distinct_images",
        "a picture is at most once in a batch; the released programs draw texts, and a picture's second copy counts as another"
      ),
      ConfigurationKey(
        "init", "default (random), or cca: one linear layer a branch, from canonical correlation analysis"),
      ConfigurationKey("cca_ridge", "of init cca: ridge, times the mean variance of a column", in: .from(0)),
      ConfigurationKey(
        "cca_power", "of init cca: to which power of its correlation a direction counts",
        in: .from(-100, to: 100)),
      ConfigurationKey(
        "cca_weight_reg",
        "of init cca: weight of half the squared distance from the directions it started with", in: .from(0)),
      ConfigurationKey(
        "transform", "of each number of the input: none, sqrt or log; a list gives each modality its own"),
      ConfigurationKey("standardize", "bring columns to mean 0 and deviation 1"),
      ConfigurationKey("standardize_epsilon", "added to the deviation", in: .above(0)),
      ConfigurationKey(
        "positives", "what matches across modalities: pair (paired items) or class (items of one class)"),
      ConfigurationKey(
        "chunk_size",
        "pairs whose graph is in memory at a time (gradient caching; without batch_norm); 0 for the whole batch",
        in: .count(from: 0)),
    ]

    public func validateRelations() throws {
      if let other = encoder.values.first(where: { $0 != .auto }) {
        throw ConfigurationError.badValue(
          key: "encoder", value: other.text,
          expected:
            "auto: structure-preserving has its paper's two layers over vectors that are computed once "
            + "(features.NAME), or over words (language_model)")
      }
      try require(
        chunkSize == 0 || !batchNorm || start == .cca, "chunk_size", chunkSize,
        "0, or batch_norm false: statistics over a part are not those over the batch")
      try require(
        start == .random || languageModel != .gru, "init", start.rawValue, "possible with language_model gru")
    }
  }
}
