import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("VSE++")
struct VSEPlusPlusTests {
  private static let vocabulary = 12

  private static func description(_ first: ModalityKind = .vector) -> DataDescription {
    DataDescription(
      name: "captions",
      modalities: [
        .init(name: "image", kind: first, size: 6, shape: first == .vector ? [6] : nil),
        .init(name: "text", kind: .tokens, vocabulary: vocabulary),
      ])
  }

  /// Vectors and sentences of word numbers, one of each of five classes after the other.
  private struct Captions: TrainingSet {
    let x: Tensor
    let tokens: Tensor
    let lengths: [Int]
    let description = VSEPlusPlusTests.description()
    var labels: [Int]? { nil }
    var count: Int { lengths.count }

    init(_ count: Int, seed: UInt64 = 1) throws {
      let generator = try Generator(seed: seed)
      let classes = (0..<count).map { $0 % 5 }
      x =
        try Tensor.normal([5, 6], using: Generator(seed: 9)).rows(at: classes) * 2
        + Tensor.normal([count, 6], using: generator) * 0.1
      let own = try Tensor(classes).unsqueezed(at: 1) + 4.0
      tokens = try Tensor.concatenated(
        [
          Tensor.integers(in: 1..<3, [count, 2], using: generator), own.to(.int64),
          Tensor.zeros([count, 2], .int64),
        ],
        along: 1)
      lengths = classes.map { 3 + $0 % 3 }
    }

    var texts: Items { .tokens(tokens, lengths: lengths) }

    func batch(at places: [Int]) throws -> Batch {
      Batch(
        modalities: ["image", "text"], items: [.vectors(try x.rows(at: places)), try texts.rows(at: places)],
        rows: [places, places])
    }
  }

  private func method(_ settings: JSON = [:], _ first: ModalityKind = .vector) throws -> VSEPlusPlus {
    var all: JSON = ["embed_size": 8, "word_dim": 5]
    for member in settings.members ?? [] { all[member.key] = member.value }
    return try VSEPlusPlus(.init(overrides: all), for: Self.description(first))
  }

  private static let smallBERT: JSON = [
    "hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8,
    "max_position_embeddings": 32,
  ]

  @Test("BERT has Hugging Face's names, and settings that are checked")
  func bert() throws {
    let method = try method(["text_encoder": "bert", "bert": Self.smallBERT])
    let shapes = Dictionary(uniqueKeysWithValues: method.state.map { ($0.name, $0.tensor.shape) })
    #expect(shapes["txt_enc.bert.embeddings.word_embeddings.weight"] == [12, 12])
    #expect(shapes["txt_enc.bert.encoder.layer.0.attention.self.query.weight"] == [12, 12])
    #expect(shapes["txt_enc.linear.weight"] == [8, 12])
    #expect(shapes["txt_enc.gpool.linear.weight"] == [1, 32])
    #expect(
      message { _ = try self.method(["bert": ["hidden_size": 13, "num_attention_heads": 2]]) }
        == "bert.hidden_size: 13 is not a multiple of the 2 heads")
    #expect(
      message { _ = try self.method(["bert": ["hiden_size": 12]]) }?.contains(
        "did you mean 'bert.hidden_size'")
        == true)
  }

  @Test("parameters have the official names and shapes")
  func names() throws {
    let shapes = Dictionary(
      uniqueKeysWithValues: try method(["num_layers": 2]).state.map { ($0.name, $0.tensor.shape) })
    #expect(
      shapes == [
        "img_enc.fc.weight": [8, 6], "img_enc.fc.bias": [8], "txt_enc.embed.weight": [12, 5],
        "txt_enc.rnn.weight_ih_l0": [24, 5], "txt_enc.rnn.weight_hh_l0": [24, 8],
        "txt_enc.rnn.bias_ih_l0": [24], "txt_enc.rnn.bias_hh_l0": [24], "txt_enc.rnn.weight_ih_l1": [24, 8],
        "txt_enc.rnn.weight_hh_l1": [24, 8], "txt_enc.rnn.bias_ih_l1": [24], "txt_enc.rnn.bias_hh_l1": [24],
      ])
    let infinity = try method(["preset": "vse-infinity"], .set).state.map(\.name)
    for name in [
      "img_enc.fc.weight", "img_enc.mlp.layers.0.weight", "img_enc.mlp.bns.1.running_mean",
      "img_enc.gpool.gru.weight_ih_l0_reverse", "img_enc.gpool.linear.weight", "txt_enc.gpool.linear.weight",
      "txt_enc.rnn.weight_hh_l0_reverse", "txt_enc.embed.weight",
    ] { #expect(infinity.contains(name), "\(name)") }
    let pictures = DataDescription(
      name: "pictures", modalities: [.init(name: "image", kind: .images), Self.description().modalities[1]])
    let cnn = try VSEPlusPlus(
      .init(overrides: ["image_encoder": "cnn(resnet18)", "embed_size": 8, "finetune": true]), for: pictures)
    #expect(cnn.state.contains { $0.name == "img_enc.cnn.module.conv1.weight" })
  }

  @Test(
    "a text's vector depends on its own words alone: not on padding, order, or what else is in the batch",
    arguments: ["gru", "bigru(last)", "bigru(gpo)", "bigru(mean)", "bert(gpo)", "bert(cls)"])
  func padding(encoder: String) throws {
    let data = try Captions(7)
    let method = try method(["text_encoder": .string(encoder), "bert": Self.smallBERT])
    let all = try method.encode(data.texts, side: 1).values
    let noise = try Tensor.full([7, 3], 999).to(.int64)
    let wider = Items.tokens(try Tensor.concatenated([data.tokens, noise], along: 1), lengths: data.lengths)
    #expect(try method.encode(wider, side: 1).values.isClose(to: all, absolute: 1e-6))
    let order = [6, 2, 4, 0]
    let some = try method.encode(data.texts.rows(at: order), side: 1).values
    #expect(try some.isClose(to: all.rows(at: order), absolute: 1e-6))
    #expect(try (all.norm(along: 1) - 1).magnitude().max().item() < 1e-5)
  }

  @Test(
    "a set's vector does not depend on its padding, in training neither", arguments: ["mean", "max", "gpo"])
  func regions(pool: String) throws {
    let method = try method(
      ["preset": "vse-infinity", "image_encoder": .string("regions(\(pool))"), "size_augmentation": false],
      .set)
    let generator = try Generator(seed: 4)
    let rows = try Tensor.normal([3, 4, 6], using: generator)
    let lengths = [4, 2, 3]
    let wider = try Tensor.concatenated([rows, Tensor.normal([3, 2, 6], using: generator)], along: 1)
    for pass in [Pass.evaluation, .training(generator)] {
      let own = try method.vectors(.sets(rows, lengths: lengths), side: 0, pass)
      let other = try method.vectors(.sets(wider, lengths: lengths), side: 0, pass)
      #expect(try own.isClose(to: other, absolute: 1e-5))
    }
  }

  @Test("words and vectors of five classes find each other after a little training")
  func learns() throws {
    let data = try Captions(60)
    let method = try method(["violation_warmup_epochs": 1])
    var training = VSEPlusPlus.trainingDefaults(method.configuration, pairs: 60)
    training.epochs = 15
    training.batchSize = 20
    training.learningRate = 0.02
    try Trainer(method, training: training, data: data, seed: 2).run()
    let fresh = try Captions(25, seed: 7)
    let scores = try method.similarity(
      method.encode(.vectors(fresh.x), side: 0), method.encode(fresh.texts, side: 1))
    let best = try scores.argmax(along: 1).values(as: Int.self)
    #expect(best.enumerated().count { $0.element % 5 == $0.offset % 5 } >= 23)
  }

  @Test("the presets are the papers', and keys stand above them")
  func presets() throws {
    func settings(_ tree: JSON) throws -> VSEPlusPlus.Configuration { try .init(overrides: tree) }
    let vse0 = try settings(["preset": "vse0"])
    #expect(vse0.negatives == .sum && vse0.noImgnorm && vse0.margin == 0.2)
    let order = try settings(["preset": "order0", "margin": 0.1])
    #expect(order.measure == .order && order.useAbs && order.negatives == .sum && order.margin == 0.1)
    #expect(VSEPlusPlus.trainingDefaults(order, pairs: 9).learningRate == 1e-3)
    let orderpp = try settings(["preset": "orderpp"])
    #expect(orderpp.negatives == .hardest && !orderpp.useAbs && orderpp.margin == 0.05)
    let infinity = try settings(["preset": "vse-infinity"])
    #expect(
      infinity.violationWarmupEpochs == 1 && infinity.encoder == PerView([.regions(.gpo), .bigru(.gpo)]))
    #expect(VSEPlusPlus.trainingDefaults(infinity, pairs: 9).optimizer == .adamw)
    #expect(try settings(["max_violation": false]).negatives == .sum)
    #expect(try settings(["max_violation": true]).negatives == .hardest)
  }

  @Test("settings come back from files as they went there", arguments: VSEPlusPlus.Preset.allCases)
  func roundTrip(preset: VSEPlusPlus.Preset) throws {
    var settings = VSEPlusPlus.Configuration(preset)
    settings.negatives = preset == .vsepp ? .logSumExp(temperature: 0.05) : .topK(7)
    settings.encoder = PerView([
      preset == .vse0 ? .cnn(.vgg19) : .regions(.max), preset == .order0 ? .mlp : .bigru(.mean),
    ])
    #expect(try VSEPlusPlus.Configuration(overrides: settings.tree()) == settings)
  }

  @Test(
    "values that cannot be are refused by key",
    arguments: [
      ("margin", JSON.double(-1)), ("negatives", .string("top_k(0)")), ("negatives", .string("worst")),
      ("negatives", .string("log_sum_exp(0)")), ("reduction", .string("balanced")),
      ("preset", .string("vse1")),
      ("image_encoder", .string("cnn(alexnet)")), ("text_encoder", .string("lstm")), ("word_dim", .int(0)),
      ("multipliers", .object([.init("cnn", .double(-1))])),
    ])
  func badValues(key: String, value: JSON) {
    let error = #expect(throws: ConfigurationError.self) {
      try VSEPlusPlus.Configuration(overrides: .object([JSON.Member(key, value)]))
    }
    #expect(error?.errorDescription?.hasPrefix(key) == true)
  }

  @Test("a network that does not fit a modality is named with the key that chose it")
  func misfits() throws {
    for (key, value) in [
      ("image_encoder", "gru"), ("image_encoder", "vgg19"), ("text_encoder", "precomp"),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try method([key: .string(value)]) }
      #expect(error?.errorDescription?.hasPrefix("\(key): \(value) is not one for") == true, "\(value)")
    }
  }

  @Test("a converted official checkpoint loads by its two numbered parts; what is missing is named")
  func officialWeights() throws {
    let (source, target) = (try method(), try method(["standardize": true]))
    let noise = try Generator(seed: 5)
    for entry in source.parameters { entry.tensor = try Tensor.normal(entry.tensor.shape, using: noise) }
    let parts = source.state.map { name, tensor in
      let renamed = name.replacingOccurrences(of: "img_enc.", with: "0.")
        .replacingOccurrences(of: "txt_enc.", with: "1.")
      return (name: renamed, tensor: tensor)
    }
    try target.loadWeights(parts, from: "official")
    for (name, tensor) in source.state {
      let own = try #require(target.state.first { $0.name == name })
      #expect(try own.tensor.isClose(to: tensor))
    }
    let error = #expect(throws: StateError.self) {
      try target.loadWeights(Array(parts.dropFirst()), from: "official")
    }
    #expect(error?.missing == ["img_enc.fc.weight"])
  }

  @Test("other captions of an image in the batch are no wrong partners unless asked for")
  func duplicates() throws {
    let data = try Captions(4)
    let batch = Batch(
      modalities: ["image", "text"],
      items: [.vectors(try data.x.rows(at: [0, 0, 1])), try data.texts.rows(at: [0, 1, 2])],
      rows: [[0, 0, 1], [0, 1, 2]])
    let masked = try method(["no_imgnorm": true])
    let plain = try method(["no_imgnorm": true, "mask_duplicates": false])
    try plain.loadWeights(masked.state, from: "the other")
    let scores = try masked.similarity(
      masked.encode(batch.items[0], side: 0), masked.encode(batch.items[1], side: 1))
    let ids = try Tensor([0, 0, 1])
    let hinge = try HingeRanking()
    let expected = try hinge.loss(ofScores: scores, Matches(ids: ids, ids)).total.item()
    #expect(isClose(try masked.loss(batch, Step()).total.item(), expected, 1e-5))
    let all = try hinge.loss(ofScores: scores, Matches(pairs: 3)).total.item()
    #expect(isClose(try plain.loss(batch, Step()).total.item(), all, 1e-5))
    #expect(all > expected)
  }

  @Test("in bfloat16 networks compute in few bits, the objective in float32")
  func objectiveOfFewBits() throws {
    let data = try Captions(4)
    let rows = [0, 1, 2, 3]
    let batch = Batch(
      modalities: ["image", "text"], items: [.vectors(data.x), data.texts], rows: [rows, rows])
    let method = try method()
    let (found, vectors): (Double, [Tensor]) = try withAutocast(on: .cpu) {
      (
        try method.loss(batch, Step()).total.item(),
        try [method.encode(batch.items[0], side: 0).values, method.encode(batch.items[1], side: 1).values]
      )
    }
    let scores = try vectors[0].to(.float32).matmul(vectors[1].to(.float32).transposed())
    let expected = try HingeRanking().loss(ofScores: scores, Matches(pairs: 4)).total.item()
    #expect(isClose(found, expected, 1e-6))
  }

  @Test("where all items score alike the loss is where training stands still, with advice; not with the sum")
  func plateau() throws {
    let data = try Captions(4)
    let blank = Batch(
      modalities: ["image", "text"], items: [.vectors(try data.x * 0), data.texts],
      rows: [[0, 1, 2, 3], [0, 1, 2, 3]])
    for (reduction, expected) in [("sum", 1.6), ("mean", 0.4)] {
      let loss = try method(["reduction": .string(reduction)]).loss(blank, Step())
      #expect(isClose(try loss.total.item(), expected, 1e-6))
      #expect(isClose(loss.standstill?.loss ?? 0, expected, 1e-6))
      #expect(loss.standstill?.advice.contains("violation_warmup_epochs: 1") == true)
    }
    #expect(try method(["negatives": "sum"]).loss(blank, Step()).standstill == nil)
  }
}
