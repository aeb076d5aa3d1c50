import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("SelfAlign")
struct SelfAlignTests {
  static func method(
    _ change: (inout SelfAlign.Configuration) -> Void = { _ in }
  ) throws -> SelfAlign {
    var configuration = SelfAlign.Configuration()
    configuration.embedSize = 16
    configuration.wordDim = 10
    configuration.hidden = 8
    configuration.captionWordDim = 6
    configuration.dropout = 0
    configuration.alignment.prototypes = 12
    change(&configuration)
    let method = try SelfAlign(configuration, for: SCANTests.data())
    try method.prepare(on: OneBatch(batch: SelfAlignToy.batch()), Preparation(seed: 3))
    return method
  }

  /// Moves running statistics away from where they begin.
  private static func walked(_ method: SelfAlign) throws -> SelfAlign {
    for seed in 0..<3 {
      _ = try method.loss(SelfAlignToy.batch(seed: UInt64(seed)), Step(seed: UInt64(seed)))
    }
    return method
  }

  @Test("parameters have the official names, and those that nothing needs are not there")
  func names() throws {
    let names = Set(try Self.method().state.map(\.name))
    for name in [
      "img_enc.fc.weight", "img_enc.img_rnn.weight_hh_l0", "img_enc.Rs_GCN_1.g.weight",
      "img_enc.Rs_GCN_4.W.0.bias", "img_enc.Rs_GCN_4.W.1.running_var", "img_enc.ctx_fc.weight",
      "img_enc.ctx_fc_bn1.weight", "img_enc.fusion_fn.2.bias", "img_enc.bn.weight", "txt_enc.embed.weight",
      "txt_enc.local_fc.weight", "txt_enc.rnn.bias_ih_l0", "txt_enc.ctx_fc_bn2.running_mean",
      "region_loss.v_prototypes.weight", "caption_model.encoder.vid2hid.weight",
      "caption_model.decoder.attention.linear2.weight", "caption_model.decoder.out.bias",
    ] {
      #expect(names.contains(name), "\(name)")
    }
    #expect(names.count == 119)
    let coco = try Self.method { $0.form = .coco }
    #expect(!coco.state.contains { $0.name.hasPrefix("img_enc.bn.") })
    let base = try Self.method {
      $0.terms = TermList([.rank])
      $0.alignment.contextEmbedding = false
      $0.wordMap = false
    }
    let parts = ["ctx_fc", "fusion_fn", "region_loss", "caption_model", "local_fc"]
    #expect(!base.state.contains { entry in parts.contains { entry.name.contains($0) } })
    #expect(
      SelfAlign.ownNames(ofOfficial: ["0.ctx_fc.weight", "1.embed.weight", "2.v_prototypes.weight"]) == [
        "img_enc.ctx_fc.weight", "txt_enc.embed.weight", "region_loss.v_prototypes.weight",
      ])
  }

  @Test("vectors are three times as wide with contexts behind them, and the score is an inner product")
  func vectors() throws {
    let batch = try SelfAlignToy.batch()
    let method = try Self.walked(Self.method())
    let (x, y) = (try method.encode(batch.items[0], side: 0), try method.encode(batch.items[1], side: 1))
    #expect(x.values.shape == [6, 48] && y.values.shape == [6, 48])
    let (mixed, mean) = (try x.values.norm(along: 1), try y.values[0])
    #expect(try mixed.max().item() < 1.5.squareRoot() + 1e-5 && mean.shape == [48])
    let scores = try method.similarity(x, y)
    #expect(try scores.isClose(to: x.values.matmul(y.values.transposed()), absolute: 1e-6))
    let narrow = try Self.method { $0.alignment.contextEmbedding = false }
    let vectors = try narrow.encode(batch.items[0], side: 0).values
    #expect(vectors.shape == [6, 16])
    #expect(try vectors.norm(along: 1).isClose(to: Tensor.ones([6]), absolute: 1e-5))
  }

  @Test(
    "the graph of regions begins as the identity, and the order of regions matters to the unit that reads them alone"
  )
  func order() throws {
    let method = try Self.method()
    let (values, lengths) = (try Tensor.normal([2, 5, 12], using: Generator(seed: 4)), [5, 5])
    let regions = PaddedRows(values, lengths: lengths)
    let turned = PaddedRows(try values.rows(at: [4, 2, 0, 1, 3], along: 1), lengths: lengths)
    let (one, other) = (
      try method.images(regions, .evaluation), try method.images(turned, .evaluation)
    )
    let mapped = try regions.with(packed: method.images.fc(regions.packed()))
    #expect(
      try one.reasoned.values.isClose(to: mapped.values.normalized(along: 1), absolute: 1e-5))
    #expect(try !one.items.whole.isClose(to: other.items.whole, absolute: 1e-4))
    let (a, b) = (try #require(one.items.context), try #require(other.items.context))
    #expect(try a.fused.isClose(to: b.fused, absolute: 1e-5))
    #expect(try a.parts.means().isClose(to: b.parts.means(), absolute: 1e-5))
  }

  @Test("by default a text's vector does not depend on its company; as released it does")
  func padding() throws {
    let captions = try SCANTests.captions([3, 7, 1, 5])
    for (padding, isSame) in [(SelfAlign.Padding.masked, true), (.official, false)] {
      let method = try Self.walked(Self.method { $0.padding = padding })
      let all = try method.encode(captions, side: 1).values
      let alone = try method.encode(captions.rows(at: [0]), side: 1).values
      #expect(try alone.isClose(to: all[0..<1], absolute: 1e-5) == isSame)
    }
  }

  @Test("each term is a part of the loss, and they add up with their weights")
  func terms() throws {
    let method = try Self.method {
      $0.captionWeight = 0.5
      $0.alignment.conceptWeight = 2
      $0.alignment.contextWeight = 3
    }
    let loss = try method.loss(SelfAlignToy.batch(), Step())
    let weights = ["rank": 1, "caption": 0.5, "concept": 2, "context_v2t": 1.5, "context_t2v": 1.5]
    #expect(Set(loss.parts.map(\.name)) == Set(weights.keys))
    let sum = try loss.parts.reduce(0) { try $0 + $1.value.item(as: Double.self) * (weights[$1.name] ?? 0) }
    #expect(abs(try loss.total.item() - sum) < 1e-3)
    let rank = try Self.method { $0.terms = TermList([.rank]) }.loss(SelfAlignToy.batch(), Step())
    #expect(rank.parts.map(\.name) == ["rank"])
  }

  @Test("prototypes come to norm 1 in training and stay as they are when a loss is only measured")
  func prototypes() throws {
    let method = try Self.method()
    let weight = { try #require(method.state.first { $0.name == "region_loss.v_prototypes.weight" }).tensor }
    let first = try weight().copied()
    _ = try method.loss(SelfAlignToy.batch(), Step(isTraining: false))
    #expect(try weight().bytes() == first.bytes())
    _ = try method.loss(SelfAlignToy.batch(), Step())
    #expect(try weight().norm(along: 1).isClose(to: Tensor.ones([12]), absolute: 1e-6))
  }

  @Test("the captioner's loss is that of words asked one by one")
  func captioner() throws {
    let method = try Self.method()
    let captioner = try #require(method.captioner)
    let batch = try SelfAlignToy.batch()
    let reasoned = try #require(try method.tower(batch.items[0], side: 0, .evaluation).reasoned)
    let tokens = [[1, 7, 9, 2], [1, 2], [1, 4, 5, 6, 8, 2], [1, 3, 2], [1, 9, 2], [1, 8, 7, 2]]
    let all = try captioner.losses(reasoned, .init(tokens, longest: 60), .evaluation)
    for (row, caption) in tokens.enumerated() {
      let own = PaddedRows(try reasoned.values[row..<row + 1], lengths: [reasoned.lengths[row]])
      let alone = try captioner.losses(own, .init([caption], longest: 60), .evaluation)
      #expect(try alone.isClose(to: all[row..<row + 1], absolute: 1e-4))
    }
    // A long caption keeps its end; a short one is asked for what follows it, once.
    let cut = RegionCaptioner.Captions([[1, 5, 6, 7, 8, 2], [1, 2]], longest: 4)
    #expect(cut.labels == [[1, 5, 6, 2], [1, 2, 0, 0]])
    #expect(cut.weights == [[1, 1, 1, 1], [1, 1, 1, 0]])
  }

  @Test("what cannot be learned from is told with its key")
  func errors() throws {
    func message(_ settings: JSON) -> String {
      do {
        _ = try SelfAlign.Configuration(overrides: settings)
        return ""
      } catch { return error.localizedDescription }
    }
    #expect(message(["terms": "concept"]).hasPrefix("terms: concept is not rank or context among them"))
    #expect(message(["terms": "none"]).hasPrefix("terms: none is not"))
    #expect(message(["terms": "rank,colour"]).contains("rank, concept, context, caption"))
    #expect(message(["word_map": false]).hasPrefix("word_map: false is not true"))
    #expect(message(["prototypes": 1]) == "prototypes: 1 is not 2 or more")
    #expect(message(["data_name": "f30k_precomp", "v5_tao": 0.5, "neg_num_t2v": .null]) == "")
    #expect(try SelfAlign.Configuration(overrides: ["data_name": "coco_precomp"]).form == .coco)
    let method = try Self.method()
    #expect(throws: ConfigurationError.self) {
      try method.sampler(
        for: OneBatch(batch: SelfAlignToy.batch()), TrainingConfiguration(overrides: ["batch_size": 1]))
    }
  }

  @Test("weights of a run begin another, without the captioner too, and weights that do not fit are named")
  func startFrom() throws {
    let source = try Self.walked(Self.method())
    let other = try Self.method { $0.terms = TermList([.rank, .concept, .context]) }
    try other.loadWeights(source.state, from: "run")
    let batch = try SelfAlignToy.batch()
    #expect(
      try other.encode(batch.items[1], side: 1).values.bytes()
        == source.encode(batch.items[1], side: 1).values.bytes())
    let toy = OneBatch(batch: batch)
    // What a run learned of writing captions stays, and a captioner that a file lacks is drawn.
    for (given, isSame) in [(source.state, true), (other.state, false)] {
      let begun = try Self.method { $0.startFrom = "run" }
      try begun.begin(with: AssetContents(weights: ["start_from": given]))
      try begun.prepare(on: toy, Preparation(seed: 9))
      let name = "caption_model.encoder.vid2hid.weight"
      let weights = try [begun, source].map { method in
        try #require(method.state.first { $0.name == name }).tensor.bytes()
      }
      #expect((weights[0] == weights[1]) == isSame)
    }
    let whole = try Self.method()
    try whole.loadWeights(other.state, from: "checkpoint")
    let error = #expect(throws: StateError.self) {
      try whole.loadWeights(Array(other.state.dropFirst()), from: "checkpoint")
    }
    #expect(error?.errorDescription?.contains("img_enc.fc.weight") == true)
  }

  @Test("several processes have the loss of the whole batch")
  func processes() throws {
    let whole = OneBatch(batch: try SelfAlignToy.batch())
    let alone = try Self.method().loss(whole.batch, Step())
    let expected = try alone.parts.map { try $0.value.item(as: Double.self) }
    // The longest sets and texts are in both parts: these processes pad nothing.
    for found in try ThreadGroup.run(
      2,
      { group in
        let own = try whole.batch(at: group.rank == 0 ? [1, 2] : [0, 3, 4, 5])
        return try Self.method().loss(own, Step(group: group)).parts.map {
          try $0.value.item(as: Double.self)
        }
      })
    {
      for (one, other) in zip(found, expected) { #expect(isClose(one, other, 1e-4 * max(1, abs(other)))) }
    }
  }

  @Test("learns which word means which region, and finds pairs by it")
  func learns() throws {
    let toy = try SelfAlignToy()
    let run = try toy.run(
      SelfAlign.self, ["terms": "rank,concept,context", "negative_regions": 30, "negative_words": 30])
    let rsum = try #require(try run.evaluate(on: toy.data.split("test")).retrieval?.rsum)
    #expect(rsum > 200)
  }

  // MARK: - Beside other methods

  @Test(
    "vsepp, clip and siglip align fragments beside their own loss", arguments: ["vsepp", "clip", "siglip"])
  func branches(name: String) throws {
    let toy = try SelfAlignToy()
    let type = try MethodList.method(named: name)
    let settings: JSON = ["alignment": ["terms": "concept,context", "prototypes": 8]]
    let run = try toy.run(type, settings)
    let names = run.method.state.map(\.name)
    #expect(names.contains("alignment.v_prototypes.weight") && names.contains("alignment.a.ctx_fc.weight"))
    // Word vectors are of another width than the space of concepts; mapped regions are not.
    #expect(names.contains("alignment.local_fc_b.weight") && !names.contains("alignment.local_fc_a.weight"))
    let split = try toy.data.split("test")
    #expect(try run.features(of: split, side: 0).values.size(along: 1) == 48)
    #expect(try run.evaluate(on: split).retrieval?.rsum ?? 0 > 150)
    let narrow = try toy.run(
      type, ["alignment": ["terms": "context", "context_embedding": false], "epochs": 1])
    #expect(try narrow.features(of: split, side: 1).values.size(along: 1) == 16)
    #expect(!narrow.method.state.contains { $0.name.contains("v_prototypes") })
  }

  @Test("alignment wants fragments on both sides, and is told where there are none")
  func noFragments() throws {
    func message(_ settings: JSON, _ kinds: [ModalityKind] = [.set, .tokens]) -> String {
      do {
        let modalities = kinds.enumerated().map { place, kind in
          DataDescription.Modality(
            name: "m\(place)", kind: kind, size: kind == .tokens ? nil : 6,
            shape: kind == .vector ? [6] : nil,
            vocabulary: kind == .tokens ? 9 : nil)
        }
        _ = try CLIP(
          CLIP.Configuration(overrides: settings), for: DataDescription(name: "toy", modalities: modalities))
        return ""
      } catch { return error.localizedDescription }
    }
    let terms: JSON = ["alignment": ["terms": "context"]]
    #expect(message(terms) == "")
    #expect(
      message(terms, [.vector, .tokens]).hasPrefix("alignment.terms: context is not none: the network of m0"))
    #expect(message(["alignment": ["terms": "context"], "pooling": "before"]).contains("pooling before"))
    #expect(
      message(["alignment": ["terms": "context"], "chunk_size": 4]).hasPrefix("chunk_size: 4 is not 0"))
    #expect(message(["alignment": ["term": "context"]]).contains("did you mean 'alignment.terms'"))
    #expect(message(["alignment": ["terms": "rank"]]).contains("concept, context"))
  }
}

/// Pictures as sets of noisy colors and texts that name some of them: which word means which color must be learned.
struct SelfAlignToy {
  let folder: TemporaryFolder
  let data: DataSet

  private static let colors = 12

  init() throws {
    folder = try TemporaryFolder()
    let table = try Tensor.normal([Self.colors, 10], using: Generator(seed: 1))
    var random = SeededGenerator(seed: 2)
    let rows = (0..<120).map { _ in Array((0..<Self.colors).shuffled(using: &random).prefix(4)) }
    let noise = try Tensor.normal([120, 4, 10], using: Generator(seed: 3)) * 0.2
    let features = try table.rows(at: rows.flatMap(\.self)).reshaped(120, 4, 10) + noise
    try folder.write(features, to: "regions.npy")
    let lines = rows.map { "a picture of " + $0.prefix(3).map { "color\($0)" }.joined(separator: " and ") }
    try folder.write(lines.joined(separator: "\n") + "\n", to: "texts.txt")
    try folder.write(
      """
      name: colors
      modalities:
        image: { file: regions.npy, kind: set }
        text: { file: texts.txt, kind: text }
      splits: { train: "0:96", test: "96:120" }
      """, to: "dataset.yaml")
    data = try DataSet(at: folder.path)
  }

  func run(_ type: any Method.Type, _ more: JSON) throws -> Run {
    var settings: JSON = [
      "embed_size": 16, "batch_size": 24, "epochs": 12, "learning_rate": 5e-3,
      "schedule": ["kind": "constant"],
      "features": ["text": ["name": "words", "threshold": 1, "tokenizer": "spaces"]],
    ]
    if type is SelfAlign.Type {
      settings["word_dim"] = 8
    } else {
      settings["text"] = ["word_dim": 8, "pooling": "mean"]
    }
    for member in more.members ?? [] { settings[member.key] = member.value }
    return try Run.train(
      type, settings: RunSettings(settings, keys: type.allKeys), data: data,
      into: folder.file(UUID().uuidString)
    ).run
  }

  /// Six pairs of regions and words, of different numbers.
  static func batch(seed: UInt64 = 1) throws -> Batch {
    SCANTests.batch(
      try SCANTests.images([4, 2, 5, 3, 4, 5], seed: seed),
      try SCANTests.captions([3, 6, 2, 4, 6, 1], seed: seed + 10))
  }
}

/// The pairs of a batch to learn from.
struct OneBatch: TrainingSet {
  let batch: Batch
  var description: DataDescription { SCANTests.data() }
  var count: Int { batch.count }
  var labels: [Int]? { nil }

  func batch(at places: [Int]) throws -> Batch {
    Batch(
      modalities: batch.modalities, items: try batch.items.map { try $0.rows(at: places) },
      rows: batch.rows.map { row in places.map { row[$0] } })
  }
}
