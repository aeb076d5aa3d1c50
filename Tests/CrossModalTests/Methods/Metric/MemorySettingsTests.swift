import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Memory of past batches in methods")
struct MemorySettingsTests {
  private func loss(_ settings: JSON, _ data: MemorySet, places: Range<Int> = 0..<12) throws -> Loss {
    let method = try NPair(.init(overrides: settings), for: data.description)
    return try method.loss(data.batch(at: Array(places)), Step())
  }

  @Test("the penalty on norms counts once, and the batch's own loss in full")
  func penalty() throws {
    let data = try MetricMethodsTests.data()
    let memory: JSON = ["size": 16, "warmup_steps": 0]
    let alone = try loss(["l2_reg": 1e6], data)
    let found = try loss(["l2_reg": 1e6, "memory": memory], data)
    let parts = Dictionary(uniqueKeysWithValues: try found.parts.map { ($0.name, try $0.value.item()) })
    let terms = try #require(parts["memory_a"]) + #require(parts["memory_b"])
    // The memory holds this batch alone: each direction against it is that direction of the batch.
    let plain = try loss(["l2_reg": 0], data).total.item()
    #expect(isClose(terms / 2, plain, 1e-4))
    #expect(try isClose(found.total.item(), alone.total.item() + terms / 2, 1))
  }

  @Test("without symmetric only the first modality is compared with the memory")
  func oneWay() throws {
    let data = try MetricMethodsTests.data()
    let memory: JSON = ["size": 16, "warmup_steps": 0]
    let found = try loss(["symmetric": false, "memory": memory], data)
    #expect(found.parts.map(\.name).contains("memory_a") && !found.parts.map(\.name).contains("memory_b"))
  }

  @Test("items of two pairs are known by either of them when they come from the memory")
  func eitherItem() throws {
    let vectors = try Tensor.normal([3, 4], using: Generator(seed: 1))
    // Images 0 and 1 share text 0, as pairs (0, 0) and (1, 0).
    let data = MemorySet(
      [.vectors(vectors), .vectors(try vectors[0..<2])], rows: [[0, 1, 2], [0, 0, 1]])
    var small = SigLIP.Configuration()
    (small.memory.size, small.embedSize) = (2, 4)
    let bank = try #require(try MemoryBank(of: small, for: data.description))
    #expect(throws: ObjectiveError.self) { try bank.append([vectors, vectors], ids: [Tensor([0, 1, 2])]) }
    let settings: JSON = ["memory": ["size": 3, "warmup_steps": 0], "embed_size": 8]
    let method = try SigLIP(.init(overrides: settings), for: data.description)
    let memory = try #require(method.memory)
    _ = try method.loss(data.batch(at: [0, 2, 1]), Step())
    let held = try (0..<2).map { try memory.ring($0).ids.values(as: Int.self) }
    #expect(held == [[0, 2, 1], [0, 1, 0]])
    // All of the batch against the memory of itself: what matches there is what matches in the batch.
    let step = try Step()
    let batch = try data.batch(at: [0, 2, 1])
    let expected = try method.matches(batch, step).masks().positive.values(as: Bool.self)
    let ids = try method.ids(batch, step)
    let found = try Matches(
      anyOf: (0..<2).map { (x: ids[$0], y: try memory.ring($0).ids) }
    ).masks().positive.values(as: Bool.self)
    #expect(found == expected)
  }

  @Test("half-precision memories go with training in bfloat16")
  func mixedPrecision() throws {
    let data = try MetricMethodsTests.data()
    for kind in [MetricCase(CLIP.self), MetricCase(Contrastive.self), MetricCase(NPair.self)] {
      var (method, training) = try kind.method(
        data, ["memory": ["size": 24, "warmup_steps": 0, "dtype": "f16"]])
      training.precision = .bfloat16
      training.epochs = 1
      try Trainer(method, training: training, data: data).run()
      #expect(try method.encode(data.items[0], side: 0).values.isFinite().all(), "\(kind)")
    }
  }

  @Test("a memory smaller than a batch is refused before training")
  func tooSmall() throws {
    let data = try MetricMethodsTests.data()
    for kind in [MetricCase(CLIP.self), MetricCase(SigLIP.self), MetricCase(Contrastive.self)] {
      let (method, training) = try kind.method(data, ["memory": 8])
      let error = #expect(throws: ConfigurationError.self) {
        try Trainer(method, training: training, data: data)
      }
      #expect(error?.errorDescription == "memory.size: 8 is not 0, or at least the 12 pairs of a batch")
    }
  }
}
