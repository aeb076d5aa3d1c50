import Foundation
import Testing
import Torch

@testable import CrossModal

/// A way to train each of the methods on small data, for promises that all of them make.
struct MetricCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  private let make:
    @Sendable (MemorySet, JSON) throws -> (any Trainable & JointEmbedding, TrainingConfiguration)

  init<Kind: Trainable & JointEmbedding>(_ kind: Kind.Type, _ own: JSON = [:]) {
    testDescription = "\(kind.description.name) \(own.text())"
    make = { data, more in
      var settings = own
      for member in more.members ?? [] { settings[member.key] = member.value }
      let configuration = try Kind.Configuration(overrides: settings)
      var training = Kind.trainingDefaults(configuration, pairs: data.count)
      training.epochs = 3
      training.batchSize = 12
      return (try Kind(configuration, for: data.description), training)
    }
  }

  /// A method with the case's settings and more.
  func method(
    _ data: MemorySet, _ settings: JSON = [:]
  ) throws -> (any Trainable & JointEmbedding, TrainingConfiguration) { try make(data, settings) }

  static let all: [MetricCase] = [
    MetricCase(Contrastive.self), MetricCase(Contrastive.self, ["kind": "linear", "positives": "class"]),
    MetricCase(Contrastive.self, ["normalize": false, "margin": "auto"]),
    MetricCase(Contrastive.self, ["kind": "cosine", "negatives": "hard(2)"]),
    MetricCase(Contrastive.self, ["memory": ["size": 30, "warmup_steps": 2]]),
    MetricCase(
      Contrastive.self, ["objective": "triplet_margin", "triplets": "batch_hard", "positives": "class"]),
    MetricCase(Contrastive.self, ["objective": "multi_similarity", "positives": "class"]),
    MetricCase(Contrastive.self, ["objective": "circle", "positives": "class"]),
    MetricCase(Contrastive.self, ["objective": "supcon", "memory": ["size": 24, "warmup_steps": 1]]),
    MetricCase(Contrastive.self, ["objective": "ntxent"]),
    MetricCase(TripletCenter.self),
    MetricCase(TripletCenter.self, ["center_update": "count_normalised", "center_init": "class_means"]),
    MetricCase(TripletCenter.self, ["variant": "author_all", "on": "logits", "shared_centers": false]),
    MetricCase(TripletCenter.self, ["normalize": true, "negatives": "all_mean", "reduction": "sum"]),
    MetricCase(NPair.self), MetricCase(NPair.self, ["form": "ovo", "symmetric": false]),
    MetricCase(NPair.self, ["sampler": "classes"]), MetricCase(NPair.self, ["sampler": "hard_classes"]),
    MetricCase(NPair.self, ["normalize": true, "temperature": 0.1, "sampler": "all"]),
    MetricCase(NPair.self, ["form": "tuplet", "positives": "class"]),
    MetricCase(CLIP.self),
    MetricCase(CLIP.self, ["memory": ["size": 24, "warmup_steps": 1, "dtype": "f16"]]),
    MetricCase(VSEPlusPlus.self, ["embed_size": 32]),
    MetricCase(VSEPlusPlus.self, ["preset": "order0", "embed_size": 32]),
    MetricCase(
      VSEPlusPlus.self,
      [
        "embed_size": 32, "image_encoder": "mlp", "negatives": "top_k(3)", "violation_warmup_epochs": 1,
        "standardize": true, "reduction": "mean", "positives": "class",
      ]),
    MetricCase(
      StructurePreserving.self,
      ["dim_embed": 16, "metric_dim": 32, "batch_norm": false, "dropout": 0, "sample_size": 1, "lr_gamma": 1]),
    MetricCase(
      StructurePreserving.self,
      [
        "objective": "all_sum", "hardest_positive": "each", "neighbourhood": "labels",
        "im_only_loss_factor": 0.2,
        "dim_embed": 16, "metric_dim": 32, "batch_norm": false, "dropout": 0, "lr_gamma": 1,
      ]),
    MetricCase(SigLIP.self), MetricCase(SigLIP.self, ["multi_positive": false, "branches": "shared"]),
  ]
}

@Suite("Methods of metric learning")
struct MetricMethodsTests {
  /// Two modalities of one class structure, with captions that share a picture when `captions` is above 1.
  static func data(_ count: Int = 40, captions: Int = 1, seed: UInt64 = 1) throws -> MemorySet {
    let generator = try Generator(seed: seed)
    let labels = (0..<count).map { $0 % 5 }
    let means = try Tensor.normal([5, 6], using: generator) * 2
    let x = try means.rows(at: labels) + Tensor.normal([count, 6], using: generator)
    let pairs = (0..<count * captions).map { $0 / captions }
    let y =
      try (x + Tensor.normal([count, 6], using: generator) * 0.3).rows(at: pairs)
      + Tensor.normal([pairs.count, 6], using: generator) * 0.1
    return MemorySet(
      [.vectors(x), .vectors(y)], labels: pairs.map { labels[$0] },
      rows: captions > 1 ? [pairs, Array(0..<pairs.count)] : nil)
  }

  private func bits(_ method: any Module) throws -> [[UInt8]] {
    try method.state.map { try $0.tensor.bytes() }
  }

  @Test("training moves every network and keeps everything finite", arguments: MetricCase.all)
  func trains(kind: MetricCase) throws {
    let data = try Self.data()
    let (method, training) = try kind.method(data)
    try Trainer(method, training: training, data: data).run()
    for (name, tensor) in method.state where tensor.dtype.isFloatingPoint {
      #expect(try tensor.isFinite().all(), "\(name)")
    }
    let features = try method.encode(data.items[0], side: 0)
    #expect(features.values.shape == [40, 32])
    #expect(try method.similarity(features, method.encode(data.items[1], side: 1)).shape == [40, 40])
  }

  @Test("a run that breaks off and resumes comes to the same bits", arguments: MetricCase.all)
  func resumes(kind: MetricCase) throws {
    struct Crash: Error {}
    struct Breaking: TrainingSet {
      let data: MemorySet
      let limit: Int
      let count: Int
      let seen = Locked(0)
      var description: DataDescription { data.description }
      var labels: [Int]? { data.labels }
      func batch(at places: [Int]) throws -> Batch {
        // Preparation walks all pairs; batches of training are small.
        if places.count <= 12, seen.add(1) > limit { throw Crash() }
        return try data.batch(at: places)
      }
    }
    let data = try Self.data()
    let (whole, training) = try kind.method(data)
    try Trainer(whole, training: training, data: data, seed: 5).run()
    let folder = try TemporaryFolder()
    for limit in [2, 4, 100] {
      let (method, _) = try kind.method(data)
      let breaking = Breaking(data: data, limit: limit, count: data.count)
      do {
        try Trainer(method, training: training, data: breaking, seed: 5, folder: folder.url).run()
        #expect(try bits(method) == bits(whole))
      } catch is Crash { #expect(limit < 100) }
    }
  }

  @Test(
    "two and three processes come to the weights of one, also with uneven parts", arguments: MetricCase.all)
  func processes(kind: MetricCase) throws {
    let data = try Self.data()
    func weights(_ group: (any ProcessGroup)?) throws -> [(name: String, tensor: Tensor)] {
      var (method, training) = try kind.method(data)
      training.precision = .float64
      training.steps = 4
      training.optimizer = .sgd
      try Trainer(method, training: training, data: data, group: group).run()
      return method.state
    }
    let alone = try weights(nil)
    for size in [2, 5] {
      for together in try ThreadGroup.run(size, { try weights($0) }) {
        for (one, other) in zip(alone, together) {
          let isClose = try one.tensor.to(.float64).isClose(
            to: other.tensor.to(.float64), relative: 1e-6, absolute: 1e-7)
          #expect(isClose, "\(one.name) of \(size)")
        }
      }
    }
  }

  @Test(
    "gradients in chunks are those of the whole batch", arguments: MetricCase.all)
  func chunks(kind: MetricCase) throws {
    let data = try Self.data()
    // Five classes of two items each, which neighbors tell or do not.
    func gradients(_ chunk: Int, group: Int?) throws -> [Tensor?] {
      let (method, training) = try kind.method(data, ["chunk_size": .int(chunk)])
      try method.prepareHere(on: data)
      for entry in method.stateEntries { try entry.prepareForTraining(on: .cpu, as: .float64) }
      var batch = try data.batch(at: [0, 5, 1, 6, 2, 7, 3, 8, 4, 9]).to(.cpu, .float64)
      batch.group = group
      let loss = try method.loss(batch, Step(training: training))
      try loss.backward()
      return method.parameters.map(\.gradient)
    }
    for group in [nil, 2] {
      for (one, other) in zip(try gradients(0, group: group), try gradients(3, group: group)) {
        switch (one, other) {
        case (let one?, let other?): #expect(try one.isClose(to: other, relative: 1e-9, absolute: 1e-12))
        case (nil, nil): break
        default: Issue.record("a gradient is missing")
        }
      }
    }
  }

  @Test("views of one object become one vector where the batch says that they stand together")
  func views() throws {
    let two = try Self.data()
    let data = MemorySet([two.items[0]], labels: two.labels)
    let method = try TripletCenter(.init(), for: data.description)
    func loss(_ places: [Int], group: Int?) throws -> Double {
      var batch = try data.batch(at: places)
      batch.group = group
      return try method.loss(batch, Step()).total.item()
    }
    let each = try loss([0, 1, 2, 3], group: nil)
    #expect(try isClose(loss([0, 0, 1, 1, 2, 2, 3, 3], group: 2), each, 1e-5))
    #expect(try !isClose(loss([0, 5, 1, 6, 2, 7, 3, 8], group: 2), each, 1e-3))
  }

  @Test("of pairs by class the hardest count, as many as the batch size has room for")
  func hardClasses() throws {
    let data = try Self.data()
    let method = try NPair(.init(overrides: ["sampler": "hard_classes"]), for: data.description)
    func loss(_ size: Int?) throws -> Double {
      var training = TrainingConfiguration()
      training.batchSize = size
      var batch = try data.batch(at: [0, 5, 1, 6, 2, 7, 3, 8, 4, 9])
      batch.group = 2
      return try method.loss(batch, Step(training: training)).total.item()
    }
    #expect(try loss(nil) == loss(10))
    #expect(try loss(4) != loss(10))
  }

  @Test("an item of five pairs is never its own captions' negative, and no batch holds it twice")
  func captions() throws {
    let data = try Self.data(8, captions: 5)
    let method = try CLIP(.init(), for: data.description)
    let step = try Step()
    let masks = try method.matches(data.batch(at: [0, 1, 5]), step).masks()
    #expect(
      try masks.positive.values(as: Bool.self) == [true, true, false, true, true, false, false, false, true])
    var training = TrainingConfiguration()
    training.batchSize = 8
    let sampler = try method.sampler(for: Captioned(data: data), training)
    for batch in try sampler.batches(epoch: 3, seed: 1) {
      #expect(Set(batch.map { $0 / 5 }).count == 8)
    }
  }

  struct Captioned: TrainingSet {
    let data: MemorySet
    var description: DataDescription { data.description }
    var count: Int { data.count }
    var labels: [Int]? { data.labels }
    var itemsOfPairs: [[Int]]? { data.rows }
    func batch(at places: [Int]) throws -> Batch { try data.batch(at: places) }
  }

  @Test("one modality alone learns from its classes, and is measured within itself")
  func oneModality() throws {
    let two = try Self.data(60)
    let data = MemorySet([two.items[0]], labels: two.labels)
    for kind in [MetricCase(Contrastive.self), MetricCase(TripletCenter.self), MetricCase(NPair.self)] {
      let (method, training) = try kind.method(data)
      try Trainer(method, training: training, data: data, validation: data).run()
      #expect(!method.stateEntries.contains { $0.name.hasPrefix("branch_b") }, "\(kind)")
      let measures = try method.measures(on: data, training: data, Preparation())
      #expect(measures.map(\.name) == ["mAP", "R@1"] && measures[0].value > 0.3, "\(kind)")
    }
  }

  @Test("settings that do not fit the data say what does")
  func misfits() throws {
    let data = try Self.data()
    let wide = MemorySet([data.items[0], .vectors(try Tensor.zeros([40, 9]))], labels: data.labels)
    let error = #expect(throws: ConfigurationError.self) {
      try Contrastive(.init(overrides: ["branches": "shared"]), for: wide.description)
    }
    #expect(error?.errorDescription == "branches: shared is not possible: x has width 6 and y 9")
    let unlabelled = MemorySet(data.items)
    #expect(throws: ConfigurationError.self) {
      try Contrastive(.init(overrides: ["positives": "class"]), for: unlabelled.description)
    }
    #expect(throws: ConfigurationError.self) { try TripletCenter(.init(), for: unlabelled.description) }
    #expect(throws: ConfigurationError.self) {
      try NPair(.init(overrides: ["sampler": "classes"]), for: unlabelled.description)
    }
    let alone = MemorySet([data.items[0]], labels: data.labels)
    #expect(throws: ConfigurationError.self) {
      try NPair(.init(overrides: ["sampler": "pairs"]), for: alone.description)
    }
  }

  @Test(
    "values out of range are refused by key",
    arguments: [
      ("margin", JSON.double(0)), ("margin", .string("wide")), ("negatives", .string("hard(0)")),
      ("memory", .object([JSON.Member("sizes", .int(3))])), ("embed_size", .int(0)), ("chunk_size", .int(-1)),
      ("standardize_epsilon", .double(0)), ("kind", .string("cubic")), ("reduction", .string("max")),
    ])
  func badValues(key: String, value: JSON) {
    let error = #expect(throws: ConfigurationError.self) {
      try Contrastive.Configuration(overrides: .object([JSON.Member(key, value)]))
    }
    #expect(error?.errorDescription?.contains(key) == true)
  }

  @Test("settings come back from files as they went there")
  func roundTrip() throws {
    var contrastive = Contrastive.Configuration()
    contrastive.margin = .auto
    contrastive.normalize = false
    contrastive.negatives = .hard(7)
    contrastive.memory.size = 64
    #expect(try Contrastive.Configuration(overrides: contrastive.tree()) == contrastive)
    var center = TripletCenter.Configuration()
    center.centerInit = .normal(0.1)
    #expect(try TripletCenter.Configuration(overrides: center.tree()) == center)
    for tree in [
      try NPair.Configuration().tree(), try CLIP.Configuration().tree(), try SigLIP.Configuration().tree(),
    ] {
      #expect(tree["embed_size"]?.int == 32)
    }
    #expect(try Contrastive.Configuration(overrides: ["memory": 50]).memory.size == 50)
    #expect(try TripletCenter.Configuration(overrides: ["normalize": true]).marginInUse == 0.5)
  }

  @Test("centres follow plain gradients at their own rate, without weight decay; scales do not decay")
  func groups() throws {
    let data = try Self.data()
    let center = try TripletCenter(.init(), for: data.description)
    let groups = try center.parameterGroups(TrainingConfiguration())
    #expect(groups[1].parameters.map(\.name) == ["centers"])
    #expect(groups[1].optimizer == .sgd && groups[1].weightDecay == 0 && isClose(groups[1].rateFactor, 100))
    #expect(groups[0].parameters.contains { $0.name == "classifier.weight" })
    let clip = try CLIP(.init(), for: data.description)
    #expect(try clip.parameterGroups(TrainingConfiguration())[1].weightDecay == 0)
    let fixed = try CLIP(.init(overrides: ["learn_temperature": false]), for: data.description)
    #expect(try fixed.parameterGroups(TrainingConfiguration()).count == 1)
  }

  @Test("the paper's update of the centres depends neither on lambda nor on the batch's size")
  func centerUpdate() throws {
    let data = try Self.data()
    let places = [0, 1, 2, 3, 4, 5]
    let method = try TripletCenter(
      .init(overrides: ["center_update": "count_normalised", "lambda": 0.3]), for: data.description)
    try method.prepareHere(on: data)
    for entry in method.stateEntries { try entry.prepareForTraining(on: .cpu, as: .float64) }
    let batch = try data.batch(at: places).to(.cpu, .float64)
    try method.loss(batch, Step()).backward()
    let centers = try #require(method.parameters.first { $0.name == "centers" })
    let vectors = try withoutGradient {
      try Tensor.concatenated([
        method.vectors(batch.items[0], side: 0), method.vectors(batch.items[1], side: 1),
      ])
    }
    let labels = try Tensor(places.map { $0 % 5 } + places.map { $0 % 5 })
    let fixed = try centers.tensor.detached()
    let value = try TripletCenterLoss()(vectors, labels, fixed)
    let expected = try TripletCenterLoss.normalizedGradient(
      vectors, labels, fixed, hinges: value.hinges, nearest: value.nearest)
    #expect(try #require(centers.gradient).isClose(to: expected, absolute: 1e-12))
  }

  @Test("the logit scale stays between 1 and its largest")
  func scale() throws {
    let data = try Self.data()
    let method = try CLIP(.init(overrides: ["max_logit_scale": 5]), for: data.description)
    _ = try method.loss(data.batch(at: [0, 1, 2]), Step())
    let scale = try #require(method.parameters.first { $0.name == "logit_scale" })
    #expect(try isClose(scale.tensor.item(), log(5.0), 1e-6) && scale.tensor.requiresGradient)
  }
}

extension Trainable {
  /// ``prepare(on:_:)`` for use through `any Trainable`.
  fileprivate func prepareHere(on data: some TrainingSet) throws { try prepare(on: data, Preparation()) }
}
