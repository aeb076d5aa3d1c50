import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("DenseCL")
struct DenseCLTests {
  private static let description = DataDescription(
    name: "squares", modalities: [.init(name: "image", kind: .images, shape: [16, 16, 3])])

  /// A small method as it is before the first step.
  private static func method(
    _ settings: JSON = .object([]), seed: UInt64 = 3, batch size: Int = 4
  ) throws -> DenseCL {
    var all: JSON = ["hidden": 8, "embed_size": 6, "queue_length": 10, "pictures": ["blur_share": 0.3]]
    for member in settings.members ?? [] { all[member.key] = member.value }
    let method = try DenseCL(.init(overrides: all), for: description)
    var training = DenseCL.trainingDefaults(method.configuration, pairs: 8)
    training.batchSize = size
    try method.prepare(on: MemoryPictures(count: 8), Preparation(training: training, seed: seed))
    for entry in method.stateEntries { try entry.prepareForTraining() }
    return method
  }

  private static func step(_ number: Int = 0, _ group: (any ProcessGroup)? = nil) throws -> Step {
    try Step(number: number, seed: 5, group: group)
  }

  /// Steps of SGD on the same pictures.
  private static func train(_ method: DenseCL, steps: Int) throws -> [Double] {
    let optimizer = SGD(try method.parameterGroups(TrainingConfiguration())[0].parameters, momentum: 0.9)
    return try (0..<steps).map { number in
      let loss = try method.loss(MemoryPictures(count: 8).batch(at: [0, 1, 2, 3]), step(number))
      try method.parameters.clearGradients()
      try loss.backward()
      try optimizer.step(learningRate: 0.02)
      return try loss.total.item()
    }
  }

  @Test("the key encoder begins as the query encoder, moves towards it by the momentum, and is not trained")
  func momentum() throws {
    for (momentum, isCopy) in [(0.0, true), (1.0, false)] {
      let method = try Self.method(["key_momentum": .double(momentum)])
      let first = try method.keyEncoder.parameters.map { try $0.tensor.copied() }
      for (key, query) in zip(method.keyEncoder.parameters, method.queryEncoder.parameters) {
        #expect(try key.tensor.bytes() == query.tensor.bytes() && !key.tensor.requiresGradient)
      }
      _ = try Self.train(method, steps: 2)
      // The second step moved the key encoder to where the first left the other.
      let moved = try zip(method.keyEncoder.parameters, first).contains {
        try $0.tensor.bytes() != $1.bytes()
      }
      #expect(moved == isCopy, "\(momentum)")
    }
    #expect(
      try Self.method().parameterGroups(TrainingConfiguration()).flatMap(\.parameters)
        .allSatisfy { $0.name.hasPrefix("encoder_q.") })
  }

  @Test("keys of norm 1 are written over the oldest, at the end from the start again")
  func queues() throws {
    let method = try Self.method()
    let before = try method.queue.copied()
    var pointers: [Int] = []
    for number in 0..<3 {
      _ = try method.loss(MemoryPictures(count: 8).batch(at: [0, 1, 2, 3]), Self.step(number))
      pointers.append(try method.pointer[0].item(as: Int.self))
      let norms = try method.queue.norm(along: 0)
      #expect(try norms.isClose(to: norms.onesLike(), absolute: 1e-5))
    }
    #expect(pointers == [4, 8, 2])
    #expect(method.queue.shape == [6, 10] && method.queue2.shape == [6, 10])
    let same = try (0..<10).filter {
      try before.selected($0, along: 1).bytes() == method.queue.selected($0, along: 1).bytes()
    }
    #expect(same.isEmpty)
    var queue = try KeyQueue(columns: before, pointer: Tensor([9]))
    try queue.write(Tensor.ones([3, 6]))
    #expect(queue.pointer == 2)
    let sums = try queue.keys.sum(along: 1).values(as: Double.self)
    #expect([9, 0, 1].allSatisfy { sums[$0] == 6 })
    #expect(throws: ObjectiveError.self) { try queue.write(Tensor.ones([11, 6])) }
  }

  @Test("a measured loss draws nothing, changes nothing, and does not depend on the order")
  func measured() throws {
    let method = try Self.method()
    let before = try bits(method)
    let pictures = try MemoryPictures(count: 8)
    let step = try Step(isTraining: false)
    let one: Double = try method.loss(pictures.batch(at: [0, 1, 2]), step).total.item()
    let other: Double = try method.loss(pictures.batch(at: [2, 0, 1]), step).total.item()
    #expect(abs(one - other) < 1e-5)
    #expect(try bits(method) == before)
  }

  @Test("it learns: the loss of the same pictures falls", arguments: CellMatching.allCases)
  func learns(matching: CellMatching) throws {
    let method = try Self.method(["matching": .string(matching.rawValue), "lambda": 0.5])
    let losses = try Self.train(method, steps: 40)
    // It rises until the queue, which began at random, is full of real keys.
    #expect(losses.suffix(5).reduce(0, +) < losses[5..<10].reduce(0, +), "\(losses)")
  }

  @Test("without its dense part the dense head stays as it was; it comes in after the warm-up")
  func warmup() throws {
    func head(_ settings: JSON, steps: Int) throws -> Bool {
      let method = try Self.method(settings)
      let before = try method.queryEncoder.neck.mlp2.stateEntries.map { try $0.tensor.detached().copied() }
      _ = try Self.train(method, steps: steps)
      return try zip(method.queryEncoder.neck.mlp2.stateEntries, before)
        .contains { try $0.tensor.bytes() != $1.bytes() }
    }
    #expect(try !head(["lambda": 0], steps: 2))
    #expect(try !head(["lambda_warmup": 2], steps: 2))
    #expect(try head(["lambda_warmup": 1], steps: 2))
  }

  @Test("a grid averages maps and their projections alike")
  func grid() throws {
    let neck = try DenseNeck(from: 5, hidden: 4, to: 3, grid: 2, using: Generator(seed: 1))
    let maps = try Tensor.normal([2, 5, 5, 3], using: Generator(seed: 2))
    let view = try neck(maps)
    #expect(view.map.shape == [2, 5, 4] && view.grid.shape == [2, 3, 4] && view.pooled.shape == [2, 3])
    // Rows 0 to 2 and 2 to 4, columns 0 to 1 and 1 to 2.
    let corner = try maps.narrowed(to: 2..<5, along: 2).narrowed(to: 1..<3, along: 3).mean(along: 2, 3)
    #expect(try view.map.selected(3, along: 2).isClose(to: corner, absolute: 1e-5))
    #expect(throws: MethodError.self) { try neck(Tensor.zeros([1, 5, 1, 4])) }
    #expect(throws: ConfigurationError.self) { try Self.method(["grid": 3]) }
  }

  @Test(
    "two processes with joined statistics are one; with shuffled ones every key comes back to its own place")
  func processes() throws {
    let batch = try MemoryPictures(count: 8).batch(at: [0, 1, 2, 3, 4])
    let parts = [[0, 1], [2, 3, 4]]
    func outcome(_ settings: JSON, _ group: ThreadGroup?) throws -> (loss: Double, state: [Tensor]) {
      let method = try Self.method(settings, batch: 5)
      let own = group.map { parts[$0.rank] } ?? Array(0..<5)
      let loss = try method.loss(
        Batch(modalities: ["image"], items: [batch.items[0].rows(at: own)], rows: [own]),
        Self.step(0, group))
      return (try loss.total.item(), [try method.queue.copied(), try method.queue2.copied()])
    }
    let whole = try outcome(["normalization": "joined"], nil)
    let each = try ThreadGroup.run(2) { try outcome(["normalization": "joined"], $0) }
    // Without gathering, each has the mean over its own rows.
    #expect(abs((2 * each[0].loss + 3 * each[1].loss) / 5 - whole.loss) < 1e-4)
    for place in 0...1 {
      for own in each {
        #expect(try own.state[place].isClose(to: whole.state[place], absolute: 1e-4))
      }
    }
    let rows = try Tensor.range(0..<5).to(.float32).unsqueezed(at: 1)
    let back = try ThreadGroup.run(2) { group in
      let own = try rows.rows(at: parts[group.rank])
      var seen: [Float] = []
      let found = try Self.step(0, group).shuffled(own) {
        seen = try $0.values(as: Float.self)
        return [try $0 * 10]
      }
      return (seen, try found[0].values(as: Float.self))
    }
    #expect(back.map(\.1) == [[0, 10], [20, 30, 40]])
    #expect(back.flatMap(\.0).sorted() == [0, 1, 2, 3, 4])
    let shuffled = try ThreadGroup.run(2) { try outcome([:], $0) }
    #expect(try shuffled[0].state[0].bytes() == shuffled[1].state[0].bytes())
  }

  @Test("a training that was broken off within an epoch ends with the same bytes")
  func resumes() throws {
    let folder = try TemporaryFolder()
    let rows = try Tensor.integers(in: 0..<256, [12, 16, 16, 3], using: Generator(seed: 8)).to(.uint8)
    let data = try DataSet(
      name: "squares", [.init("image", .images(rows))], splits: ["train": 0..<12])
    func settings(steps: Int?) throws -> RunSettings {
      var all: JSON = [
        "hidden": 8, "embed_size": 6, "batch_size": 4, "epochs": 3, "checkpoint_every": 1, "threads": 1,
        "schedule": "constant",
      ]
      if let steps { all["steps"] = .int(steps) }
      return try RunSettings(all, keys: DenseCL.allKeys)
    }
    let whole = try Run.train(
      DenseCL.self, settings: settings(steps: nil), data: data, into: folder.file("whole")
    ).run
    let out = folder.file("broken")
    let learning = try Learning(
      DenseCL.self, settings: settings(steps: nil), data: data, split: "train", seed: 0
    ) { _ in }
    try FileManager.default.createDirectory(at: out, withIntermediateDirectories: false)
    try RunFolder(out).begin(learning.record(), .new)
    let method = try #require(learning.method as? DenseCL)
    #expect(throws: DataError.self) {
      try Trainer(
        method, training: #require(learning.training), data: MemoryPictures(rows, breaking: 5), folder: out
      ).run()
    }
    let resumed = try Run.train(
      DenseCL.self, settings: settings(steps: nil), data: data, into: out, start: .resuming
    ).run
    #expect(try bits(resumed.method) == bits(whole.method))
  }

  @Test("what cannot be is told in a sentence")
  func refused() throws {
    #expect(throws: ConfigurationError.self) { try DenseCL.Configuration(overrides: ["encoder": "vgg19"]) }
    #expect(throws: ConfigurationError.self) { try DenseCL.Configuration(overrides: ["lambda": 1.5]) }
    #expect(throws: ConfigurationError.self) { try DenseCL.Configuration(overrides: ["temperature": 0]) }
    #expect(throws: ConfigurationError.self) {
      try DenseCL.Configuration(overrides: ["pictures": ["blur": [2, 1]]])
    }
    #expect(throws: ConfigurationError.self) {
      try DenseCL.Configuration(overrides: ["encoder": "resnet50", "pictures": ["size": 16]])
    }
    #expect(throws: ConfigurationError.self) {
      var training = TrainingConfiguration()
      training.batchSize = 8
      _ = try Self.method(["queue_length": 5]).sampler(for: MemoryPictures(count: 8), training)
    }
    #expect(throws: MethodError.self) {
      try DenseCL(
        .init(), for: DataDescription(name: "x", modalities: [.init(name: "v", kind: .vector, size: 3)]))
    }
    #expect(DenseCL.queueLength(batch: 32, pictures: 367) == 1440)
    #expect(DenseCL.queueLength(batch: 256, pictures: 100_000) == 65_536)
    #expect(DenseCL.queueLength(batch: 4, pictures: 1) == 4)
  }

  @Test("places of two pictures are linked where each is the nearest of the other")
  func links() throws {
    let method = try Self.method()
    let pictures = try MemoryPictures(count: 8).batch(at: [0, 1]).items[0]
    let (one, other) = (try pictures.rows(at: [0]), try pictures.rows(at: [1]))
    let linked = try [method.links([one, one]), method.links([one, other])]
    let same = try #require(linked[0])
    #expect(same.links.count == same.grids[0].cells && same.links.allSatisfy { $0.from == $0.to })
    #expect(same.links.allSatisfy { abs($0.similarity - 1) < 1e-5 })
    let found = try #require(linked[1])
    #expect(!found.links.isEmpty && found.nearest.map(\.count) == found.grids.map(\.cells))
    #expect(found.atLeast(2).links.isEmpty)
    #expect(try method.evidence([one, other]).isEmpty)
  }
}

/// Pictures in memory; with a number of batches after which the disk is gone.
private struct MemoryPictures: TrainingSet {
  let rows: Tensor
  let left: Locked<Int>

  init(count: Int) throws {
    self.init(
      try Tensor.integers(in: 0..<256, [count, 16, 16, 3], using: Generator(seed: 7)).to(.uint8),
      breaking: .max)
  }

  init(_ rows: Tensor, breaking batches: Int) {
    self.rows = rows
    left = Locked(batches)
  }

  var description: DataDescription {
    DataDescription(
      name: "squares", modalities: [.init(name: "image", kind: .images, shape: [16, 16, 3])])
  }
  var count: Int { rows.size(along: 0) }
  var labels: [Int]? { nil }

  func batch(at places: [Int]) throws -> Batch {
    guard left.add(-1) >= 0 else { throw DataError.unreadable(file: "squares", reason: "the disk is gone") }
    return Batch(modalities: ["image"], items: [.images(try rows.rows(at: places))], rows: [places])
  }
}
