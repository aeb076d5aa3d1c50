import Foundation
import Testing
import Torch

@testable import CrossModal

/// Every method of two branches over networks of every kind.
@Suite("Networks of methods of two branches")
struct BranchNetworksTests {
  static let smallBERT: JSON = [
    "hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8,
    "max_position_embeddings": 16,
  ]

  static let methods: [MetricCase] = [
    MetricCase(CLIP.self), MetricCase(SigLIP.self), MetricCase(Contrastive.self), MetricCase(NPair.self),
    MetricCase(TripletCenter.self), MetricCase(VSEPlusPlus.self, ["embed_size": 32]),
  ]

  /// Pictures and sets that tell four classes, and texts that do.
  private static func data(_ kind: ModalityKind) throws -> MemorySet {
    let pictures = try MetricItemsTests.data()
    let texts = try MetricItemsTests.texts()
    switch kind {
    case .images: return MemorySet([pictures.items[0], texts.items[1]], labels: pictures.labels)
    case .set: return MemorySet([pictures.items[1], texts.items[1]], labels: pictures.labels)
    case .tokens: return texts
    default: return MemorySet([texts.items[1], texts.items[0]], labels: texts.labels)
    }
  }

  private static let common: JSON = [
    "hidden": 9, "bert": smallBERT, "text": ["word_dim": 7], "pictures": ["size": 32, "finetune": true],
  ]

  private static let networks: [(ModalityKind, [String])] = [
    (.vector, ["auto", "linear", "mlp", "precomp", "regions(max)"]),
    (.set, ["auto", "mlp", "regions(mean)", "regions(k_max)", "regions(gpo)"]),
    (.images, ["auto", "mlp", "cnn(resnet18)"]),
    (.tokens, ["auto", "gru", "bigru(max)", "bert", "bert(cls)", "bert(pooler)", "bert(mean)"]),
  ]

  @Test(
    "every method learns through every network that fits the items, on pictures, sets, vectors and texts",
    arguments: methods)
  func trains(method: MetricCase) throws {
    for (kind, names) in Self.networks {
      let data = try Self.data(kind)
      for name in names {
        var settings = Self.common
        settings["encoder"] = [.string(name), "auto"]
        var (own, training) = try method.method(data, settings)
        training.epochs = 1
        let before = try own.parameters.map { try $0.tensor.bytes() }
        try Trainer(own, training: training, data: data).run()
        let vectors = try own.encode(data.items[0], side: 0).values
        #expect(vectors.shape == [24, 32], "\(name)")
        #expect(try vectors.isFinite().all(), "\(name)")
        let moved = zip(own.parameters, before).count { (try? $0.tensor.bytes() != $1) ?? false }
        // Of BERT only what the pooling reads learns.
        #expect(moved > own.parameters.count / 2, "\(name)")
      }
    }
  }

  @Test("a text's vector by BERT depends on its own words alone, in every method", arguments: methods)
  func padding(method: MetricCase) throws {
    let data = try MetricItemsTests.texts()
    for pooling in ["cls", "mean", "gpo"] {
      var settings = Self.common
      settings["encoder"] = [.string("bert(\(pooling))"), "auto"]
      let own = try method.method(data, settings).0
      let all = try own.encode(data.items[0], side: 0).values
      guard case .tokens(let words, let lengths) = data.items[0] else { return }
      let noise = try Tensor.full([24, 3], 999).to(.int64)
      let wider = Items.tokens(try Tensor.concatenated([words, noise], along: 1), lengths: lengths)
      #expect(try own.encode(wider, side: 0).values.isClose(to: all, absolute: 1e-5))
      let some = try own.encode(data.items[0].rows(at: [6, 2, 0]), side: 0).values
      #expect(try some.isClose(to: all.rows(at: [6, 2, 0]), absolute: 1e-5))
    }
  }

  @Test("one sentence in every method for a network that does not fit the items", arguments: methods)
  func misfits(method: MetricCase) throws {
    for (kind, wrong, right) in [
      (ModalityKind.tokens, "mlp", "gru, bigru(last|mean|max|gpo), bert(cls|pooler|mean|max|gpo)"),
      (.vector, "bert(gpo)", "linear, mlp, precomp"),
      (.set, "vgg19", "linear, mlp, regions(mean|max|k_max|gpo)"),
      (.images, "gru", "conv, drlim-conv, resnet18"),
    ] {
      let data = try Self.data(kind)
      let told = message { _ = try method.method(data, ["encoder": [.string(wrong), "auto"]]) }
      #expect(
        told?.contains(": \(wrong) is not one for x, which is of kind \(kind.rawValue): use ") == true,
        "\(told ?? "")")
      #expect(told?.contains(right) == true)
    }
    let data = try Self.data(.vector)
    for bad in ["lstm", "bert(last)", "regions(before)", "cnn(alexnet)", "gru(mean)"] {
      let told = message { _ = try method.method(data, ["encoder": .string(bad)]) }
      #expect(
        told?.hasPrefix("encoder: \"\(bad)\" is not a network: auto, of vectors") == true, "\(told ?? "")")
    }
  }

  @Test("the network of structure-preserving is its paper's, and it says so")
  func structurePreserving() {
    #expect(
      message { _ = try StructurePreserving.Configuration(overrides: ["encoder": ["auto", "bert"]]) }
        == "encoder: bert(gpo) is not auto: structure-preserving has its paper's two layers over vectors that are "
        + "computed once (features.NAME), or over words (language_model)")
    #expect(throws: Never.self) { try StructurePreserving.Configuration(overrides: ["encoder": "auto"]) }
  }

  @Test("what comes from a file learns at a tenth of the rate unless told otherwise", arguments: methods)
  func rates(method: MetricCase) throws {
    let data = MemorySet(
      [try MetricItemsTests.data().items[0], try MetricItemsTests.texts().items[0]],
      labels: try MetricItemsTests.texts().labels)
    func factors(_ more: JSON) throws -> [String: Double] {
      var settings: JSON = ["encoder": ["resnet18", "bert"]]
      for member in more.members ?? [] { settings[member.key] = member.value }
      let own = try method.method(data, settings).0
      var found: [String: Double] = [:]
      let groups = try own.parameterGroups(TrainingConfiguration())
      #expect(
        groups.reduce(0) { $0 + $1.parameters.count } == Set(groups.flatMap(\.parameters).map(\.name)).count)
      for group in groups {
        for part in ["cnn", "bert"]
        where group.parameters.contains(where: { $0.name.contains(".\(part).") }) {
          #expect(group.parameters.allSatisfy { $0.name.contains(".\(part).") })
          found[part] = group.rateFactor
        }
      }
      return found
    }
    let (pictures, bert): (JSON, JSON) = (["finetune": true], Self.smallBERT)
    #expect(try factors(["pictures": pictures, "bert": bert]) == ["cnn": 1, "bert": 1])
    let (given, trained): (JSON, JSON) = (
      ["finetune": true, "weights": "resnet.safetensors"],
      .object((bert.members ?? []) + [JSON.Member("weights", "bert.safetensors")])
    )
    #expect(try factors(["pictures": given, "bert": trained]) == ["cnn": 0.1, "bert": 0.1])
    #expect(
      try factors(["pictures": given, "bert": trained, "multipliers": ["cnn": 0.5, "bert": 0]])
        == ["cnn": 0.5, "bert": 0])
    #expect(
      message { _ = try factors(["multipliers": ["cnn": -1]]) } == "multipliers.cnn: -1 is not 0 or more")
  }

  @Test("published names of BERT load in every method, stay when frozen, and another vocabulary is told")
  func pretrained() throws {
    let folder = try TemporaryFolder()
    let data = try MetricItemsTests.texts()
    var sizes = BERT.Configuration()
    sizes.vocabSize = try #require(data.description.modalities[0].vocabulary)
    (sizes.hiddenSize, sizes.numHiddenLayers, sizes.numAttentionHeads) = (12, 1, 2)
    (sizes.intermediateSize, sizes.maxPositionEmbeddings) = (8, 16)
    let published = try BERT(sizes, using: Generator(seed: 77))
    let file = folder.path + "/bert.safetensors"
    try SafeTensors.write(
      published.state.map { ("bert." + $0.name, $0.tensor) } + [("cls.predictions.bias", Tensor([0.0]))],
      to: file)
    var bert = Self.smallBERT
    bert["weights"] = .string(file)
    bert["finetune"] = false
    for method in Self.methods {
      let (own, training) = try method.method(data, ["encoder": ["bert", "auto"], "bert": bert])
      try own.begin(with: AssetContents(of: own.assets))
      try Trainer(own, training: training, data: data).run()
      let entries = own.stateEntries.filter { $0.name.contains(".bert.") }
      #expect(entries.count == published.state.count)
      for entry in entries {
        let name = entry.name.components(separatedBy: ".bert.")[1]
        let given = try #require(published.state.first { $0.name == name })
        #expect(try entry.tensor.bytes() == given.tensor.bytes(), "\(name)")
      }
    }
    bert["weights"] = .null
    // All weights of one file are those of BERT too.
    let whole = try VSEPlusPlus(
      .init(overrides: ["encoder": ["bert", "auto"], "bert": bert, "start_from": .string(file)]),
      for: data.description)
    #expect(message { try whole.begin(with: AssetContents(of: whole.assets)) }?.hasPrefix(file) == true)
    let frozen = try CLIP(
      .init(overrides: ["encoder": ["bert", "auto"], "bert": bert]), for: data.description)
    #expect(
      message { try frozen.begin(with: AssetContents(of: frozen.assets)) }?.hasPrefix(
        "bert.weights: nothing is not")
        == true)
    bert["weights"] = .string(file)
    var other = data.description
    other.modalities[0].vocabulary = 31
    let misfit = try CLIP(.init(overrides: ["encoder": ["bert", "auto"], "bert": bert]), for: other)
    let told = try #require(message { try misfit.begin(with: AssetContents(of: misfit.assets)) })
    #expect(told.hasSuffix("set features.NAME to {name: wordpiece, vocabulary: its vocab.txt}"))
  }

  @Test("names of one thing are one thing: those of the papers, and those that every method has")
  func names() throws {
    func vsepp(_ tree: JSON) throws -> VSEPlusPlus.Configuration { try .init(overrides: tree) }
    let paper = try vsepp([
      "img_encoder": "cnn(resnet50)", "text_encoder": "bert(mean)", "word_dim": 50, "num_layers": 2,
      "finetune": true, "cnn_mode": "eval",
    ])
    let common = try vsepp([
      "encoder": ["resnet50", "bert(mean)"], "text": ["word_dim": 50, "layers": 2],
      "pictures": ["finetune": true, "mode": "eval"],
    ])
    #expect(paper == common)
    let tree = try paper.tree()
    #expect(tree["image_encoder"] == "resnet50" && tree["word_dim"] == 50 && tree["cnn_mode"] == "eval")
    #expect(try vsepp(tree) == paper)
    // Read back, a single value stays one.
    #expect(try vsepp(vsepp([:]).tree()).tree()["encoder"] == "auto")
    // One side alone leaves the other as it was.
    #expect(try vsepp(["text_encoder": "bert"]).encoder == PerView([.auto, .bert(.gpo)]))
    #expect(try vsepp(["image_encoder": "mlp"]).encoder == PerView([.mlp, .auto]))
    #expect(
      try vsepp(["preset": "vse-infinity", "text_encoder": "bert"]).encoder
        == PerView([.regions(.gpo), .bert(.gpo)]))
    #expect(try vsepp(["finetune": .null, "pictures": ["finetune": true]]).pictures.finetune)
    #expect(
      message { _ = try vsepp(["word_dim": 50, "text": ["word_dim": 60]]) }
        == "'text.word_dim' and 'word_dim' are two names of one key; give one")
    #expect(message { _ = try vsepp(["word_dim": "wide"]) } == "word_dim: \"wide\" is not a whole number")
    #expect(
      message { _ = try vsepp(["word_dim": 3, "text": "wide"]) }?.hasPrefix("text: \"wide\" is not") == true)
  }

  @Test("features are divided by their norms, and sets thinned in training alone, before any network")
  func input() throws {
    let data = try Self.data(.set)
    let settings: JSON = ["normalize_features": true, "standardize": false, "encoder": ["linear", "linear"]]
    let method = try CLIP(.init(overrides: settings), for: data.description)
    guard case .vectors(let rows) = data.items[1], case .sets(let sets, let lengths) = data.items[0]
    else { return }
    let (x, y) = (
      try method.vectors(data.items[0], side: 0), try method.vectors(data.items[1], side: 1)
    )
    #expect(try method.vectors(.vectors(rows * 3), side: 1).isClose(to: y, absolute: 1e-5))
    #expect(try method.vectors(.sets(sets * 3, lengths: lengths), side: 0).isClose(to: x, absolute: 1e-5))
    let thinning = try CLIP(
      .init(overrides: ["size_augmentation": true, "encoder": "mlp"]), for: data.description)
    let first = try thinning.vectors(data.items[0], side: 0)
    #expect(
      try thinning.vectors(data.items[0], side: 0, .training(Generator(seed: 1))).bytes() != first.bytes())
    #expect(try thinning.vectors(data.items[0], side: 0).bytes() == first.bytes())
  }
}
