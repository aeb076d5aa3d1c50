import Foundation
import Torch

extension BERT {
  /// Sizes of a BERT under the names of its `config.json`; where a key is absent, as in bert-base-uncased.
  public struct Configuration: Codable, Sendable, Equatable {
    /// The function between the two maps behind attention.
    public enum Activation: String, Codable, Sendable, CaseIterable {
      /// Gaussian error linear unit, exact form.
      case gelu
      /// The same by tanh.
      case geluNew = "gelu_new"
      case relu
      case tanh

      /// Under the names of Hugging Face's, which has a second one for the form by tanh.
      init?(published name: String) {
        self.init(rawValue: name == "gelu_pytorch_tanh" ? "gelu_new" : name)
      }

      func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        switch self {
        case .gelu: try x.gelu()
        case .geluNew: try x.geluByTanh()
        case .relu: try x.relu()
        case .tanh: try x.tanh()
        }
      }
    }

    /// How many pieces there are.
    public var vocabSize = 30522
    /// Width of the states.
    public var hiddenSize = 768
    public var numHiddenLayers = 12
    public var numAttentionHeads = 12
    /// Width between the two maps behind attention.
    public var intermediateSize = 3072
    public var hiddenAct = Activation.gelu
    /// Places that have a vector: no text may be longer.
    public var maxPositionEmbeddings = 512
    public var typeVocabSize = 2
    /// Added to variances.
    public var layerNormEps = 1e-12
    /// With which states are dropped in training.
    public var hiddenDropoutProb = 0.1
    /// With which attention is dropped in training.
    public var attentionProbsDropoutProb = 0.1
    /// Deviation of first weights.
    public var initializerRange = 0.02
    /// The piece whose vector starts at zero and is not trained.
    public var padTokenId = 0

    public init() {}

    /// Layers that a configuration may ask for.
    static let layers = NumberBounds.count(0...512)

    public init(from decoder: any Decoder) throws {
      self.init()
      let values = try decoder.container(keyedBy: CodingKeys.self)
      func take<Value: Decodable>(_ key: CodingKeys, _ value: inout Value) throws {
        if let given = try values.decodeIfPresent(Value.self, forKey: key) { value = given }
      }
      try take(.vocabSize, &vocabSize)
      try take(.hiddenSize, &hiddenSize)
      try take(.numHiddenLayers, &numHiddenLayers)
      try take(.numAttentionHeads, &numAttentionHeads)
      try take(.intermediateSize, &intermediateSize)
      try take(.hiddenAct, &hiddenAct)
      try take(.maxPositionEmbeddings, &maxPositionEmbeddings)
      try take(.typeVocabSize, &typeVocabSize)
      try take(.layerNormEps, &layerNormEps)
      try take(.hiddenDropoutProb, &hiddenDropoutProb)
      try take(.attentionProbsDropoutProb, &attentionProbsDropoutProb)
      try take(.initializerRange, &initializerRange)
      try take(.padTokenId, &padTokenId)
    }

    /// Checks that the sizes go together.
    ///
    /// - Throws: ``ConfigurationError`` naming the key.
    public func validate() throws {
      func require(_ holds: Bool, _ key: String, _ value: some Any, _ expected: String) throws {
        guard holds else {
          throw ConfigurationError.badValue(key: key, value: "\(value)", expected: expected)
        }
      }
      for (key, value) in [
        ("vocab_size", vocabSize), ("hidden_size", hiddenSize), ("num_attention_heads", numAttentionHeads),
        ("intermediate_size", intermediateSize), ("max_position_embeddings", maxPositionEmbeddings),
        ("type_vocab_size", typeVocabSize),
      ] {
        let expected = NumberBounds.units.expectation(of: Double(value))
        try require(expected == nil, key, value, expected ?? "")
      }
      let expected = Self.layers.expectation(of: Double(numHiddenLayers))
      try require(expected == nil, "num_hidden_layers", numHiddenLayers, expected ?? "")
      try require(
        hiddenSize.isMultiple(of: numAttentionHeads), "hidden_size", hiddenSize,
        "a multiple of the \(numAttentionHeads) heads")
      try require(layerNormEps >= 0, "layer_norm_eps", layerNormEps, "0 or more")
      try require((0...1).contains(hiddenDropoutProb), "hidden_dropout_prob", hiddenDropoutProb, "in 0...1")
      try require(
        (0...1).contains(attentionProbsDropoutProb), "attention_probs_dropout_prob",
        attentionProbsDropoutProb, "in 0...1")
      try require(initializerRange >= 0, "initializer_range", initializerRange, "0 or more")
      try require(
        (0..<vocabSize).contains(padTokenId), "pad_token_id", padTokenId, "a piece of the \(vocabSize)")
    }
  }
}
