import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Structure-preserving embedding")
struct StructurePreservingTests {
  private static let small: JSON = ["dim_embed": 16, "metric_dim": 8]

  private func method(
    _ data: MemorySet, _ settings: JSON = [:]
  ) throws -> StructurePreserving {
    var all = Self.small
    for member in settings.members ?? [] { all[member.key] = member.value }
    return try StructurePreserving(.init(overrides: all), for: data.description)
  }

  private func batch(_ method: StructurePreserving, _ places: [Int], _ data: MemorySet) throws
    -> NeighborBatch
  {
    var batch = try data.batch(at: places)
    batch.group = try method.sampler(for: data, TrainingConfiguration()).group
    return try NeighborBatch(
      batch, Step(), side: 0, labels: batch.labels, positives: method.positives,
      neighbourhood: method.configuration.neighbourhood)
  }

  @Test("parameters have the names of the released program")
  func names() throws {
    let names = try method(MetricMethodsTests.data()).state.map(\.name)
    for name in [
      "image_branch.fc1.0.weight", "image_branch.fc1.1.running_var", "image_branch.fc2.bias",
      "text_branch.fc1.0.bias", "text_branch.fc1.1.num_batches_tracked", "text_branch.fc2.weight",
    ] { #expect(names.contains(name), "\(name)") }
  }

  @Test("a picture with two captions is one item of the batch, and its captions are neighbours")
  func items() throws {
    let data = try MetricMethodsTests.data(8, captions: 5)
    let found = try batch(method(data), [0, 1, 5, 6, 20], data)
    #expect(found.places == [[0, 2, 4], [0, 1, 2, 3, 4]])
    let groups = try found.groups.map { try $0.values(as: Int.self) }
    #expect(groups[1][0] == groups[1][1] && groups[1][2] == groups[1][3] && groups[1][1] != groups[1][2])
    let positive = try found.matches.masks().positive.values(as: Bool.self)
    #expect(positive.count { $0 } == 5 && positive[0] && positive[1] && !positive[2])
  }

  @Test("by classes, items of one class are neighbours, and no mismatches across modalities")
  func classes() throws {
    let data = try MetricMethodsTests.data()
    // Rows 0, 5 and 10 are of one class, 1 of another.
    let masks = try batch(method(data, ["neighbourhood": "labels"]), [0, 5, 10, 1], data).matches.masks()
    #expect(try masks.positive.sum().item() == 4)
    #expect(try masks.negative.sum().item() == 6)
  }

  @Test("as released, the second copy of a picture counts as another")
  func copies() throws {
    let data = try MetricMethodsTests.data(8, captions: 5)
    let found = try batch(method(data, ["distinct_images": false]), [0, 1, 2, 3], data)
    #expect(found.places == [[0, 2], [0, 1, 2, 3]])
    #expect(try found.matches.masks().negative.sum().item() == 4)
  }

  @Test("training brings partners together, with captions and batch normalisation")
  func learns() throws {
    let data = try MetricMethodsTests.data(60, captions: 3)
    let method = try method(data, ["dropout": 0.1])
    var training = StructurePreserving.trainingDefaults(method.configuration, pairs: data.count)
    training.batchSize = 20
    training.learningRate = 3e-3
    training.epochs = 15
    let before = try withoutGradient { try recall(method, data) }
    try Trainer(method, training: training, data: data, seed: 1).run()
    let after = try recall(method, data)
    #expect(after > 0.15 && after > 5 * before, "R@1 from \(before) to \(after)")
    #expect(
      try method.encode(data.items[0], side: 0).values.norm(along: 1).isClose(
        to: Tensor.ones([60]), absolute: 1e-5))
  }

  private func recall(_ method: StructurePreserving, _ data: MemorySet) throws -> Double {
    let scores = try method.similarity(
      method.encode(data.items[1], side: 1), method.encode(data.items[0], side: 0))
    let nearest = try scores.argmax(along: 1).values(as: Int.self)
    return Double(nearest.indices.count { nearest[$0] == $0 / 3 }) / Double(nearest.count)
  }

  @Test("starting from correlations, the space before training is that of canonical correlation analysis")
  func correlations() throws {
    let data = try MetricMethodsTests.data(80)
    let method = try method(
      data, ["init": "cca", "metric_dim": 4, "cca_power": 0, "cca_weight_reg": 0.1, "standardize": false])
    var training = StructurePreserving.trainingDefaults(method.configuration, pairs: data.count)
    training.epochs = 0
    try Trainer(method, training: training, data: data).run()
    let cca = try CCA(.init(overrides: ["k": 4, "ridge": 0.1]), for: data.description)
    try cca.fit(to: data, seed: 0)
    for side in 0..<2 {
      let expected = try cca.encode(data.items[side], side: side).values.normalized(along: 1)
      let found = try method.encode(data.items[side], side: side).values.to(.float64)
      #expect(try found.isClose(to: expected, absolute: 1e-4), "side \(side)")
    }
    let state = method.state.map(\.name)
    #expect(state.contains("image_branch.start"))
  }

  @Test(
    "one pair cannot be normalised by its batch, which is said; without batch normalisation its loss is 0")
  func onePair() throws {
    let data = try MetricMethodsTests.data()
    let normalized = try method(data)
    #expect(throws: ConfigurationError.self) { try normalized.loss(data.batch(at: [3]), Step()) }
    let plain = try method(data, ["batch_norm": false])
    #expect(try plain.loss(data.batch(at: [3]), Step()).total.item() == 0)
  }

  @Test("settings that do not go together are refused")
  func misfits() throws {
    for settings: JSON in [
      ["chunk_size": 8], ["dropout": 1], ["num_neg_sample": 0], ["margin": -1], ["lr_gamma": 0],
    ] {
      #expect(throws: ConfigurationError.self) {
        try StructurePreserving.Configuration(overrides: settings)
      }
    }
    let unlabelled = MemorySet(try MetricMethodsTests.data().items)
    #expect(throws: ConfigurationError.self) {
      try method(unlabelled, ["neighbourhood": "labels"])
    }
    #expect(try StructurePreserving.Configuration(overrides: ["lambda1": 2, "hidden": 64]).dimEmbed == 64)
  }

  /// Pictures as vectors beside sentences of two of six words, one of which says the picture's class.
  private func sentences() throws -> MemorySet {
    let generator = try Generator(seed: 4)
    let classes = (0..<48).map { $0 % 4 }
    let means = try Tensor.normal([4, 5], using: generator) * 2
    let words = classes.enumerated().flatMap { [4 + $1, 8 + $0 % 2, 0] }
    return MemorySet(
      [
        .vectors(try means.rows(at: classes) + Tensor.normal([48, 5], using: generator) * 0.1),
        .tokens(try Tensor(words).reshaped(48, 3), lengths: Array(repeating: 2, count: 48)),
      ], labels: classes)
  }

  private func textMethod(_ data: MemorySet, _ settings: JSON) throws -> StructurePreserving {
    var description = data.description
    description.modalities[1] = .init(name: "y", kind: .tokens, vocabulary: 10)
    var all: JSON = ["dim_embed": 16, "metric_dim": 4, "word_dim": 6, "sample_size": 1, "positives": "class"]
    for member in settings.members ?? [] { all[member.key] = member.value }
    return try StructurePreserving(.init(overrides: all), for: description)
  }

  @Test(
    "texts of words are learned from by every language model, in evaluation padding or not",
    arguments: StructurePreserving.LanguageModel.allCases)
  func words(model: StructurePreserving.LanguageModel) throws {
    let data = try sentences()
    let method = try textMethod(data, ["language_model": .string(model.rawValue), "dropout": 0])
    #expect(method.state.map(\.name).contains("words.weight"))
    var training = StructurePreserving.trainingDefaults(method.configuration, pairs: data.count)
    training.batchSize = 16
    training.learningRate = 1e-2
    training.epochs = 12
    try Trainer(method, training: training, data: data, seed: 2).run()
    let (x, y) = (try method.encode(data.items[0], side: 0), try method.encode(data.items[1], side: 1))
    let nearest = try method.similarity(x, y).argmax(along: 1).values(as: Int.self)
    #expect(nearest.indices.count { nearest[$0] % 4 == $0 % 4 } >= 44)
    let short = try method.encode(.tokens(Tensor([4, 8], shape: [1, 2]), lengths: [2]), side: 1)
    let long = try method.encode(.tokens(Tensor([4, 8, 0, 0], shape: [1, 4]), lengths: [2]), side: 1)
    #expect(try short.values.isClose(to: long.values, absolute: 1e-5))
  }

  @Test("two texts are learned from, each with words of its own")
  func twoTexts() throws {
    let given = try sentences()
    let data = MemorySet([given.items[1], given.items[1]], labels: given.labels)
    for model in StructurePreserving.LanguageModel.allCases {
      let method = try StructurePreserving(
        .init(overrides: [
          "dim_embed": 16, "metric_dim": 4, "word_dim": 6, "language_model": .string(model.rawValue),
          "word_embedding_reg": 1, "text_lr_multi": 3,
        ]), for: data.description)
      let names = method.stateEntries.map(\.name)
      #expect(Set(names).count == names.count)
      #expect(names.contains("words.weight") && names.contains("image_branch.words.weight"))
      let groups = try method.parameterGroups(TrainingConfiguration())
      let words = groups.filter { $0.parameters.contains { $0.name.hasSuffix("words.weight") } }
      #expect(words.map(\.rateFactor) == [1, 3] && words.allSatisfy { $0.weightDecay == 0 })
      var training = StructurePreserving.trainingDefaults(method.configuration, pairs: data.count)
      (training.batchSize, training.epochs) = (16, 1)
      try Trainer(method, training: training, data: data).run()
      for prefix in ["", "image_branch."] {
        let state = Dictionary(uniqueKeysWithValues: method.state.map { ($0.name, $0.tensor) })
        let (now, start) = (
          try #require(state[prefix + "words.weight"]), try #require(state[prefix + "words_start"])
        )
        #expect(try !now.isClose(to: start, absolute: 1e-9) && now.isClose(to: start, absolute: 0.1))
      }
    }
  }

  @Test("word vectors that were loaded are where training starts, and hold the table near them")
  func loadedWords() throws {
    let data = try sentences()
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("vectors.txt")
    let method = try textMethod(data, ["word_embedding_reg": 1, "word_vectors": .string(file.path)])
    try Data("w4 1 2 3 4 5 6\nw5 0 0 0 0 0 1\n".utf8).write(to: file)
    func begin(_ words: [String]) throws {
      #expect(method.assets == [Asset(.wordVectors, key: "word_vectors", file: file.path)])
      try method.begin(with: AssetContents(of: method.assets, words: [nil, words]))
    }
    try begin((0..<10).map { "w\($0)" })
    try method.prepare(on: data, Preparation())
    let table = try #require(method.state.first { $0.name == "words.weight" }).tensor
    #expect(try table[4].values(as: Double.self) == [1, 2, 3, 4, 5, 6])
    #expect(try table[6].values(as: Double.self).allSatisfy { $0 == 0 })
    let loss = try method.loss(data.batch(at: Array(0..<16)), Step())
    #expect(try loss.parts.first { $0.name == "words" }?.value.item() == 0)
    try Data("w4 1 2\n".utf8).write(to: file)
    #expect(throws: ConfigurationError.self) { try begin(["w4"]) }
  }
}
