import Testing
import Torch

@testable import CrossModal

@Suite("IMRAM")
struct IMRAMTests {
  static func method(
    _ change: (inout IMRAM.Configuration) -> Void = { _ in }, textFirst: Bool = false
  ) throws -> IMRAM {
    var configuration = IMRAM.Configuration()
    configuration.embedSize = 16
    configuration.wordDim = 10
    change(&configuration)
    return try IMRAM(configuration, for: SCANTests.data(textFirst: textFirst))
  }

  private static func batch() throws -> Batch {
    try SCANTests.batch(SCANTests.images([4, 3, 5, 2]), SCANTests.captions([3, 4, 2, 6]))
  }

  @Test("parameters have the official names, without what data-parallel training puts before them")
  func names() throws {
    let own = try Self.method().state.map(\.name)
    #expect(
      own == [
        "img_enc.fc_local.weight", "img_enc.fc_local.bias", "txt_enc.embed.weight",
        "txt_enc.rnn.weight_ih_l0", "txt_enc.rnn.weight_hh_l0", "txt_enc.rnn.bias_ih_l0",
        "txt_enc.rnn.bias_hh_l0", "txt_enc.rnn.weight_ih_l0_reverse", "txt_enc.rnn.weight_hh_l0_reverse",
        "txt_enc.rnn.bias_ih_l0_reverse", "txt_enc.rnn.bias_hh_l0_reverse", "linear_t2i.weight",
        "linear_t2i.bias", "gate_t2i.weight", "gate_t2i.bias", "linear_i2t.weight", "linear_i2t.bias",
        "gate_i2t.weight", "gate_i2t.bias",
      ])
    let official = WrapperPrefixes.takenOff(own.map { "module." + $0 })
    #expect(MethodList.ownNames(ofOfficial: official) == own)
    for mode in IMRAM.Mode.allCases {
      #expect(try Self.method { $0.modelMode = mode }.state.map(\.name) == own)
    }
    let normed = try Self.method { $0.precompEncType = .weightNorm }
    #expect(
      normed.state.prefix(3).map(\.name) == [
        "img_enc.fc_local.weight_g", "img_enc.fc_local.weight_v", "img_enc.fc_local.bias",
      ])
    let plain = try Self.method { $0.memory = .mlp }
    #expect(
      plain.state.map(\.name).suffix(4).map { String($0.prefix(10)) } == [
        "linear_t2i", "linear_t2i", "linear_i2t", "linear_i2t",
      ])
    #expect(try Self.method { $0.memory = .add }.state.count == own.count - 8)
  }

  @Test(
    "one step has the scores, the loss and the gradients of SCAN",
    arguments: CrossAttention.Direction.allCases)
  func oneStepIsSCAN(_ direction: CrossAttention.Direction) throws {
    let scan = try SCANTests.method {
      $0.crossAttn = direction
      $0.aggFunc = .mean
      $0.lambdaSoftmax = 9
    }
    let method = try Self.method {
      $0.modelMode = direction == .t2i ? .text : .image
      $0.iterationStep = 1
    }
    for (entry, other) in zip(method.stateEntries, scan.state) { entry.tensor = try other.tensor.detached() }
    let batch = try Self.batch()
    let loss = try method.loss(batch, Step())
    let other = try scan.loss(batch, Step())
    #expect(try loss.total.item() == other.total.item())
    try loss.backward()
    try other.backward()
    for (entry, own) in zip(scan.parameters, method.parameters) {
      #expect(try own.tensor.gradient?.bytes() == entry.tensor.gradient?.bytes(), "\(own.name)")
    }
    // Nothing is remembered, so nothing is learned of it.
    #expect(method.parameters.suffix(8).allSatisfy { $0.tensor.gradient == nil })
    let (x, y) = (
      try method.encode(batch.items[0], side: 0), try method.encode(batch.items[1], side: 1)
    )
    #expect(try method.similarity(x, y).bytes() == scan.similarity(x, y).bytes())
  }

  @Test("the full score is that of words that attend plus that of regions", arguments: [false, true])
  func fullIsTheSum(textFirst: Bool) throws {
    let modes = try IMRAM.Mode.allCases.map { mode in
      try Self.method({ $0.modelMode = mode }, textFirst: textFirst)
    }
    let (image, text) = (textFirst ? 1 : 0, textFirst ? 0 : 1)
    let x = try modes[0].encode(SCANTests.images([4, 1, 6]), side: image)
    let y = try modes[0].encode(SCANTests.captions([3, 7]), side: text)
    let scores = try modes.map { try textFirst ? $0.similarity(y, x) : $0.similarity(x, y) }
    #expect(scores[0].shape == (textFirst ? [2, 3] : [3, 2]))
    // Text, image, full.
    #expect(try (scores[0] + scores[1]).isClose(to: scores[2], absolute: 1e-6))
    // Mean cosines, added up over three steps each way.
    #expect(try scores[2].magnitude().max().item() <= 6)
  }

  @Test("one pair costs nothing and teaches nothing")
  func onePair() throws {
    let method = try Self.method()
    let alone = try method.loss(
      SCANTests.batch(SCANTests.images([4]), SCANTests.captions([3])), Step())
    try alone.backward()
    #expect(try alone.total.item() == 0)
    for entry in method.parameters {
      #expect(try entry.tensor.gradient?.magnitude().max().item() ?? 0 == 0, "\(entry.name)")
    }
  }

  @Test(
    "every parameter that the loss reaches gets a finite gradient, others none",
    arguments: IMRAM.Mode.allCases)
  func gradients(_ mode: IMRAM.Mode) throws {
    let method = try Self.method {
      $0.modelMode = mode
      $0.noImramNorm = true
    }
    try method.loss(Self.batch(), Step()).backward()
    for entry in method.parameters {
      let isIdle =
        mode == .text && entry.name.contains("_i2t") || mode == .image && entry.name.contains("_t2i")
      guard !isIdle else {
        #expect(entry.tensor.gradient == nil, "\(entry.name)")
        continue
      }
      let slope = try #require(entry.tensor.gradient, "\(entry.name)")
      #expect(try slope.isFinite().all() && slope.magnitude().max().item() > 0, "\(entry.name)")
    }
  }

  @Test("several processes come to the gradient of one")
  func processes() throws {
    let batch = try Self.batch()
    func gradients(_ group: ThreadGroup?) throws -> [[Double]] {
      let method = try Self.method()
      let own = group.map { Array(2 * $0.rank..<2 * $0.rank + 2) } ?? Array(0..<4)
      let part = try SCANTests.batch(batch.items[0].rows(at: own), batch.items[1].rows(at: own))
      try method.loss(part, Step(group: group)).backward()
      return try method.parameters.map { try $0.tensor.gradient?.values(as: Double.self) ?? [] }
    }
    let whole = try gradients(nil)
    let parts = try ThreadGroup.run(2) { try gradients($0) }
    for (place, expected) in whole.enumerated() {
      let sum = zip(parts[0][place], parts[1][place]).map { $0 + $1 }
      let scale = expected.map(abs).max() ?? 0
      #expect(zip(sum, expected).allSatisfy { abs($0 - $1) < 1e-4 * max(1, scale) })
    }
  }

  @Test(
    "evidence is a distribution for every fragment that attends in every step, and its relevance the score")
  func evidence() throws {
    for mode in IMRAM.Mode.allCases {
      let method = try Self.method { $0.modelMode = mode }
      let (image, caption) = (try SCANTests.images([6]), try SCANTests.captions([5]))
      let evidence = try method.evidence([image, caption])
      #expect(evidence.compactMap(\.step) == (mode == .full ? [1, 2, 3, 1, 2, 3] : [1, 2, 3]))
      #expect(evidence[0].asking == (mode == .image ? 0 : 1))
      var sum = 0.0
      for found in evidence {
        #expect(found.weights.count == (found.asking == 1 ? 5 : 6))
        #expect(found.weights.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-5 })
        sum += found.relevance.reduce(0, +) / Double(found.relevance.count)
      }
      let score: Double = try method.similarity(
        method.encode(image, side: 0), method.encode(caption, side: 1)
      ).item()
      #expect(abs(sum - score) < 1e-5)
    }
  }

  @Test("settings that cannot be used are named, with what could be")
  func settings() throws {
    for overrides: JSON in [
      ["iteration_step": 0], ["iteration_step": -1], ["lambda_softmax": -1], ["memory": "lstm"],
      ["raw_feature_norm": "l3norm"], ["margin": -0.1], ["warmup_reduction": "none"],
    ] {
      #expect(throws: ConfigurationError.self) { try IMRAM.Configuration(overrides: overrides) }
    }
    // The default of the official parser, which is no mode.
    let error = #expect(throws: ConfigurationError.self) {
      try IMRAM.Configuration(overrides: ["model_mode": "vse"])
    }
    for mode in IMRAM.Mode.allCases {
      #expect(error?.errorDescription?.contains(mode.rawValue) ?? false)
    }
    #expect(try IMRAM.Configuration(overrides: ["no_IMRAM_norm": true]).noImramNorm)
    #expect(try IMRAM.recipe(named: "imram-f30k-full").settings["lambda_softmax"] == 9)
    #expect(try IMRAM.recipe(named: "imram-coco-text").settings["lambda_softmax"] == 11)
  }
}
