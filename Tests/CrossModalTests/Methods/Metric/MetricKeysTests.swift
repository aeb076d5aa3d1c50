import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Keys of metric learning")
struct MetricKeysTests {
  @Test("every key of the specifications is known, under its own name")
  func known() {
    let keys: [(any Method.Type, String)] = [
      (
        Contrastive.self,
        "kind margin pos_margin neg_margin normalize reduction pairs negatives branches encoder embed_size "
          + "symmetric sampler miner swap smooth epsilon_margin m gamma temperature memory chunk_size gather positives"
      ),
      (
        TripletCenter.self,
        "margin lambda softmax_weight reduction variant on negatives center_init center_lr center_update normalize "
          + "view_pool shared_centers score"
      ),
      (
        NPair.self,
        "form symmetric l2_reg l2_convention normalize temperature targets sampler embed_size score kmeans"
      ),
      (
        VSEPlusPlus.self,
        "preset embed_size word_dim num_layers margin measure max_violation use_abs no_imgnorm negatives "
          + "violation_warmup_epochs mask_duplicates reduction learning_rate lr_update lr_gamma num_epochs batch_size "
          + "grad_clip optimizer image_encoder text_encoder normalize_features vocab_threshold vocab_splits cnn_mode "
          + "val_every select_by captions_per_item folds tie_policy multipliers"
      ),
      (
        StructurePreserving.self,
        "objective margin num_neg_sample im_loss_factor sent_only_loss_factor im_only_loss_factor sample_size "
          + "hardest_positive neighbourhood dim_embed metric_dim dropout batch_norm language_model mask_padding "
          + "word_embedding_reg learning_rate lr_gamma text_lr_multi weight_decay batch_size distinct_images init "
          + "patience minimum_gain"
      ),
      (
        CLIP.self,
        "init_temperature learn_temperature max_logit_scale multi_positive memory chunk_size gather symmetric positives"
      ),
      (SigLIP.self, "init_logit_scale init_bias chunk_size multi_positive memory gather symmetric positives"),
    ]
    for (method, names) in keys {
      let known = Set(
        method.allKeys.flatMap { [$0.name] + $0.aliases } + RunSettings.names
          + TrainingConfiguration.scheduleAliases.keys)
      for name in names.split(separator: " ").map(String.init) {
        #expect(known.contains(name), "\(method.description.name): \(name)")
      }
    }
  }

  // MARK: - Processes

  @Test(
    "without gathering each process has the loss of its own part; with it all have that of the whole",
    arguments: [MetricCase(CLIP.self), MetricCase(SigLIP.self), MetricCase(Contrastive.self)])
  func gather(kind: MetricCase) throws {
    let data = try MetricMethodsTests.data()
    func loss(_ places: Range<Int>, _ settings: JSON, _ group: ThreadGroup? = nil) throws -> Double {
      let method = try kind.method(data, settings).0
      return try method.loss(data.batch(at: Array(places)), Step(group: group)).total.item()
    }
    let parts = [0..<5, 5..<12]
    for (rank, found) in try ThreadGroup.run(2, { try loss(parts[$0.rank], ["gather": "none"], $0) })
      .enumerated()
    {
      #expect(try isClose(found, loss(parts[rank], [:]), 1e-5))
    }
    let whole = try loss(0..<12, [:])
    for found in try ThreadGroup.run(2, { try loss(parts[$0.rank], [:], $0) }) {
      #expect(isClose(found, whole, 1e-5))
    }
    #expect(throws: ConfigurationError.self) { try kind.method(data, ["gather": "none", "memory": 40]) }
  }

  @Test("one direction of CLIP is that of the first modality, and both are their mean")
  func symmetric() throws {
    let data = try MetricMethodsTests.data()
    let turned = MemorySet([data.items[1], data.items[0]], labels: data.labels)
    func loss(_ data: MemorySet, _ symmetric: Bool) throws -> Double {
      let method = try CLIP(
        .init(overrides: ["symmetric": .bool(symmetric), "branches": "shared"]), for: data.description)
      return try method.loss(data.batch(at: Array(0..<12)), Step()).total.item()
    }
    let (one, other, both) = (try loss(data, false), try loss(turned, false), try loss(data, true))
    #expect(isClose((one + other) / 2, both, 1e-5) && !isClose(one, other, 1e-5))
  }

  // MARK: - Batches

  @Test("batches by class have so many pairs of each class; fewer than two classes are refused")
  func perClass() throws {
    let data = try MetricMethodsTests.data()
    let method = try Contrastive(.init(overrides: ["sampler": "m_per_class(3)"]), for: data.description)
    var training = TrainingConfiguration()
    training.batchSize = 13
    for batch in try method.sampler(for: data, training).batches(epoch: 0, seed: 1) {
      let counts = Dictionary(grouping: batch, by: { $0 % 5 }).mapValues(\.count)
      #expect(counts.count == 4 && counts.values.allSatisfy { $0 == 3 })
    }
    training.batchSize = 5
    let error = #expect(throws: ConfigurationError.self) { try method.sampler(for: data, training) }
    #expect(error?.errorDescription?.hasPrefix("batch_size: 5 is not 6 or more") == true)
    #expect(throws: ConfigurationError.self) {
      try Contrastive(.init(overrides: ["sampler": "m_per_class"]), for: MemorySet(data.items).description)
    }
  }

  @Test("of given pairs these alone count, as similar or dissimilar, whatever the data pair")
  func givenPairs() throws {
    let paired = try MetricMethodsTests.data()
    var data = paired
    data.givenPairs = GivenPairs([
      .init(x: 3, y: 7, .similar), .init(x: 3, y: 8, .dissimilar), .init(x: 9, y: 9, .dissimilar),
    ])
    let method = try Contrastive(.init(overrides: ["pairs": "pairs.txt"]), for: data.description)
    var training = TrainingConfiguration()
    training.batchSize = 3
    let batches = try method.sampler(for: data, training).batches(epoch: 0, seed: 1)
    #expect(batches.count == 1 && Set(batches[0]) == [3, 7, 8, 9] && batches[0].count == 4)
    let batch = try data.batch(at: [3, 7, 8, 9])
    let masks = try method.matches(batch, Step()).masks()
    let positive = try masks.positive.values(as: Bool.self)
    let negative = try masks.negative.values(as: Bool.self)
    #expect(
      positive.indices.filter { positive[$0] } == [1] && negative.indices.filter { negative[$0] } == [2, 15])
    // Held-out pairs are measured by what belongs together there.
    let held = try paired.batch(at: [3, 7, 8, 9])
    #expect(try method.matches(held, Step(isTraining: false)).masks().positive.sum().item() == 4)
    // ½ D² of the one match, and the mean of ½ max(0, 1 − D)² of both mismatches.
    let vectors = try (0..<2).map { try method.encode(batch.items[$0], side: $0).values }
    let distances = try vectors[0].distances(to: vectors[1]).values(as: Double.self)
    let apart = [2, 15].map { pow(max(0, 1 - distances[$0]), 2) / 2 }
    let expected = distances[1] * distances[1] / 2 + (apart[0] + apart[1]) / 2
    #expect(try isClose(method.loss(batch, Step()).total.item(), expected, 1e-5))
    try Trainer(method, training: training, data: data).run()
    // A file that nobody read is not passed over.
    let error = #expect(throws: ConfigurationError.self) { try method.sampler(for: paired, training) }
    #expect(error?.errorDescription?.hasPrefix("pairs: pairs.txt is not among the training data") == true)
  }

  @Test("in_batch is what batches are without a file, and a file goes with no memory")
  func inBatch() throws {
    #expect(try Contrastive.Configuration(overrides: ["pairs": "in_batch"]) == Contrastive.Configuration())
    #expect(throws: ConfigurationError.self) {
      try Contrastive.Configuration(overrides: ["pairs": "a.txt", "memory": 30])
    }
  }

  // MARK: - Objectives

  @Test("a reduction is of the losses that have one; triplets have no balance")
  func reductions() throws {
    let data = try MetricMethodsTests.data()
    let batch = try data.batch(at: Array(0..<12))
    func loss(_ reduction: JSON) throws -> Double {
      let settings: JSON = ["objective": "triplet_margin", "miner": "all", "reduction": reduction]
      return try Contrastive(.init(overrides: settings), for: data.description).loss(batch, Step()).total
        .item()
    }
    #expect(try loss(.null) == loss("avg_non_zero"))
    #expect(try loss("sum") > loss("mean"))
    for settings: JSON in [
      ["objective": "triplet_margin", "reduction": "balanced"], ["objective": "circle", "reduction": "mean"],
    ] {
      let error = #expect(throws: ConfigurationError.self) {
        try Contrastive.Configuration(overrides: settings)
      }
      #expect(error?.errorDescription?.hasPrefix("reduction: ") == true)
    }
  }

  @Test("a batch says how far its pairs are, how long its vectors, how far centres from each other")
  func parts() throws {
    let data = try MetricMethodsTests.data()
    for (kind, name) in [
      (MetricCase(Contrastive.self, ["margin": 1.8]), "fraction_active_negatives"),
      (MetricCase(NPair.self), "mean_norm"),
      (MetricCase(TripletCenter.self), "nearest_center_distance"),
    ] {
      let loss = try kind.method(data).0.loss(data.batch(at: Array(0..<12)), Step())
      let value = try #require(loss.parts.first { $0.name == name }).value.item()
      #expect(value > 0 && value.isFinite, "\(name)")
    }
  }

  @Test("a batch without matches or without mismatches is told, once")
  func lackOfPairs() throws {
    let two = try MetricMethodsTests.data()
    let data = MemorySet([two.items[0]], labels: two.labels)
    let method = try Contrastive(.init(), for: data.description)
    func note(_ places: [Int], _ step: Step) throws -> String? {
      try method.loss(data.batch(at: places), step).note
    }
    #expect(try note([0, 1, 2], Step())?.hasPrefix("a batch has no matches") == true)
    #expect(try note([0, 5, 10], Step())?.hasPrefix("a batch has no mismatches") == true)
    #expect(try note([0, 5, 1], Step()) == nil && note([0, 5, 10], Step(isTraining: false)) == nil)
    var training = TrainingConfiguration()
    (training.epochs, training.batchSize) = (3, 5)
    var told: [String] = []
    let alike = MemorySet(data.items, labels: [Int](repeating: 0, count: data.count))
    try Trainer(method, training: training, data: alike) { event in
      if case .note(let text) = event { told.append(text) }
    }.run()
    #expect(told.count == 1 && told[0].hasPrefix("a batch has no mismatches"))
  }

  // MARK: - Evaluation

  @Test("folds, ties and clusters are those of the settings")
  func evaluation() throws {
    let data = try MetricMethodsTests.data()
    let settings: JSON = ["folds": 5, "tie_policy": "mean", "embed_size": 8]
    let method = try VSEPlusPlus(.init(overrides: settings), for: data.description)
    let evaluation = try method.evaluation(rows: 40)
    #expect(evaluation.protocol == .folds(size: 8) && evaluation.ties == .mean)
    #expect(throws: EvaluationError.self) { try method.evaluation(rows: 4) }
    let npair = try NPair(
      .init(overrides: ["kmeans": ["init": "random", "restarts": 2]]), for: data.description)
    #expect(npair.clustering.start == .random && npair.clustering.restarts == 2)
    for bad: JSON in [["restarts": 0], ["init": "far"], ["seeds": 3]] {
      #expect(throws: ConfigurationError.self) { try NPair.Configuration(overrides: ["kmeans": bad]) }
    }
  }

  @Test("another number of texts an image than was said is refused before training")
  func captions() throws {
    let data = try MetricMethodsTests.data(8, captions: 5)
    func sampler(_ captions: Int) throws -> any BatchSampler {
      try VSEPlusPlus(
        .init(overrides: ["captions_per_item": .int(captions), "embed_size": 8]), for: data.description
      ).sampler(for: MetricMethodsTests.Captioned(data: data), TrainingConfiguration())
    }
    _ = try sampler(5)
    let error = #expect(throws: ConfigurationError.self) { try sampler(4) }
    #expect(error?.errorDescription == "captions_per_item: 4 is not 5, the texts that row 0 of x has")
  }
}
