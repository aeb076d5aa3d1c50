import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Names of published models")
struct PublishedNamingTests {
  private typealias Named = [(name: String, tensor: Tensor)]

  private func rebuilt(
    _ tensors: [(name: String, tensor: Tensor)], configuration: JSON? = nil, modelType: String? = nil,
    _ overrides: PublishedArchitecture.Overrides = .quick
  ) throws -> PublishedModel {
    let known = try PublishedTensors(tensors, modelType: modelType, source: "weights")
    let stated = configuration.map { PublishedConfiguration($0, source: "config.json") }
    let model = try PublishedModel(PublishedArchitecture(of: known, stated, overrides))
    try model.load(known)
    return model
  }

  private func features(_ model: PublishedModel) throws -> [Tensor] {
    [
      try #require(try model.pictures?(PublishedToys.pictures(2))),
      try #require(try model.texts?(PublishedToys.tokens([1, 5]))),
    ]
  }

  @Test("the same weights under the names of every program give the same features")
  func schemes() throws {
    let model = try PublishedToys.clip()
    let theirs = try HuggingFaceNames.huggingface(of: model.state)
    let leftovers: [(name: String, tensor: Tensor)] = [
      ("attn_mask", try Tensor.zeros([10, 10])), ("context_length", try Tensor(10)),
    ]
    let wrapped = (model.state + leftovers).map { (name: "module._orig_mod." + $0.name, tensor: $0.tensor) }
    let custom = model.state.map { entry in
      let isText = !entry.name.hasPrefix("visual.") && !entry.name.hasPrefix("logit")
      return (name: (isText ? "text." : "") + entry.name, tensor: entry.tensor)
    }
    let expected = try features(model)
    for (names, scheme) in [
      (model.state, PublishedScheme.openai), (theirs, .huggingface), (wrapped, .openai), (custom, .openai),
    ] {
      let found = try rebuilt(names)
      #expect(found.architecture.scheme == scheme)
      for (x, y) in zip(try features(found), expected) { #expect(try PublishedToys.isClose(x, y)) }
    }
  }

  @Test("names to and fro are the identity")
  func identity() throws {
    for model in [try PublishedToys.clip(), try PublishedToys.clip(seed: 3)] {
      let there = try HuggingFaceNames.huggingface(of: model.state)
      #expect(there.map(\.name).allSatisfy { HuggingFaceNames.openai(of: $0) != nil })
      let back = try HuggingFaceNames.openai(of: there)
      #expect(back.unexpected.isEmpty && back.missing.isEmpty)
      let own = Dictionary(uniqueKeysWithValues: model.state.map { ($0.name, $0.tensor) })
      #expect(Set(back.tensors.map(\.name)) == Set(own.keys))
      for (name, tensor) in back.tensors {
        #expect(try PublishedToys.isClose(tensor, #require(own[name]), to: 0))
      }
    }
  }

  @Test("half precision becomes single on loading, and a scale that is a row of one is one")
  func precision() throws {
    let model = try PublishedToys.clip()
    var halves = try model.state.map { (name: $0.name, tensor: try $0.tensor.detached().to(.float16)) }
    let scale = try #require(halves.firstIndex { $0.name == "logit_scale" })
    halves[scale].tensor = try halves[scale].tensor.reshaped(1)
    let found = try rebuilt(halves)
    #expect(found.stateEntries.allSatisfy { $0.tensor.dtype == .float32 })
    #expect(try found.logScale.shape == [])
    for (x, y) in zip(try features(found), try features(model)) {
      #expect(try PublishedToys.isClose(x, y, to: 0.05))
    }
  }

  @Test("one tower by itself is known by the type that its configuration names")
  func bareTowers() throws {
    let theirs = try HuggingFaceNames.huggingface(of: PublishedToys.clip().state)
    let bare = theirs.filter { $0.name.hasPrefix("text_model.") }
      .map { (name: String($0.name.dropFirst("text_model.".count)), tensor: $0.tensor) }
    let found = try rebuilt(bare, modelType: "clip_text_model")
    #expect(found.pictures == nil)
    #expect(found.texts?.size == 32)
    #expect(throws: PublishedModelError.self) { try rebuilt(bare) }
  }

  @Test("a linear projection of texts with a bias is taken as it is")
  func linearProjection() throws {
    let model = try PublishedToys.clip(projection: .affine)
    let found = try rebuilt(model.state)
    for (x, y) in zip(try features(found), try features(model)) { #expect(try PublishedToys.isClose(x, y)) }
  }

  @Test("sizes come from shapes, heads from rules or settings, never from a guess")
  func heads() throws {
    let model = try PublishedToys.clip()
    let quiet = PublishedArchitecture.Overrides()
    #expect(throws: PublishedModelError.self) { try rebuilt(model.state, quiet) }
    do { _ = try rebuilt(model.state, quiet) } catch {
      #expect(error.localizedDescription.contains("set published.heads"))
    }
    var wrong = PublishedArchitecture.Overrides.quick
    wrong.visionHeads = 5
    #expect(throws: PublishedModelError.self) { try rebuilt(model.state, wrong) }
    for (width, heads) in [
      (768, 12), (1024, 16), (1280, 16), (1408, 16), (1664, 16), (1792, 16), (1152, nil), (100, nil),
    ] {
      #expect(PublishedArchitecture.visionHeads(ofWidth: width) == heads)
    }
  }

  @Test("a file's configuration is heard, and said to disagree where it does")
  func configuration() throws {
    let model = try PublishedToys.clip()
    let said: JSON = [
      "model_type": "clip",
      "vision_config": ["num_attention_heads": 4, "hidden_act": "quick_gelu", "hidden_size": 32],
      "text_config": ["num_attention_heads": 4, "hidden_act": "quick_gelu", "eos_token_id": 2],
    ]
    let found = try rebuilt(model.state, configuration: said, PublishedArchitecture.Overrides())
    for (x, y) in zip(try features(found), try features(model)) { #expect(try PublishedToys.isClose(x, y)) }
    var wrong = said
    wrong["vision_config"]?["hidden_size"] = 48
    do {
      _ = try rebuilt(model.state, configuration: wrong)
      Issue.record("another width was taken")
    } catch {
      #expect(error.localizedDescription.contains("32 by the shapes and 48 by vision_config.hidden_size"))
    }
    let open: JSON = [
      "model_cfg": [
        "embed_dim": 16, "vision_cfg": ["layers": 2, "width": 32, "head_width": 8, "patch_size": 8],
        "text_cfg": ["heads": 4, "layers": 2, "no_causal_mask": true, "pool_type": "last"],
      ]
    ]
    let other = try rebuilt(model.state, configuration: open, PublishedArchitecture.Overrides())
    #expect(other.architecture.vision?.vit?.blocks.heads == 4)
    #expect(other.architecture.vision?.vit?.blocks.activation == .gelu)
    #expect(other.architecture.text?.text?.causal == false)
    #expect(other.architecture.text?.text?.pool == .last)
  }

  @Test("everything that does not fit is listed at once, in the names of the file")
  func misfits() throws {
    var names = try HuggingFaceNames.huggingface(of: PublishedToys.clip().state)
    names.removeAll {
      $0.name.hasSuffix("layers.1.self_attn.k_proj.weight") || $0.name == "text_model.final_layer_norm.bias"
    }
    names.append(("vision_model.strange", try Tensor.zeros([1])))
    do {
      _ = try rebuilt(names)
      Issue.record("a file with a hole was taken")
    } catch {
      let said = error.localizedDescription
      for part in [
        "vision_model.encoder.layers.1.self_attn.k_proj.weight", "text_model.final_layer_norm.bias",
        "vision_model.strange",
      ] {
        #expect(said.contains(part), "\(said)")
      }
    }
    var shapes = try PublishedToys.clip().state
    let place = try #require(shapes.firstIndex { $0.name == "visual.proj" })
    shapes[place].tensor = try Tensor.zeros([31, 16])
    do {
      _ = try rebuilt(shapes)
      Issue.record("a wrong shape was taken")
    } catch {
      #expect(error.localizedDescription.contains("visual.proj has shape [31, 16], expected [32, 16]"))
      #expect(error.localizedDescription.contains("vision.width 32 from visual.class_embedding"))
    }
  }

  @Test(
    "models that are not read are refused by what they are",
    arguments: [
      ("visual.trunk.cls_token", "timm"), ("text.cls_emb", "CoCa"), ("visual.attn_pool.query", "CoCa"),
      ("text.transformer.embeddings.word_embeddings.weight", "BERT"),
      ("visual.transformer.resblocks.0.ls_1.gamma", "LayerScale"),
      ("vision_model.embeddings.patch_embedding.weight", "NaFlex"), ("layer1.0.conv1.weight", "of no model"),
    ])
  func refused(name: String, word: String) throws {
    do {
      _ = try PublishedTensors([(name, Tensor.zeros([4, 4]))], source: "weights")
      Issue.record("\(name) was taken")
    } catch { #expect(error.localizedDescription.contains(word)) }
  }
}

extension PublishedArchitecture.Overrides {
  /// What the toys' weights do not say.
  static var quick: Self {
    var overrides = Self()
    (overrides.visionHeads, overrides.textHeads) = (4, 4)
    (overrides.visionActivation, overrides.textActivation) = (.quickGELU, .quickGELU)
    return overrides
  }
}
