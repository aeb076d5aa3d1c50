import Foundation
import Torch

@testable import CrossModal

/// A small sentence encoder with random weights.
enum SentenceToy {
  static let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "red", "blue", "cat", "dog", "##s", "runs"]

  static func architecture(
    _ network: SentenceArchitecture.Network = .bert, pooling: SentenceArchitecture.Pooling = .mean,
    normalizes: Bool = false, words: Int = words.count
  ) -> SentenceArchitecture {
    var sizes = BERT.Configuration()
    (sizes.vocabSize, sizes.hiddenSize, sizes.numHiddenLayers, sizes.numAttentionHeads) = (words, 8, 2, 2)
    (sizes.intermediateSize, sizes.maxPositionEmbeddings) = (16, 24)
    (sizes.hiddenDropoutProb, sizes.attentionProbsDropoutProb) = (0, 0)
    sizes.padTokenId = network == .mpnet ? 1 : 0
    return SentenceArchitecture(network: network, sizes: sizes, pooling: pooling, normalizes: normalizes)
  }

  /// A model whose numbers are not those of every other one.
  static func model(_ architecture: SentenceArchitecture, seed: UInt64 = 1) throws -> SentenceModel {
    let model = try SentenceModel(architecture)
    let generator = try Generator(seed: seed)
    for entry in model.stateEntries where entry.tensor.rank > 1 {
      entry.tensor = try Tensor.normal(entry.tensor.shape, using: generator) * 0.5
    }
    return model
  }

  /// A folder as sentence-transformers writes it.
  static func write(to folder: TemporaryFolder, seed: UInt64 = 1) throws {
    let model = try model(architecture(), seed: seed)
    try SafeTensors.write(
      model.state.map { ("bert." + $0.name, $0.tensor) }, to: folder.file("model.safetensors").path)
    try folder.write(words.joined(separator: "\n") + "\n", to: "vocab.txt")
    try folder.write(
      #"{"model_type": "bert", "num_attention_heads": 2, "hidden_size": 8}"#, to: "config.json")
    try folder.write(
      #"[{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"}, {"type": "x.Normalize", "path": "2_Normalize"}]"#,
      to: "modules.json")
    try folder.write(
      #"{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false}"#, to: "1_Pooling/config.json")
    try folder.write(#"{"max_seq_length": 6}"#, to: "sentence_bert_config.json")
  }
}
