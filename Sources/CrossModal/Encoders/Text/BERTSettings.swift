/// A BERT and where its weights come from: the settings under `bert`. Sizes have the names of a published
/// `config.json`; the vocabulary is that of the featurizer `wordpiece`.
public struct BERTSettings: Sendable, Codable, Equatable {
  /// Safetensors file with BERT's weights; nil for random ones, which must be trained along.
  public var weights: String?
  /// Train BERT along.
  public var finetune = true
  public var hiddenSize = 768
  public var numHiddenLayers = 12
  public var numAttentionHeads = 12
  public var intermediateSize = 3072
  public var hiddenAct = BERT.Configuration.Activation.gelu
  public var maxPositionEmbeddings = 512
  /// With which states and attention are dropped in training.
  public var dropout = 0.1

  public init() {}

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case weights, finetune, hiddenSize, numHiddenLayers, numAttentionHeads, intermediateSize, hiddenAct
    case maxPositionEmbeddings, dropout
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let members = try decoder.settings(CodingKeys.self, under: "bert")
    weights = try members.decodeIfPresent(String.self, forKey: .weights)
    finetune = try members.value(.finetune, or: finetune)
    hiddenSize = try members.value(.hiddenSize, or: hiddenSize)
    numHiddenLayers = try members.value(.numHiddenLayers, or: numHiddenLayers)
    numAttentionHeads = try members.value(.numAttentionHeads, or: numAttentionHeads)
    intermediateSize = try members.value(.intermediateSize, or: intermediateSize)
    hiddenAct = try members.value(.hiddenAct, or: hiddenAct)
    maxPositionEmbeddings = try members.value(.maxPositionEmbeddings, or: maxPositionEmbeddings)
    dropout = try members.value(.dropout, or: dropout)
  }

  /// What its numbers may be.
  static let bounds: KeyValuePairs<String, NumberBounds> = [
    "hidden_size": .units, "num_hidden_layers": BERT.Configuration.layers, "num_attention_heads": .units,
    "intermediate_size": .units, "max_position_embeddings": .units, "dropout": .share,
  ]

  /// What the key says of itself.
  static let about =
    "the BERT of encoder bert, over features.NAME=wordpiece: weights (safetensors file with Hugging Face's names), "
    + "finetune (train it along), hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, hidden_act "
    + "(gelu, gelu_new, relu or tanh), max_position_embeddings, dropout"

  /// The sizes of a BERT over so many pieces.
  func configuration(vocabulary: Int) -> BERT.Configuration {
    var sizes = BERT.Configuration()
    sizes.vocabSize = vocabulary
    sizes.hiddenSize = hiddenSize
    sizes.numHiddenLayers = numHiddenLayers
    sizes.numAttentionHeads = numAttentionHeads
    sizes.intermediateSize = intermediateSize
    sizes.hiddenAct = hiddenAct
    sizes.maxPositionEmbeddings = maxPositionEmbeddings
    sizes.hiddenDropoutProb = dropout
    sizes.attentionProbsDropoutProb = dropout
    return sizes
  }

  /// - Throws: ``ConfigurationError`` naming the key.
  func validate() throws {
    do { try configuration(vocabulary: 1).validate() } catch let error as ConfigurationError {
      throw error.under("bert")
    }
  }
}
