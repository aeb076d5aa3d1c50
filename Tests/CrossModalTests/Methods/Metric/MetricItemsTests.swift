import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Metric learning on pictures and sets")
struct MetricItemsTests {
  /// Pictures of several sizes, one bright quarter of which tells the class, beside sets of vectors that tell it too.
  static func data(_ count: Int = 24, seed: UInt64 = 1) throws -> MemorySet {
    let generator = try Generator(seed: seed)
    let labels = (0..<count).map { $0 % 4 }
    let pictures = try labels.enumerated().map { place, label -> Picture in
      let side = 10 + place % 3
      var pixels = try Tensor.uniform([side, side, 3], in: 0..<60, using: generator)
      let bright = try Tensor.zeros([side, side, 1]).replacing(
        Tensor(Array(label / 2 * side / 2..<label / 2 * side / 2 + side / 2)),
        with: Tensor.ones([side / 2, side, 1]))
      let columns = (0..<side).map { Float($0 / ((side + 1) / 2) == label % 2 ? 150 : 0) }
      pixels = try pixels + bright * Tensor(columns, shape: [1, side, 1])
      return Picture(.pixels(try pixels.to(.uint8)))
    }
    let means = try Tensor.normal([4, 6], using: generator) * 2
    let sets = try means.rows(at: labels).unsqueezed(at: 1) + Tensor.normal([count, 5, 6], using: generator)
    let lengths = (0..<count).map { 1 + $0 % 5 }
    return MemorySet([.pictures(pictures), .sets(sets, lengths: lengths)], labels: labels)
  }

  /// Words of texts of one to five, some of which tell the class, beside vectors.
  static func texts(_ count: Int = 24) throws -> MemorySet {
    let generator = try Generator(seed: 2)
    let labels = (0..<count).map { $0 % 4 }
    let lengths = (0..<count).map { 1 + $0 % 5 }
    var words = try Tensor.integers(in: 4..<20, [count, 5], using: generator).values(as: Int.self)
    for row in 0..<count { words[row * 5] = 20 + labels[row] }
    let means = try Tensor.normal([4, 6], using: generator) * 2
    let vectors = try means.rows(at: labels) + Tensor.normal([count, 6], using: generator)
    return MemorySet(
      [.tokens(try Tensor(words, shape: [count, 5]), lengths: lengths), .vectors(vectors)], labels: labels)
  }

  static let cases: [(MetricCase, JSON)] = [
    (MetricCase(CLIP.self), ["hidden": 16]),
    (MetricCase(CLIP.self), ["hidden": 16, "pooling": "gpo", "pictures": ["size": 12, "crop": true]]),
    (MetricCase(SigLIP.self), ["hidden": 16, "pooling": "max", "pictures": ["flip": true, "jitter": 0.3]]),
    (
      MetricCase(Contrastive.self),
      ["hidden": 16, "pooling": "mean", "encoder": ["drlim-conv", "linear"], "pictures": ["size": 14]]
    ),
    (MetricCase(NPair.self), ["hidden": 16, "encoder": "linear", "pictures": ["size": 8, "hue": 0.2]]),
    (MetricCase(TripletCenter.self), ["hidden": 16, "pooling": "gpo", "transform": ["none", "sqrt"]]),
    (
      MetricCase(CLIP.self),
      ["encoder": ["resnet18", "linear"], "pictures": ["size": 32, "finetune": true]]
    ),
  ]

  @Test(
    "texts of any length are learned from",
    arguments: [
      ["text": ["word_dim": 7]], ["text": ["pooling": "gpo", "bidirectional": true]],
      ["text": ["pooling": "max", "layers": 2], "encoder": ["gru", "linear"]],
    ] as [JSON])
  func texts(settings: JSON) throws {
    let data = try Self.texts()
    let (method, training) = try MetricCase(CLIP.self, ["hidden": 9]).method(data, settings)
    let before = try method.state.map { try $0.tensor.bytes() }
    try Trainer(method, training: training, data: data).run()
    #expect(zip(method.state, before).allSatisfy { (try? $0.tensor.bytes() != $1) ?? false })
    let x = try method.encode(data.items[0], side: 0).values
    for row in [0, 3, 4] {
      // Alone its batch has no padding.
      guard case .tokens(let words, let lengths) = try data.items[0].rows(at: [row]) else {
        Issue.record("rows of texts are no texts")
        return
      }
      let own = Items.tokens(try words.narrowed(to: 0..<lengths[0], along: 1), lengths: lengths)
      #expect(try method.encode(own, side: 0).values.isClose(to: x[row..<row + 1], absolute: 1e-5))
    }
    let names = method.stateEntries.map(\.name)
    #expect(names.contains("branch_a.embed.weight") && names.contains("branch_a.rnn.weight_ih_l0"))
    #expect(names.contains("branch_a.fc.bias"))
    #expect(names.contains("branch_a.gpool.linear.weight") == (settings["text"]?["pooling"]?.string == "gpo"))
  }

  @Test("texts take no network of vectors, and texts of other words share none")
  func textMisfits() throws {
    let data = try Self.texts()
    let error = #expect(throws: ConfigurationError.self) {
      try CLIP(.init(overrides: ["encoder": "mlp"]), for: data.description)
    }
    #expect(error?.errorDescription?.contains("use gru") == true)
    var description = MemorySet([data.items[0], data.items[0]]).description
    _ = try CLIP(.init(overrides: ["branches": "shared"]), for: description)
    description.modalities[1].vocabulary = 31
    let other = #expect(throws: ConfigurationError.self) {
      try CLIP(.init(overrides: ["branches": "shared"]), for: description)
    }
    #expect(other?.errorDescription == "branches: shared is not possible: x has 30 words and y 31")
    for bad in [["pooling": "first"], ["word_dim": 0], ["layer": 2]] as [JSON] {
      #expect(throws: ConfigurationError.self) { try CLIP.Configuration(overrides: ["text": bad]) }
    }
  }

  private func bits(_ method: any Module) throws -> [[UInt8]] {
    try method.state.map { try $0.tensor.bytes() }
  }

  @Test("pictures of any size and sets of any length are learned from", arguments: cases.indices)
  func trains(place: Int) throws {
    let data = try Self.data()
    let (method, training) = try Self.cases[place].0.method(data, Self.cases[place].1)
    try Trainer(method, training: training, data: data).run()
    for (name, tensor) in method.state where tensor.dtype.isFloatingPoint {
      #expect(try tensor.isFinite().all(), "\(name)")
    }
    let x = try method.encode(data.items[0], side: 0)
    #expect(x.values.shape == [24, 32])
    // In evaluation nothing is random, and no item sees the others.
    let alone = try method.encode(data.items[0].rows(at: [5]), side: 0).values
    #expect(try alone.isClose(to: x.values[5..<6], relative: 1e-4, absolute: 1e-5))
  }

  @Test(
    "random parts, mirrors, colours and thinned sets come again bit for bit after a break",
    arguments: [1, 2, 4])
  func resumes(place: Int) throws {
    struct Crash: Error {}
    struct Breaking: TrainingSet {
      let data: MemorySet
      let limit: Int
      let seen = Locked(0)
      var description: DataDescription { data.description }
      var count: Int { data.count }
      var labels: [Int]? { data.labels }
      func batch(at places: [Int]) throws -> Batch {
        if places.count <= 12, seen.add(1) > limit { throw Crash() }
        return try data.batch(at: places)
      }
    }
    let data = try Self.data()
    let (whole, training) = try Self.cases[place].0.method(data, Self.cases[place].1)
    try Trainer(whole, training: training, data: data, seed: 5).run()
    let folder = try TemporaryFolder()
    for limit in [1, 3, 100] {
      let (method, _) = try Self.cases[place].0.method(data, Self.cases[place].1)
      do {
        try Trainer(
          method, training: training, data: Breaking(data: data, limit: limit), seed: 5, folder: folder.url
        ).run()
        #expect(try bits(method) == bits(whole))
      } catch is Crash { #expect(limit < 100) }
    }
  }

  @Test("gradients in chunks are those of one graph of the same chunks, random choices included")
  func chunks() throws {
    let data = try Self.data()
    func gradients(_ chunk: Int, isDirect: Bool = false) throws -> [Tensor?] {
      let method = try CLIP(
        .init(overrides: [
          "hidden": 16, "pooling": "gpo", "chunk_size": .int(chunk), "size_augmentation": true,
          "pictures": ["crop": true, "jitter": 0.3],
        ]), for: data.description)
      try method.prepare(on: data, Preparation())
      let step = try Step()
      let batch = try data.batch(at: Array(0..<10))
      guard !isDirect else {
        // What gradient caching computes, in one graph: the vectors of each chunk one after the other.
        let parts = try stride(from: 0, to: 10, by: chunk).map { start in
          try (0..<2).map {
            try method.vectors(
              batch.items[$0].rows(at: Array(start..<min(start + chunk, 10))), side: $0,
              .training(step.generator))
          }
        }
        let sides = try (0..<2).map { side in try Tensor.concatenated(parts.map { $0[side] }) }
        let scale = try #require(method.parameters.first { $0.name == "logit_scale" }).tensor
        try PairObjective(SoftmaxContrast(logScale: scale), symmetric: true)(
          sides[0], sides[1], method.matches(batch, step)
        ).total.backward()
        return method.parameters.map(\.gradient)
      }
      try method.loss(batch, step).backward()
      return method.parameters.map(\.gradient)
    }
    for (one, other) in zip(try gradients(3, isDirect: true), try gradients(3)) {
      let (one, other) = (try #require(one), try #require(other))
      #expect(try one.isClose(to: other, relative: 1e-3, absolute: 1e-6))
    }
  }

  @Test("names in weights files are those of the networks, whatever the items")
  func names() throws {
    let data = try Self.data()
    let method = try CLIP(.init(overrides: ["pooling": "gpo"]), for: data.description)
    let names = method.stateEntries.map(\.name)
    #expect(
      names.prefix(7) == [
        "scaling_a.mean", "scaling_a.scale", "scaling_b.mean", "scaling_b.scale", "branch_a.conv1.weight",
        "branch_a.conv1.bias", "branch_a.conv2.weight",
      ])
    #expect(names.contains("branch_b.fc2.bias") && names.contains("branch_b.gpool.linear.weight"))
    let large = try CLIP(.init(overrides: ["encoder": ["resnet18", "mlp"]]), for: data.description)
    #expect(large.stateEntries.contains { $0.name == "branch_a.cnn.layer4.1.bn2.running_mean" })
    #expect(large.stateEntries.contains { $0.name == "branch_a.fc.weight" })
    #expect(!large.stateEntries.contains { $0.name == "scaling_a.mean" })
  }

  @Test("a network that does not fit the items is refused, and so is a frozen one without weights")
  func misfits() throws {
    let data = try Self.data()
    let wrong = #expect(throws: ConfigurationError.self) {
      try CLIP(.init(overrides: ["encoder": "resnet18"]), for: data.description)
    }
    #expect(
      wrong?.errorDescription
        == "encoder: resnet18 is not one for y, which is of kind set: use linear, mlp, regions(mean|max|k_max|gpo)"
    )
    let frozen = try CLIP(.init(overrides: ["encoder": ["resnet18", "mlp"]]), for: data.description)
    let error = #expect(throws: ConfigurationError.self) { try frozen.prepare(on: data, Preparation()) }
    #expect(error?.errorDescription?.contains("pictures.weights") == true)
    let chunked: JSON = ["encoder": "resnet18", "chunk_size": 8, "pictures": ["finetune": true]]
    let batchwise = #expect(throws: ConfigurationError.self) { try CLIP.Configuration(overrides: chunked) }
    #expect(batchwise?.errorDescription?.hasPrefix("chunk_size: 8 is not 0") == true)
    for (key, value) in [
      ("size", JSON.int(4)), ("crop_scale", 0), ("jitter", 2), ("mode", "half"), ("sise", 3),
    ] {
      #expect(throws: ConfigurationError.self, "\(key)") {
        try CLIP.Configuration(overrides: ["pictures": .object([JSON.Member(key, value)])])
      }
    }
  }

  @Test("settings of pictures and memories come back from files as they went there")
  func roundTrip() throws {
    let given: JSON = [
      "pictures": ["size": 64, "crop_scale": 0.5, "flip": false, "weights": "a.safetensors", "mode": "eval"],
      "memory": ["size": 8, "warmup_steps": 3],
    ]
    let configuration = try CLIP.Configuration(overrides: given)
    #expect(configuration.memory.warmupSteps == 3 && configuration.pictures.cropScale == 0.5)
    #expect(try CLIP.Configuration(overrides: configuration.tree()) == configuration)
  }
}
