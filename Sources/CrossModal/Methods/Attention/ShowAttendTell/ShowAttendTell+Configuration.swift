import Torch

extension ShowAttendTell {
  /// Whose equations and sizes are the defaults.
  public enum Variant: String, Sendable, Codable, CaseIterable {
    case paper
    /// What the authors' program computes.
    case official
    /// What the widely used PyTorch program computes.
    case port
  }

  /// How cells are read in training.
  public enum Attention: String, Sendable, Codable, CaseIterable {
    /// The mean of the cells by their shares.
    case soft
    /// One cell, drawn by the shares.
    case hard
  }

  /// How cells are read where captions are written.
  public enum TestReading: String, Sendable, Codable, CaseIterable {
    case expected
    case argmax
    case sample
  }

  public enum Activation: String, Sendable, Codable, CaseIterable {
    case none
    case tanh
    case relu

    func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
      switch self {
      case .none: x
      case .tanh: try x.tanh()
      case .relu: try x.relu()
      }
    }
  }

  /// What decides how much of what was read counts.
  public enum Gate: String, Sendable, Codable, CaseIterable {
    /// One number a word.
    case scalar
    /// One for each number of a cell.
    case vector
    case none
  }

  /// What words are scored from.
  public enum Output: String, Sendable, Codable, CaseIterable {
    /// The word before, the state and what was read.
    case deep
    /// The state alone.
    case linear
  }

  /// What is read before the first word.
  public enum Start: String, Sendable, Codable, CaseIterable {
    case zero
    /// The vector of the start mark.
    case mark
  }

  /// What the likelihood is divided by.
  public enum WordLoss: String, Sendable, Codable, CaseIterable {
    case sentence
    case word
  }

  /// How the penalty of unequal looks is averaged.
  public enum Balance: String, Sendable, Codable, CaseIterable {
    /// The mean over captions of the sum over cells.
    case paper
    /// The sum over captions of the mean over cells.
    case official
    /// The mean over both.
    case port
  }

  /// How reward and entropy of hard attention are averaged.
  public enum Reduction: String, Sendable, Codable, CaseIterable {
    /// The mean over captions.
    case paper
    /// The sum over captions, of rewards divided by the steps.
    case official
  }

  /// What a drawn cell is rewarded for.
  public enum Reward: String, Sendable, Codable, CaseIterable {
    /// The likelihood of the caption, less that of those before.
    case sentence
    /// That of the word alone.
    case word
  }

  /// What decides whether cells are drawn or their mean is read in a step of training.
  public enum DrawUnit: String, Sendable, Codable, CaseIterable {
    case image
    case batch
  }

  /// Which caption of a search is said.
  public enum Choice: String, Sendable, Codable, CaseIterable {
    /// The most probable among those that came to their end, where there is one.
    case finished
    /// The most probable of all.
    case best
    /// The one with the most probable words.
    case normalised
  }

  /// How parameters are drawn before the first step.
  public enum FirstWeights: String, Sendable, Codable, CaseIterable {
    /// As PyTorch draws layers of these kinds.
    case standard
    /// Normal of deviation 0.01, square ones orthogonal, biases 0, as in the authors' program.
    case official
    /// As PyTorch's, word vectors and scores of words uniform in ±0.1.
    case port
  }

  public struct Configuration: MethodConfiguration {
    public var variant = Variant.paper
    public var attention = Attention.soft
    public var wordDim = 512
    public var lstmSize = 512
    public var attentionDim = 512
    public var initLayers = 1
    public var initActivation = Activation.tanh
    public var attentionLayers = 1
    public var attentionActivation = Activation.tanh
    public var gate = Gate.scalar
    public var output = Output.deep
    public var outputActivation = Activation.none
    public var start = Start.zero
    public var temperature = 1.0
    public var dropout = 0.5
    public var loss = WordLoss.sentence
    public var ds = Balance.paper
    /// Nil for 1, and 0 of the official variant with hard attention, in whose program it has no effect there.
    public var dsLambda: Double?
    public var lambdaR = 1.0
    public var lambdaE = 0.002
    public var hardReduction = Reduction.paper
    public var reward = Reward.sentence
    public var sampleShare = 0.5
    public var sampleBy = DrawUnit.image
    public var byLength = true
    public var reading = TestReading.expected
    public var beam = 5
    public var longest = 50
    public var choose = Choice.finished
    public var unknownWords = false
    public var encoder = GridKind.conv
    public var hidden = 128
    public var pictures = PictureSettings()
    public var standardize = false
    public var firstWeights = FirstWeights.standard

    public init() {}

    init(_ variant: Variant) {
      self.variant = variant
      switch variant {
      case .paper: break
      case .official:
        (initLayers, attentionLayers, outputActivation) = (2, 2, .tanh)
        (ds, hardReduction, lambdaR, sampleBy) = (.official, .official, 0.1, .batch)
        (lstmSize, firstWeights) = (1800, .official)
      case .port:
        (initActivation, attentionActivation, gate) = (.none, .relu, .vector)
        (output, start, loss, ds, byLength) = (.linear, .mark, .word, .port, false)
        firstWeights = .port
      }
    }

    public static func base(for overrides: JSON) throws -> Configuration {
      guard let name = overrides["variant"] else { return Configuration() }
      guard let variant = name.string.flatMap(Variant.init) else {
        throw ConfigurationError.badValue(
          key: "variant", value: name.text(),
          expected: Variant.allCases.map(\.rawValue).joined(separator: ", ")
        )
      }
      return Configuration(variant)
    }

    public static let keys: [ConfigurationKey] = [
      ConfigurationKey(
        "variant",
        "paper, official (the authors' program) or port (the widely used one in PyTorch): the equations and sizes where "
          + "nothing else is said"),
      ConfigurationKey(
        "attention", "soft (read the mean of the cells) or hard (read one that is drawn)",
        aliases: ["attn_type"]),
      ConfigurationKey(
        "word_dim", "width of the word vectors", aliases: ["embed", "dim_word", "emb_dim"], in: .units),
      ConfigurationKey(
        "lstm_size", "width of the memory", aliases: ["dim", "decoder_dim"], in: .units),
      ConfigurationKey("attention_dim", "width of the scores of cells", in: .units),
      ConfigurationKey(
        "init_layers", "layers from the mean cell to the first state", aliases: ["n_layers_init"], in: .layers
      ),
      ConfigurationKey("init_activation", "of the first state: none, tanh or relu"),
      ConfigurationKey(
        "attention_layers", "layers over each cell before the state joins", aliases: ["n_layers_att"],
        in: .layers),
      ConfigurationKey("attention_activation", "of the sum that cells are scored from: none, tanh or relu"),
      ConfigurationKey("gate", "on what was read: scalar, vector or none"),
      ConfigurationKey(
        "output",
        "deep (words are scored from the word before, the state and what was read) or linear (the state)"),
      ConfigurationKey("output_activation", "of the deep output: none, tanh or relu"),
      ConfigurationKey("start", "what is read before the first word: zero, or the vector of the start mark"),
      ConfigurationKey("temperature", "factor of the scores of cells", in: .above(0)),
      ConfigurationKey("dropout", "of states and outputs, in training", in: .fraction),
      ConfigurationKey(
        "loss", "mean over captions (sentence) or over all words (word)"),
      ConfigurationKey(
        "ds", "mean of the penalty of cells that were not looked at once in all: paper, official or port"),
      ConfigurationKey(
        "ds_lambda",
        "weight of that penalty; null for 1, and 0 of the official variant with hard attention",
        aliases: ["alpha_c"], in: .from(0, or: "null")),
      ConfigurationKey("lambda_r", "of hard attention: weight of the reward", in: .from(0)),
      ConfigurationKey(
        "lambda_e", "of hard attention: weight of the entropy of the shares", aliases: ["alpha_entropy_c"],
        in: .from(0)),
      ConfigurationKey(
        "hard_reduction", "of hard attention: paper (mean over captions) or official (sum, rewards by step)"),
      ConfigurationKey(
        "reward", "of hard attention: sentence (the caption, less a moving average), or word (the word alone)"
      ),
      ConfigurationKey(
        "sample_share", "of hard attention: share of those that read a drawn cell in training", in: .share),
      ConfigurationKey("sample_by", "of hard attention: image or batch, of which that share is"),
      ConfigurationKey("by_length", "batches of captions of one length"),
      ConfigurationKey(
        "reading", "of cells when captions are written: expected (their mean), argmax or sample"),
      ConfigurationKey(
        "beam", "captions that a search keeps", aliases: ["beam_size", "k"], in: .count(1...1024)),
      ConfigurationKey(
        "longest", "words that are written at most, the mark of the end included", aliases: ["maxlen"],
        in: .count(1...10_000)),
      ConfigurationKey(
        "choose", "of what a search found: finished, best (also unfinished), or normalised (by length)"),
      ConfigurationKey("unknown_words", "whether the mark of unknown words may be written"),
      ConfigurationKey("encoder", "what makes cells of pictures: " + GridKind.choices),
      ConfigurationKey("hidden", "of the encoder conv: channels of its last maps", in: .units),
      ConfigurationKey("pictures", PictureSettings.about, members: PictureSettings.bounds),
      ConfigurationKey("standardize", "bring given features of cells to mean 0 and deviation 1"),
      ConfigurationKey(
        "first_weights", "standard (as PyTorch draws), official (small, as the authors' program), or port"),
    ]

    public func validateRelations() throws {
      try require(
        pictures.crop != true, "pictures.crop", true, "false or null: a caption is of the whole picture")
    }

    /// Weight of the penalty of unequal looks.
    var balanceWeight: Double {
      dsLambda ?? (attention == .hard && hardReduction == .official ? 0 : 1)
    }

    var objective: CaptionObjective {
      CaptionObjective(
        loss: loss, balance: ds, balanceWeight: balanceWeight, rewardWeight: lambdaR,
        entropyWeight: lambdaE, reduction: hardReduction, reward: reward)
    }

    /// - Parameter start: number of the start mark.
    func style(vocabulary: Int, cellWidth: Int, startMark: Int?) -> CaptionDecoder.Style {
      CaptionDecoder.Style(
        vocabulary: vocabulary, cellWidth: cellWidth, wordDim: wordDim, lstmSize: lstmSize,
        attentionDim: attentionDim, initLayers: initLayers, attentionLayers: attentionLayers,
        initActivation: initActivation, attentionActivation: attentionActivation, gate: gate,
        output: output, outputActivation: outputActivation, start: start == .mark ? startMark : nil,
        temperature: temperature, dropout: dropout)
    }
  }
}
