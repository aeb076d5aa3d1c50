import Testing
import Torch

@testable import CrossModal

@Suite("SCAN")
struct SCANTests {
  static func data(textFirst: Bool = false) -> DataDescription {
    let regions = DataDescription.Modality(name: "image", kind: .set, size: 12)
    let words = DataDescription.Modality(name: "text", kind: .tokens, vocabulary: 30)
    return DataDescription(name: "toy", modalities: textFirst ? [words, regions] : [regions, words])
  }

  static func method(
    _ change: (inout SCAN.Configuration) -> Void = { _ in }, textFirst: Bool = false
  ) throws -> SCAN {
    var configuration = SCAN.Configuration()
    configuration.embedSize = 16
    configuration.wordDim = 10
    change(&configuration)
    return try SCAN(configuration, for: data(textFirst: textFirst))
  }

  static func images(_ lengths: [Int], seed: UInt64 = 1) throws -> Items {
    let rows = try Tensor.normal([lengths.count, lengths.max() ?? 1, 12], using: Generator(seed: seed))
    return .sets(rows, lengths: lengths)
  }

  static func captions(_ lengths: [Int], seed: UInt64 = 2) throws -> Items {
    let tokens = try Tensor.integers(
      in: 0..<30, [lengths.count, lengths.max() ?? 1], using: Generator(seed: seed))
    return .tokens(tokens, lengths: lengths)
  }

  static func batch(_ images: Items, _ captions: Items, rows: [[Int]]? = nil) -> Batch {
    Batch(
      modalities: ["image", "text"], items: [images, captions],
      rows: rows ?? [Array(0..<images.count), Array(0..<captions.count)])
  }

  @Test("parameters have the official names")
  func names() throws {
    #expect(
      try Self.method().state.map(\.name) == [
        "img_enc.fc.weight", "img_enc.fc.bias", "txt_enc.embed.weight", "txt_enc.rnn.weight_ih_l0",
        "txt_enc.rnn.weight_hh_l0", "txt_enc.rnn.bias_ih_l0", "txt_enc.rnn.bias_hh_l0",
        "txt_enc.rnn.weight_ih_l0_reverse", "txt_enc.rnn.weight_hh_l0_reverse",
        "txt_enc.rnn.bias_ih_l0_reverse", "txt_enc.rnn.bias_hh_l0_reverse",
      ])
    let normed = try Self.method { $0.precompEncType = .weightNorm }
    #expect(
      normed.state.prefix(3).map(\.name) == [
        "img_enc.fc.weight_g", "img_enc.fc.weight_v", "img_enc.fc.bias",
      ])
    #expect(normed.state[0].tensor.shape == [])
  }

  @Test(
    "is ranked without a matrix: the scores of pairs stay the same in any block", arguments: [false, true])
  func ranksWithoutMatrix(textFirst: Bool) throws {
    let method = try Self.method(textFirst: textFirst)
    let (image, text) = (textFirst ? 1 : 0, textFirst ? 0 : 1)
    let images = try method.encode(Self.images((0..<40).map { 4 + $0 % 7 }), side: image)
    let captions = try method.encode(Self.captions((0..<200).map { 3 + $0 * 7 % 11 }), side: text)
    let (x, y) = textFirst ? (captions, images) : (images, captions)
    let inner = try ScoreSource(method, x, y)
    var asked = 0
    let source = ScoreSource(first: x.count, second: y.count) { rows, columns in
      asked += rows.count * columns.count
      return try inner.scores(rows: rows, columns: columns)
    }
    let truth = try RetrievalTruth(
      first: x.count, second: y.count,
      pairs: (0..<200).map { textFirst ? ($0, $0 / 5) : ($0 / 5, $0) })
    _ = try RetrievalEvaluation(blockSize: 4 * 1000).metrics(of: source, truth: truth)
    // Were the scores of a pair to differ, all would be asked again.
    #expect(asked > x.count * y.count && asked <= x.count * y.count + PairBlock.mostRows * 200)
  }

  @Test("a score is that of the pair alone, whatever the order and the company", arguments: [false, true])
  func company(textFirst: Bool) throws {
    let method = try Self.method(textFirst: textFirst)
    let (image, text) = (textFirst ? 1 : 0, textFirst ? 0 : 1)
    let (images, captions) = (try Self.images([4, 1, 6, 4, 2]), try Self.captions([3, 7, 1, 5]))
    let x = try method.encode(images, side: image)
    let y = try method.encode(captions, side: text)
    #expect(x.isPacked && x.count == 5 && y.count == 4)
    let all = textFirst ? try method.similarity(y, x).transposed() : try method.similarity(x, y)
    #expect(all.shape == [5, 4])
    let scores = try all.values(as: Double.self)
    for (i, j) in [(0, 0), (1, 2), (4, 3), (2, 1)] {
      let own = try method.encode(images.rows(at: [i]), side: image)
      let other = try method.encode(captions.rows(at: [j]), side: text)
      let alone: Double =
        textFirst ? try method.similarity(other, own).item() : try method.similarity(own, other).item()
      #expect(abs(alone - scores[i * 4 + j]) < 1e-6)
    }
  }

  @Test("one pair costs nothing, and equal scores cost twice the margin a pair")
  func knownLosses() throws {
    let method = try Self.method()
    let one = Self.batch(try Self.images([4]), try Self.captions([3]))
    let alone = try method.loss(one, Step())
    try alone.backward()
    #expect(try alone.total.item() == 0)
    #expect(try method.parameters.allSatisfy { try $0.tensor.gradient?.magnitude().max().item() == 0 })
    // Five times the same image and the same caption.
    let same = Self.batch(
      try Self.images([4]).rows(at: [0, 0, 0, 0, 0]), try Self.captions([3]).rows(at: [0, 0, 0, 0, 0]))
    #expect(abs(try method.loss(same, Step()).total.item() - 2 * 5 * 0.2) < 1e-5)
    let all = try Self.method { $0.maxViolation = false }
    #expect(abs(try all.loss(same, Step()).total.item() - 2 * 5 * 4 * 0.2) < 1e-4)
  }

  @Test("captions of one image are negatives as in the official program, or not where the user says so")
  func sameImage() throws {
    let (images, captions) = (try Self.images([4, 4]).rows(at: [0, 0, 1]), try Self.captions([3, 5, 2]))
    let batch = Self.batch(images, captions, rows: [[0, 0, 1], [0, 1, 2]])
    let method = try Self.method { $0.maxViolation = false }
    let official: Double = try method.loss(batch, Step()).total.item()
    let masked: Double = try Self.method {
      $0.maxViolation = false
      $0.maskSameImage = true
    }.loss(batch, Step()).total.item()
    let scores = try method.similarity(method.encode(images, side: 0), method.encode(captions, side: 1))
      .values(as: Double.self)
    func cost(_ pairs: [(Int, Int)]) -> Double {
      pairs.reduce(0) { sum, pair in
        let (score, own) = (scores[pair.0 * 3 + pair.1], { scores[$0 * 4] })
        return sum + max(0, 0.2 + score - own(pair.0)) + max(0, 0.2 + score - own(pair.1))
      }
    }
    let others = [(0, 2), (1, 2), (2, 0), (2, 1)]
    #expect(abs(official - cost(others + [(0, 1), (1, 0)])) < 1e-5)
    #expect(abs(masked - cost(others)) < 1e-5)
  }

  @Test("warm-up takes the mean over all negatives, then the hardest alone")
  func warmUp() throws {
    let batch = Self.batch(try Self.images([4, 3, 5, 2]), try Self.captions([3, 4, 2, 6]))
    let plain: Double = try Self.method { $0.maxViolation = false }.loss(batch, Step()).total.item()
    let method = try Self.method { $0.warmupEpochs = 1 }
    #expect(abs(try method.loss(batch, Step(epoch: 0)).total.item() - plain / 4) < 1e-5)
    let hardest: Double = try Self.method().loss(batch, Step()).total.item()
    #expect(abs(try method.loss(batch, Step(epoch: 1)).total.item() - hardest) < 1e-6)
  }

  @Test("every parameter gets a finite gradient", arguments: CrossAttention.Direction.allCases)
  func gradients(_ direction: CrossAttention.Direction) throws {
    let method = try Self.method {
      $0.crossAttn = direction
      $0.precompEncType = .weightNorm
      $0.numLayers = 2
    }
    let batch = Self.batch(try Self.images([4, 3, 5, 2]), try Self.captions([3, 4, 2, 6]))
    try method.loss(batch, Step()).backward()
    for entry in method.parameters {
      let slope = try #require(entry.tensor.gradient, "\(entry.name)")
      #expect(try slope.isFinite().all() && slope.magnitude().max().item() > 0, "\(entry.name)")
    }
  }

  @Test("evidence is a distribution for every word and every region, the scored direction first")
  func evidence() throws {
    for direction in CrossAttention.Direction.allCases {
      let method = try Self.method { $0.crossAttn = direction }
      let (image, caption) = (try Self.images([6]), try Self.captions([5]))
      let evidence = try method.evidence([image, caption])
      #expect(evidence.map(\.isScored) == [true, false])
      #expect(evidence[0].asking == (direction == .t2i ? 1 : 0))
      for found in evidence {
        #expect(found.weights.count == (found.asking == 1 ? 5 : 6))
        #expect(found.weights.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-5 })
      }
      // Mean relevance is the score of that aggregation.
      let mean = try Self.method {
        $0.crossAttn = direction
        $0.aggFunc = .mean
      }
      let score: Double = try mean.similarity(
        mean.encode(image, side: 0), mean.encode(caption, side: 1)
      ).item()
      let relevance = evidence[0].relevance
      #expect(abs(relevance.reduce(0, +) / Double(relevance.count) - score) < 1e-5)
    }
  }

  @Test("settings that cannot be used are named")
  func settings() throws {
    for overrides: JSON in [
      ["lambda_lse": 0], ["lambda_softmax": -1], ["embed_size": 0], ["agg_func": "Median"],
      ["lambda_softmax": 1e39], ["lambda_lse": 1e39], ["lambda_lse": 1e-60], ["margin": 1e39],
      ["cross_attn": "both"], ["raw_feature_norm": "l3norm"], ["warmup_reduction": "none"], ["margin": -0.1],
    ] {
      #expect(throws: ConfigurationError.self) { try SCAN.Configuration(overrides: overrides) }
    }
    // LogSumExp alone needs its factor.
    #expect(throws: Never.self) { try SCAN.Configuration(overrides: ["lambda_lse": 0, "agg_func": "Mean"]) }
    #expect(try SCAN.recipe(named: "scan-f30k-i2t-lse").settings["lambda_lse"] == 5)
    #expect(try SCAN.recipe(named: "scan-coco-i2t-lse").settings["lambda_lse"] == 20)
    let regions = DataDescription.Modality(name: "image", kind: .set, size: 12)
    #expect(throws: MethodError.self) {
      try SCAN(.init(), for: DataDescription(name: "two", modalities: [regions, regions]))
    }
  }

  @Test("an image without regions is an error that names it")
  func emptyImage() throws {
    let error = #expect(throws: MethodError.self) {
      try Self.method().encode(.sets(Tensor.zeros([2, 3, 12]), lengths: [3, 0]), side: 0)
    }
    #expect(error?.errorDescription?.contains("image 1") ?? false)
  }
}
