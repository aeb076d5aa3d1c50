import Testing
import Torch

@testable import CrossModal

@Suite("DIME")
struct DIMETests {
  static func method(
    _ change: (inout DIME.Configuration) -> Void = { _ in }, textFirst: Bool = false
  ) throws -> DIME {
    var configuration = DIME.Configuration()
    configuration.embedSize = 16
    configuration.wordDim = 10
    configuration.hidRouter = 8
    configuration.hidImrc = 12
    configuration.numHeadImrc = 4
    change(&configuration)
    return try DIME(configuration, for: SCANTests.data(textFirst: textFirst))
  }

  /// A BERT of which nothing is known, in place of a file.
  private static func smallBERT(_ configuration: inout DIME.Configuration) {
    configuration.bert.weights = "bert.safetensors"
    configuration.bert.hiddenSize = 12
    configuration.bert.numHiddenLayers = 2
    configuration.bert.numAttentionHeads = 2
    configuration.bert.intermediateSize = 20
    configuration.bert.maxPositionEmbeddings = 40
    configuration.maxWords = 10
  }

  private static func batch(group: Int? = nil) throws -> Batch {
    var batch = try SCANTests.batch(SCANTests.images([4, 3, 5, 2]), SCANTests.captions([3, 4, 2, 6]))
    batch.group = group
    return batch
  }

  @Test("parameters have the official names, which a checkpoint has as a list of three")
  func names() throws {
    let own = try Self.method(Self.smallBERT).state.map(\.name)
    let official = own.map { name in
      [("img_enc.", "0."), ("txt_enc.", "1."), ("itr.", "2.")].reduce(name) { name, part in
        name.hasPrefix(part.0) ? part.1 + name.dropFirst(part.0.count) : name
      }
    }
    #expect(MethodList.ownNames(ofOfficial: official) == own)
    #expect(official.prefix(3) == ["0.fc.weight", "0.fc.bias", "0.bn.weight"])
    for name in [
      "1.bert.embeddings.word_embeddings.weight", "1.fc.weight", "1.convs1.2.weight", "1.mapping.bias",
      "2.dynamic_itr_l0.ric.router.mlp.0.weight", "2.dynamic_itr_l1.imrc.sa.att_layer.linears.2.bias",
      "2.dynamic_itr_l2.imrc.sa.feed_forward_layer.fc2.weight",
      "2.dynamic_itr_l2.cmrc.refine.fc_shift.weight",
      "2.dynamic_itr_l0.glgc.fc_2.bias", "2.bn.running_var", "2.path_mapping.weight",
    ] {
      #expect(official.contains(name), "\(name)")
    }
  }

  @Test("a score is that of the pair alone", arguments: [false, true], CrossAttention.Direction.allCases)
  func company(textFirst: Bool, direction: CrossAttention.Direction) throws {
    let method = try Self.method({ $0.direction = direction }, textFirst: textFirst)
    let (image, text) = (textFirst ? 1 : 0, textFirst ? 0 : 1)
    let (images, captions) = (try SCANTests.images([4, 1, 6, 4]), try SCANTests.captions([3, 7, 1]))
    let (x, y) = (try method.encode(images, side: image), try method.encode(captions, side: text))
    let all = try textFirst ? method.similarity(y, x).transposed() : method.similarity(x, y)
    #expect(all.shape == [4, 3])
    for (i, j) in [(0, 0), (1, 2), (3, 1)] {
      let own = try method.encode(images.rows(at: [i]), side: image)
      let other = try method.encode(captions.rows(at: [j]), side: text)
      let alone: Double = try (textFirst ? method.similarity(other, own) : method.similarity(own, other))
        .item()
      #expect(abs(alone - (try all[i][j].item())) < 1e-5)
    }
  }

  @Test("with a BERT padding counts as in the released program, or not where the user says so")
  func padding() throws {
    for masks in [false, true] {
      let method = try Self.method {
        Self.smallBERT(&$0)
        $0.direction = .t2i
        $0.maskPadding = masks
      }
      let texts = try method.encode(SCANTests.captions([3, 7]), side: 1)
      // A vector of the whole text, then those of its pieces.
      #expect(texts.lengths == (masks ? [4, 8] : [11, 11]))
    }
    let method = try Self.method(Self.smallBERT)
    #expect(try method.encode(SCANTests.captions([3, 7]), side: 1).lengths == [4, 8])
    #expect(throws: TextEncoderError.self) { try method.encode(SCANTests.captions([3, 12]), side: 1) }
  }

  @Test(
    "every parameter that the loss reaches gets a finite gradient, BERT none",
    arguments: CrossAttention.Direction.allCases)
  func gradients(_ direction: CrossAttention.Direction) throws {
    for usesBERT in [false, true] {
      let method = try Self.method {
        $0.direction = direction
        if usesBERT { Self.smallBERT(&$0) }
      }
      let loss = try method.loss(Self.batch(), Step())
      #expect(loss.parts.map(\.name) == ["rank", "path"])
      try loss.backward()
      for entry in method.parameters {
        let isIdle =
          entry.name.contains(".bert.") || entry.name.contains("glgc.fc_2")
          || direction == .i2t && entry.name.hasPrefix("img_enc.bn")
        guard !isIdle else {
          #expect(entry.tensor.gradient?.count ?? 0 == 0, "\(entry.name)")
          continue
        }
        #expect(try #require(entry.tensor.gradient, "\(entry.name)").isFinite().all(), "\(entry.name)")
      }
    }
  }

  @Test("further items are wrong partners of one side alone")
  func furtherItems() throws {
    let sampler = FurtherItemSampler(pairs: ShuffledSampler(count: 10, batchSize: 4), further: 2)
    let batches = try sampler.batches(epoch: 1, seed: 2)
    #expect(sampler.group == 3 && batches.map(\.count) == [12, 12, 6])
    #expect(try batches == sampler.batches(epoch: 1, seed: 2))
    #expect(
      Set(batches.flatMap { batch in stride(from: 0, to: batch.count, by: 3).map { batch[$0] } }).count == 10)
    // Two pairs with one text more each: the second of each group.
    let method = try Self.method {
      $0.extraStc = 1
      $0.tradeOff = 0
      $0.maxViolation = false
    }
    let batch = try Self.batch(group: 2)
    let loss: Double = try method.loss(batch, Step(isTraining: false)).total.item()
    let x = try method.encode(batch.items[0].rows(at: [0, 2]), side: 0)
    let y = try method.encode(batch.items[1].rows(at: [0, 2, 1, 3]), side: 1)
    let scores = try method.similarity(x, y).values(as: Double.self)
    var expected = 0.0
    for (i, j) in [(0, 1), (0, 2), (0, 3), (1, 0), (1, 2), (1, 3)] {
      expected += max(0, 0.2 + scores[i * 4 + j] - scores[i * 5])
    }
    for (i, j) in [(0, 1), (1, 0)] { expected += max(0, 0.2 + scores[i * 4 + j] - scores[j * 5]) }
    #expect(abs(loss - expected) < 1e-5)
  }

  @Test("evidence is a distribution for every part that is refined")
  func evidence() throws {
    for direction in CrossAttention.Direction.allCases {
      let evidence = try Self.method { $0.direction = direction }
        .evidence([SCANTests.images([6]), SCANTests.captions([5])])
      #expect(evidence.map(\.asking) == [direction == .i2t ? 0 : 1])
      #expect(evidence[0].weights.count == (direction == .i2t ? 6 : 5))
      #expect(evidence[0].weights.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-5 })
      #expect(evidence[0].relevance.allSatisfy { abs($0) <= 1.00001 })
    }
  }

  @Test("settings that cannot be used are named")
  func settings() throws {
    for overrides: JSON in [
      ["direction": "both"], ["embed_size": 250], ["num_head_imrc": 0], ["extra_img": 1],
      ["extra_stc": 1, "direction": "t2i"], ["extra_stc": 1, "extra_img": 1], ["text_encoder": "bert"],
      ["max_words": 600, "bert": ["weights": "x"]], ["lambda_softmax_cmrc": -1], ["trade_off": -1],
    ] {
      #expect(throws: ConfigurationError.self) { try DIME.Configuration(overrides: overrides) }
    }
    let official: JSON = [
      "hid_IMRC": 7, "num_head_IMRC": 2, "lambda_softmax_CMRC": 3, "raw_feature_norm_CMRC": "clipped",
    ]
    let read = try DIME.Configuration(overrides: official)
    #expect(read.hidImrc == 7 && read.numHeadImrc == 2 && read.lambdaSoftmaxCmrc == 3)
    #expect(try DIME.recipe(named: "dime-f30k-t2i").settings["extra_img"] == 1)
  }
}
