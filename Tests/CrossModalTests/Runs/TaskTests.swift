import Foundation
import Testing
import Torch

@testable import CrossModal

/// A method of every task goes the whole way, though the house knows none of them.
@Suite("Five tasks")
struct TaskTests {
  static let toys: [any Method.Type] = [
    ToyMatcher.self, ToyAnswerer.self, ToyCaptioner.self, ToyGrounder.self, ToyRepresenter.self,
  ]

  /// Vectors of four corners with what all tasks ask of them.
  private static func data(for type: any Method.Type) throws -> DataSet {
    let generator = try Generator(seed: 5)
    let classes = (0..<48).map { $0 % 4 }
    let corners = try Tensor([3.0, 0, 0, 3, -3, 0, 0, -3]).reshaped(4, 2).to(.float32)
    let rows = try corners.rows(at: classes) + Tensor.normal([48, 2], using: generator) * 0.3
    let others = try corners.rows(at: classes) + Tensor.normal([48, 2], using: generator) * 0.3
    let texts = classes.map { "a thing in the \(["east", "north", "west", "south"][$0]) corner" }
    let second: Items = type is ToyCaptioner.Type ? .texts(texts) : .vectors(others)
    let isAlone = type.description.modalities == 1...1
    return try DataSet(
      name: "corners",
      [.init("place", .vectors(rows))] + (isAlone ? [] : [.init("other", second)]),
      labels: isAlone ? .numbers(classes) : nil,
      answers: type is ToyAnswerer.Type ? classes.map { [["east", "north", "west", "south"][$0]] } : nil,
      moments: type is ToyGrounder.Type ? classes.map { Double($0)...Double($0 + 1) } : nil,
      splits: ["train": 0..<32, "val": 32..<40, "test": 40..<48])
  }

  private static func settings(_ type: any Method.Type, _ more: JSON = .object([])) throws -> RunSettings {
    var all: JSON = ["epochs": 6, "batch_size": 8, "learning_rate": 0.05, "threads": 1]
    if type is ToyCaptioner.Type { all["targets"] = ["captions": ["threshold": 1]] }
    for member in more.members ?? [] { all[member.key] = member.value }
    return try RunSettings(all, keys: type.allKeys)
  }

  @Test("trains, is opened and measured, prints itself, and stands in a report", arguments: toys.indices)
  func wholeWay(toy: Int) throws {
    let type = Self.toys[toy]
    let (folder, data) = (try TemporaryFolder(), try Self.data(for: type))
    let out = folder.file("run")
    let (run, outcome) = try Run.train(type, settings: Self.settings(type), data: data, into: out) {
      _ in
    } with: {
      try $0.writeReport(of: $1, on: data, to: $2)
    }
    let opened = try Run.open(out.path, methods: [type])
    let test = try data.split("test")
    let measured = try opened.evaluate(on: test)
    #expect(try run.evaluate(on: test).result.measures == measured.result.measures)

    // The names are known before: the first is what weights were chosen by.
    let pairs = try opened.pairs(of: test)
    let evaluable = try #require(opened.method as? any Evaluable)
    #expect(try evaluable.selectionNames(on: pairs) == measured.result.selection.map(\.name))
    #expect(outcome.best?.name == measured.result.selection.first?.name)

    let json = measured.json
    for key in ["method", "dataset", "split", "task", "protocol", "n", "metrics", "seconds"] {
      #expect(json[key] != nil, "\(key)")
    }
    #expect(json["metrics"]?.members?.isEmpty == false)
    let page = try String(contentsOf: out.appendingPathComponent("report.html"), encoding: .utf8)
    for measure in measured.result.measures {
      let name = measure.name.split(separator: ".").last.map(String.init) ?? ""
      #expect(measured.description.contains(name) && page.contains(Markup.escape(name)), "\(name)")
    }
    #expect(page.contains("Learning curves"))
  }

  @Test(
    "its numbers have intervals, and are compared item by item with those of another run",
    arguments: toys.indices)
  func compared(toy: Int) throws {
    let type = Self.toys[toy]
    let (folder, data) = (try TemporaryFolder(), try Self.data(for: type))
    let results = try [6, 1].map { epochs in
      try Run.train(
        type, settings: Self.settings(type, ["epochs": .int(epochs)]), data: data,
        into: folder.file("run\(epochs)")
      ).run.evaluate(on: data.split("test")).result
    }
    let resampling = Resampling(samples: 50)
    let intervals = resampling.intervals(of: results[0])
    #expect(!intervals.isEmpty)
    for (name, interval) in intervals {
      let measure = try #require(results[0].measures.first { $0.name == name })
      #expect(abs(interval.value - measure.value) < 1e-9, "\(name)")
      #expect(interval.lower <= interval.upper, "\(name)")
    }
    let comparisons = try resampling.comparisons(of: results[0], results[1])
    #expect(comparisons.map(\.name) == intervals.map(\.name))
    for (name, comparison) in comparisons {
      let values = results.map { result in result.measures.first { $0.name == name }?.value ?? .nan }
      #expect(abs(comparison.difference.value - (values[1] - values[0])) < 1e-9, "\(name)")
    }
  }

  @Test(
    "runs of several seeds in one folder have means and deviations, and stand in a report of their own",
    arguments: toys.indices)
  func severalSeeds(toy: Int) throws {
    let type = Self.toys[toy]
    let (folder, data) = (try TemporaryFolder(), try Self.data(for: type))
    let out = folder.file("group")
    for seed in [2, 10] as [UInt64] {
      _ = try Run.train(
        type, settings: Self.settings(type), data: data, seed: seed, into: RunGroup.place(of: seed, in: out))
    }
    #expect(RunGroup.seeds(in: out) == [2, 10])
    let group = try RunGroup(at: out.path, methods: [type])
    #expect(group.members.map(\.name) == ["seed-2", "seed-10"])
    let measured = try #require(try group.writeReport(on: data))
    let each = try group.members.map { try $0.run.evaluate(on: data.split("test")).result.measures }
    let page = try String(contentsOf: out.appendingPathComponent("report.html"), encoding: .utf8)
    for (place, measure) in measured.result.measures.enumerated() {
      let mean = (each[0][place].value + each[1][place].value) / 2
      #expect(abs(measure.value - mean) < 1e-9, "\(measure.name)")
      let name = measure.name.split(separator: ".").last.map(String.init) ?? ""
      #expect(measured.description.contains(name) && page.contains(Markup.escape(name)), "\(name)")
    }
    for key in ["method", "protocol", "n", "metrics", "deviations", "models"] {
      #expect(measured.json[key] != nil, "\(key)")
    }
    let resampling = Resampling(samples: 20)
    let alone = try group.first.evaluate(on: data.split("test")).result
    #expect(
      resampling.intervals(of: measured.result).map(\.name) == resampling.intervals(of: alone).map(\.name))
    // One run is meant where one is opened, and other settings are no other seed.
    #expect(throws: RunError.isGroup(out.path, seeds: 2, first: 2)) {
      try Run.open(out.path, methods: [type])
    }
    _ = try Run.train(
      type, settings: Self.settings(type, ["epochs": 2]), data: data, seed: 3,
      into: RunGroup.place(of: 3, in: out))
    let error = #expect(throws: RunError.self) { try RunGroup(at: out.path, methods: [type]) }
    #expect(error?.errorDescription?.contains("epochs is 6 in seed-2, 2 in seed-3") == true)
  }

  @Test("a wrong measure is refused before the first step, and leaves nothing", arguments: toys.indices)
  func refused(toy: Int) throws {
    let type = Self.toys[toy]
    let folder = try TemporaryFolder()
    let error = #expect(throws: TrainingError.self) {
      try Run.train(
        type, settings: Self.settings(type, ["select_by": "nonsense"]), data: Self.data(for: type),
        into: folder.file("run")
      ) { if case .step = $0 { Issue.record("a step was taken") } }
    }
    #expect(error?.errorDescription?.contains("'nonsense'") == true)
    #expect(!FileManager.default.fileExists(atPath: folder.file("run").path))
    guard type.description.task != .retrieval else { return }
    let run = try Run.train(
      type, settings: Self.settings(type, ["epochs": 1]), data: Self.data(for: type),
      into: folder.file("other")
    ).run
    #expect(throws: EvaluationError.self) { try run.check(EvaluationOptions(searched: .full)) }
  }

  @Test("a training that was broken off ends with the weights of one that was not", arguments: toys.indices)
  func resumes(toy: Int) throws {
    let type = Self.toys[toy]
    let (folder, data) = (try TemporaryFolder(), try Self.data(for: type))
    let settings = try Self.settings(type, ["checkpoint_every": 1])
    let whole = try Run.train(type, settings: settings, data: data, into: folder.file("whole")).run

    // The disk fails in the third epoch.
    let out = folder.file("broken")
    let learning = try Learning(type, settings: settings, data: data, split: "train", seed: 0) { _ in }
    let method = try #require(learning.method as? any Trainable)
    try FileManager.default.createDirectory(at: out, withIntermediateDirectories: false)
    try RunFolder(out).begin(learning.record(), .new)
    #expect(throws: DataError.self) {
      try Trainer(
        method, training: #require(learning.training), data: FailingPairs(learning.data, after: 10),
        validation: learning.pairs(of: "val"), folder: out
      ).run()
    }
    let resumed = try Run.train(type, settings: settings, data: data, into: out, start: .resuming).run
    #expect(try bits(resumed.method) == bits(whole.method))
  }
}

/// Pairs of which no more than so many batches can be read.
private struct FailingPairs: TrainingSet {
  let pairs: FeaturizedSplit
  let left: Locked<Int>

  init(_ pairs: FeaturizedSplit, after batches: Int) {
    self.pairs = pairs
    left = Locked(batches)
  }

  var description: DataDescription { pairs.description }
  var count: Int { pairs.count }
  var labels: [Int]? { pairs.labels }
  func labels(side: Int) -> [Int]? { pairs.labels(side: side) }
  func targets(_ name: String) -> [[Int]]? { pairs.targets(name) }

  func batch(at places: [Int]) throws -> Batch {
    guard left.add(-1) >= 0 else { throw DataError.unreadable(file: "corners", reason: "the disk is gone") }
    return try pairs.batch(at: places)
  }
}
