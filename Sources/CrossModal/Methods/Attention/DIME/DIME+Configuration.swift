extension DIME {
  public struct Configuration: MethodConfiguration {
    public var direction = CrossAttention.Direction.i2t
    public var embedSize = 256
    public var textEncoder = TextNetwork.auto
    public var bert = BERTSettings()
    public var maxWords = 32
    public var maskPadding = false
    public var wordDim = 300
    public var hidRouter = 512
    public var hidImrc = 512
    public var numHeadImrc = 16
    public var rawFeatureNormCmrc = CrossAttention.Normalization.clippedL2norm
    /// Nil for 4 (i2t) or 9 (t2i).
    public var lambdaSoftmaxCmrc: Double?
    public var margin = 0.2
    public var maxViolation = true
    public var tradeOff = 0.5
    public var extraStc = 0
    public var extraImg = 0
    public var dropLast = false

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey("direction", "i2t (a text refines regions) or t2i (an image refines words)"),
      ConfigurationKey("embed_size", "width of the common space, a multiple of the heads", in: .units),
      ConfigurationKey(
        "text_encoder",
        "bert (frozen, over features.NAME=wordpiece), bigru (over words), or auto: bert where bert.weights is given"
      ),
      ConfigurationKey("bert", BERTSettings.about, members: BERTSettings.bounds),
      ConfigurationKey(
        "max_words", "pieces that every text is padded to before bert, [CLS] and [SEP] included",
        in: .count(3...4096)),
      ConfigurationKey(
        "mask_padding", "leave padding out of all that follows bert; the released program does not"),
      ConfigurationKey("word_dim", "width of the word vectors of bigru", in: .units),
      ConfigurationKey("hid_router", "hidden units of the routers", in: .units),
      ConfigurationKey(
        "hid_imrc", "hidden units of the cells of one modality", aliases: ["hid_IMRC"], in: .units),
      ConfigurationKey(
        "num_head_imrc", "heads of the cells of one modality", aliases: ["num_head_IMRC", "heads"],
        in: .count(1...1024)),
      ConfigurationKey(
        "raw_feature_norm_cmrc",
        "how similarities are normalised before the attention of the cells across modalities: "
          + CrossAttention.Normalization.allCases.map(\.rawValue).joined(separator: ", "),
        aliases: ["raw_feature_norm_CMRC"]),
      ConfigurationKey(
        "lambda_softmax_cmrc", "how sharp that attention is; null for 4 (i2t) or 9 (t2i)",
        aliases: ["lambda_softmax_CMRC"], in: .from(0, or: "null")),
      ConfigurationKey("margin", "of the hinge loss, in units of the score", in: .from(0)),
      ConfigurationKey("max_violation", "only the hardest negatives of a batch count, or all"),
      ConfigurationKey("trade_off", "weight of the loss of the ways", in: .from(0)),
      ConfigurationKey(
        "extra_stc", "further texts of a batch for each pair, as wrong partners of i2t", in: .count(0...64)),
      ConfigurationKey(
        "extra_img", "further images of a batch for each pair, as wrong partners of t2i", in: .count(0...64)),
      ConfigurationKey("drop_last", "leave out the last batch of an epoch where it is smaller"),
    ]

    public func validateRelations() throws {
      try bert.validate()
      try require(
        embedSize.isMultiple(of: numHeadImrc), "embed_size", embedSize,
        "a multiple of the \(numHeadImrc) heads of num_head_imrc")
      try require(
        direction == .i2t || extraStc == 0, "extra_stc", extraStc, "0 with direction t2i, which has extra_img"
      )
      try require(
        direction == .t2i || extraImg == 0, "extra_img", extraImg, "0 with direction i2t, which has extra_stc"
      )
      try require(
        !usesBERT || bert.weights != nil, "text_encoder", "bert without weights",
        "bert.weights, a file: BERT is not trained along")
      try require(
        !usesBERT || maxWords <= bert.maxPositionEmbeddings, "max_words", maxWords,
        "at most bert.max_position_embeddings, \(bert.maxPositionEmbeddings)")
    }

    /// Whether a BERT reads the texts.
    var usesBERT: Bool {
      switch textEncoder {
      case .auto: bert.weights != nil
      case .bigru: false
      case .bert: true
      }
    }

    /// Sizes of the cells.
    var sizes: DynamicInteraction.Sizes {
      var attention = CrossAttention()
      attention.normalization = rawFeatureNormCmrc
      attention.lambdaSoftmax = lambdaSoftmaxCmrc ?? (direction == .i2t ? 4 : 9)
      return DynamicInteraction.Sizes(
        size: embedSize, routerHidden: hidRouter, reasoningHidden: hidImrc, heads: numHeadImrc,
        attention: attention)
    }

    /// The loss of scores.
    var ranking: HingeRanking {
      get throws { try HingeRanking(margin: margin, negatives: maxViolation ? .hardest : .sum) }
    }
  }
}
