import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("BERT")
struct BERTTests {
  private static var configuration: BERT.Configuration {
    var sizes = BERT.Configuration()
    (sizes.vocabSize, sizes.hiddenSize, sizes.numHiddenLayers, sizes.numAttentionHeads) = (40, 16, 2, 4)
    (sizes.intermediateSize, sizes.maxPositionEmbeddings) = (24, 12)
    return sizes
  }

  private static func recorded() throws -> [String: Tensor] {
    Dictionary(
      uniqueKeysWithValues: try SafeTensors.read(Fixtures.path("text/bert.safetensors")).tensors.map {
        ($0.name, $0.tensor)
      })
  }

  private static func part(_ all: [String: Tensor], _ prefix: String) -> [(name: String, tensor: Tensor)] {
    all.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
      .map { (String($0.key.dropFirst(prefix.count)), $0.value) }
  }

  @Test("states, pooled state and gradients are those of transformers' BertModel", arguments: ["", "typed."])
  func recorded(kind: String) throws {
    let all = try Self.recorded()
    let bert = try BERT(Self.configuration, .float64, using: Generator(seed: 0))
    try bert.load(Self.part(all, "state."), from: "the fixture")
    let input = { (name: String) throws in try #require(all["in." + name]) }
    let output = try bert(
      input("tokens"), mask: input("mask"), types: kind.isEmpty ? nil : input("types"))
    let expected = { (name: String) throws in try #require(all["\(kind)out.\(name)"]) }
    let mask = try input("mask").to(.float64).unsqueezed(at: 2)
    #expect(try (output.states * mask).isClose(to: expected("states") * mask, absolute: 1e-9))
    #expect(try output.pooled.isClose(to: expected("pooled"), absolute: 1e-9))
    let weight = { (name: String) throws in try #require(all["\(kind)weight.\(name)"]).to(.float64) }
    let loss = try (output.states * weight("states")).sum() + (output.pooled * weight("pooled")).sum()
    try loss.backward()
    let slopes = Self.part(all, "\(kind)grad.")
    #expect(slopes.count == 15)
    for (name, slope) in slopes {
      let entry = try #require(bert.parameters.first { $0.name == name })
      let found = try #require(entry.tensor.gradient)
      #expect(try found.isClose(to: slope.to(.float64), relative: 1e-5, absolute: 1e-5), "\(name)")
    }
  }

  @Test("float32 is within 1e-5; padding has no influence; states behind the lengths are zero")
  func lengths() throws {
    let all = try Self.recorded()
    let bert = try BERT(Self.configuration, using: Generator(seed: 0))
    try bert.load(Self.part(all, "state."), from: "the fixture")
    let tokens = try #require(all["in.tokens"])
    let lengths = [7, 4, 2]
    let output = try bert(tokens, lengths: lengths)
    let expected = try #require(all["out.states"]).to(.float32)
    for (text, length) in lengths.enumerated() {
      let found = try output.states[text]
      #expect(try found[0..<length].isClose(to: expected[text][0..<length], absolute: 1e-5))
      if length < 7 { #expect(try found[length..<7].magnitude().max().item() == 0) }
    }
    let alone = try bert(tokens[1..<2].narrowed(to: 0..<4, along: 1), lengths: [4])
    #expect(try alone.states[0].isClose(to: output.states[1][0..<4], absolute: 1e-5))
  }

  @Test("weights of published files load under whatever names they have")
  func published() throws {
    let all = try Self.recorded()
    var old: [(name: String, tensor: Tensor)] = Self.part(all, "state.")
      .filter { !$0.name.hasPrefix("pooler") }
      .map { name, tensor in
        let early = name.replacingOccurrences(of: "LayerNorm.weight", with: "LayerNorm.gamma")
          .replacingOccurrences(of: "LayerNorm.bias", with: "LayerNorm.beta")
        return ("bert." + early, tensor)
      }
    old.append(("bert.embeddings.position_ids", try Tensor([0, 1])))
    old.append(("cls.predictions.bias", try Tensor([0.5])))
    let encoder = try BERTTextEncoder(Self.configuration, to: 6, using: Generator(seed: 0))
    try encoder.loadWeights(old, from: "pytorch_model.safetensors")
    let name = "encoder.layer.1.output.LayerNorm.weight"
    let expected = try #require(all["state." + name])
    let entry = try #require(encoder.stateEntries.first { $0.name == "bert." + name })
    #expect(try entry.tensor.isClose(to: expected, absolute: 0))
    // A start from the run's seed leaves them alone.
    try encoder.reset(using: Generator(seed: 4))
    #expect(try entry.tensor.isClose(to: expected, absolute: 0))
    old.removeAll { $0.name.hasSuffix("layer.0.attention.self.key.weight") }
    #expect(
      message { try encoder.loadWeights(old, from: "w.safetensors") }?
        .contains("missing: encoder.layer.0.attention.self.key.weight") == true)
  }

  @Test(
    "one vector a text under the official names, whatever is pooled",
    arguments: BERTTextEncoder.Pooling.allCases)
  func encoder(pooling: BERTTextEncoder.Pooling) throws {
    let encoder = try BERTTextEncoder(Self.configuration, to: 6, pooling: pooling, using: Generator(seed: 1))
    let names = encoder.state.map(\.name)
    #expect(names.contains("bert.embeddings.word_embeddings.weight"))
    #expect(names.contains("linear.weight"))
    #expect(names.contains("gpool.linear.weight") == (pooling == .gpo))
    let tokens = try Tensor([2, 5, 9, 3, 2, 7, 3, 0]).reshaped(to: [2, 4])
    let both = try encoder.vectors(of: .tokens(tokens, lengths: [4, 3]), .evaluation)
    #expect(both.shape == [2, 6])
    let one = try encoder.vectors(
      of: .tokens(tokens[1..<2].narrowed(to: 0..<3, along: 1), lengths: [3]), .evaluation)
    #expect(try one[0].isClose(to: both[1], absolute: 1e-5))
    try both.sum().backward()
    #expect(encoder.bert.parameters[0].tensor.gradient != nil)
    #expect(throws: ConfigurationError.self) {
      try encoder.vectors(of: .vectors(Tensor.zeros([1, 4])), .evaluation)
    }
  }

  @Test("dropout acts in training alone, and not in a BERT that is not trained along")
  func dropout() throws {
    let tokens = Items.tokens(try Tensor([2, 5, 9, 3]).reshaped(to: [1, 4]), lengths: [4])
    for finetunes in [true, false] {
      let encoder = try BERTTextEncoder(
        Self.configuration, to: 6, finetunes: finetunes, using: Generator(seed: 1))
      let calm = try encoder.vectors(of: tokens, .evaluation)
      let trained = try encoder.vectors(of: tokens, .training(Generator(seed: 5)))
      #expect(try calm.isClose(to: trained, absolute: 1e-6) == !finetunes)
      #expect(
        encoder.parameters.contains { $0.name.hasPrefix("bert.") && $0.tensor.requiresGradient } == finetunes)
      #expect((message { try encoder.checkWeights() } == nil) == finetunes)
    }
  }

  @Test("a config.json of a published BERT gives the sizes; those that do not fit are refused")
  func configurations() throws {
    let json = try JSON(
      json: Data(
        #"{"hidden_size": 128, "num_attention_heads": 2, "hidden_act": "gelu_new", "model_type": "bert"}"#
          .utf8))
    let sizes = try json.decoded(as: BERT.Configuration.self)
    #expect(sizes.hiddenSize == 128 && sizes.hiddenAct == .geluNew && sizes.vocabSize == 30522)
    #expect(try JSON(encoding: sizes)["num_hidden_layers"] == 12)
    var wrong = sizes
    wrong.numAttentionHeads = 3
    #expect(message { try wrong.validate() } == "hidden_size: 128 is not a multiple of the 3 heads")
    let bert = try BERT(Self.configuration, using: Generator(seed: 0))
    #expect(
      message { _ = try bert(Tensor.zeros([1, 13], .int64)) }
        == "texts of 13 pieces are too long for a BERT with 12 places (bert.max_position_embeddings; features.NAME.max_words cuts them)"
    )
    #expect(
      message { _ = try bert(Tensor([40]).reshaped(to: [1, 1]), lengths: [1]) }
        == "text 0, place 0: word number 40, expected 0 to 39")
  }
}
