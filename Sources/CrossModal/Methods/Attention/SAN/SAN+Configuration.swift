import Torch

extension SAN {
  public struct Configuration: MethodConfiguration {
    /// What makes a vector of a question.
    public enum QuestionModel: String, Sendable, Codable, CaseIterable {
      /// The last state of a long short-term memory.
      case lstm
      /// The largest of windows of one, two and three words.
      case cnn
    }

    /// Whose equations are computed.
    public enum Variant: String, Sendable, Codable, CaseIterable {
      case paper
      /// What the released program computes.
      case official
    }

    /// How parameters are drawn before the first step.
    public enum FirstWeights: String, Sendable, Codable, CaseIterable {
      /// As PyTorch draws layers of these kinds.
      case standard
      /// Small as in the released program: uniform in ±0.01, word vectors in ±0.5, the forget gate's bias 1.
      case official
    }

    public var questionModel = QuestionModel.cnn
    public var variant = Variant.paper
    public var hops = 2
    public var wordDim = 500
    public var filters = [128, 256, 256]
    public var lstmSize = 500
    public var reverse = false
    /// Nil for what the variant has: with tanh in the paper, without in the released program.
    public var outputTanh: Bool?
    public var attentionDim = 512
    public var answerHidden: [Int] = []
    public var dropout = 0.5
    public var sampleAnswer = true
    public var encoder = GridKind.conv
    public var hidden = 128
    public var pictures = PictureSettings()
    public var standardize = false
    /// Nil for 80 with sgd, else 1.
    public var embedRate: Double?
    public var firstWeights = FirstWeights.standard

    public init() {}

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "question_model", "what makes a vector of a question: cnn (windows of 1 to 3 words) or lstm"),
      ConfigurationKey(
        "variant",
        "paper, or official for what the released program computes: each side squashed before the sum, squashed scores, "
          + "windows over the batch's padding"),
      ConfigurationKey(
        "hops", "attention layers: how often a question looks at the picture",
        aliases: ["num_attention_layers"],
        in: .layers),
      ConfigurationKey("word_dim", "width of the word vectors", aliases: ["embed", "n_emb"], in: .units),
      ConfigurationKey(
        "filters", "of cnn: outputs of the windows of one, two and three words", in: .units),
      ConfigurationKey("lstm_size", "of lstm: width of its state", aliases: ["dim", "n_dim"], in: .units),
      ConfigurationKey("reverse", "of lstm: read questions from their last word to the first"),
      ConfigurationKey(
        "output_tanh", "of lstm: squash the cell before it becomes the state; null for the variant's",
        aliases: ["use_tanh"]),
      ConfigurationKey(
        "attention_dim", "width of the attention layers", aliases: ["n_attention"], in: .units),
      ConfigurationKey(
        "answer_hidden", "widths of hidden layers before the answers; [] for none", in: .units),
      ConfigurationKey(
        "dropout", "of the vector that answers, in training", aliases: ["drop_ratio"], in: .fraction),
      ConfigurationKey(
        "sample_answer",
        "learn one of the accepted answers, drawn anew each time; else always the most frequent"),
      ConfigurationKey("encoder", "what makes cells of pictures: " + GridKind.choices),
      ConfigurationKey("hidden", "of the encoder conv: channels of its last maps", in: .units),
      ConfigurationKey(
        "pictures", PictureSettings.about + "; questions are about whole pictures, so crop stays off",
        members: PictureSettings.bounds),
      ConfigurationKey("standardize", "bring given features of cells to mean 0 and deviation 1"),
      ConfigurationKey(
        "embed_rate", "multiple of the learning rate for word vectors; null for 80 with sgd, else 1",
        aliases: ["embed_lr_scale"], in: .from(0, or: "null")),
      ConfigurationKey(
        "first_weights", "standard (as PyTorch draws), or official (small, as the released program draws)"),
    ]

    public func validateRelations() throws {
      try require(
        filters.count == 3, "filters", filters, "three widths, of windows of one, two and three words")
      try require(
        pictures.crop != true, "pictures.crop", true, "false or null: a question is about the whole picture")
      try require(
        !reverse || questionModel == .lstm, "reverse", reverse, "false for question_model=cnn")
    }

    /// Width of the vector of a question, and of the queries.
    var querySize: Int { questionModel == .cnn ? filters.reduce(0, +) : lstmSize }

    /// The encoder of questions.
    func questionEncoder(vocabulary: Int, using generator: Generator) throws -> any QuestionEncoder {
      switch questionModel {
      case .cnn:
        try WindowQuestionEncoder(
          vocabulary: vocabulary, wordSize: wordDim, filters: filters, coversPadding: variant == .official,
          using: generator)
      case .lstm:
        try LSTMQuestionEncoder(
          vocabulary: vocabulary, wordSize: wordDim, to: lstmSize,
          hasOutputTanh: outputTanh ?? (variant == .paper), reverses: reverse, using: generator)
      }
    }
  }
}
