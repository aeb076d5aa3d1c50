import Foundation
import Testing
import Torch

@testable import CrossModal

@Suite("Training configuration")
struct TrainingConfigurationTests {
  private func configuration(_ yaml: String) throws -> TrainingConfiguration {
    try TrainingConfiguration().overridden(by: JSON(yaml: yaml))
  }

  @Test("names of official programs are other names of the same keys")
  func aliases() throws {
    let found = try configuration("{num_epochs: 7, grad_clip: 2.0, lr: 0.1, lr_update: 15}")
    #expect(found.epochs == 7)
    #expect(found.gradientClip == 2)
    #expect(found.learningRate == 0.1)
    #expect(found.schedule == Schedule(kind: .step, every: 15))
    let both = try configuration("{lr_update: 15, lr_gamma: 0.5}")
    #expect(both.schedule == Schedule(kind: .step, every: 15, gamma: 0.5))
    let other = try configuration("{schedule: exponential, lr_gamma: 0.9}")
    #expect(other.schedule == Schedule(kind: .exponential, gamma: 0.9))
  }

  @Test("parts of the schedule are set one by one, and a word alone is its kind")
  func schedule() throws {
    #expect(try configuration("{schedule: cosine}").schedule.kind == .cosine)
    #expect(try configuration("{schedule: {gamma: 0.5}}").schedule == Schedule(kind: .constant, gamma: 0.5))
    let settings = try RunSettings(
      .object([]), assignments: ["schedule=cosine", "schedule.warmup=9"], keys: TrainingConfiguration.keys)
    #expect(
      try TrainingConfiguration().overridden(by: settings.method).schedule
        == Schedule(kind: .cosine, warmup: 9))
    let error = #expect(throws: ConfigurationError.self) { try configuration("{schedule: {gama: 0.5}}") }
    #expect(error?.errorDescription?.contains("did you mean 'schedule.gamma'?") == true)
  }

  @Test(
    "values out of range are refused by key",
    arguments: [
      ("{epochs: -1}", "epochs"), ("{batch_size: 0}", "batch_size"), ("{learning_rate: -1}", "learning_rate"),
      ("{betas: [0.9]}", "betas"), ("{schedule: {every: 0}}", "schedule.every"), ("{ema: 1}", "ema"),
      ("{optimizer: adm}", "optimizer"), ("{schedule: 3}", "schedule"),
      ("{gradient_clip: 0}", "gradient_clip"), ("{epochs: 1.5}", "epochs: 1.5"),
      ("{schedule: {every: 0.5}}", "schedule.every: 0.5"),
    ])
  func refuses(yaml: String, key: String) {
    let error = #expect(throws: ConfigurationError.self) { try configuration(yaml) }
    #expect(error?.errorDescription?.hasPrefix(key) == true, "\(String(describing: error))")
  }
}

@Suite("Schedule")
struct ScheduleTests {
  @Test("each kind follows its formula")
  func formulas() {
    func factors(_ schedule: Schedule) -> [Double] {
      [0, 5, 10].map { schedule.factor(step: $0, epoch: $0 / 5, total: 10) }
    }
    #expect(factors(Schedule()) == [1, 1, 1])
    #expect(factors(Schedule(kind: .step, every: 1, gamma: 0.5)) == [1, 0.5, 0.25])
    #expect(factors(Schedule(kind: .step, gamma: 0.5, milestones: [2])) == [1, 1, 0.5])
    #expect(factors(Schedule(kind: .linear, floor: 0.5)) == [1, 0.75, 0.5])
    #expect(factors(Schedule(kind: .inverse, gamma: 0.2)) == [1, 0.5, 1.0 / 3])
    let cosine = factors(Schedule(kind: .cosine))
    #expect(abs(cosine[1] - 0.5) < 1e-15 && cosine[2] < 1e-15)
  }

  @Test("an epoch a step, the rates are those of PyTorch's schedulers")
  func recorded() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Fixtures/torch/optimisers.safetensors").standardizedFileURL
    let recorded = try Dictionary(
      uniqueKeysWithValues: SafeTensors.read(file.path).tensors.map { ($0.name, $0.tensor) })
    for (name, schedule, total) in [
      ("step", Schedule(kind: .step, every: 3, gamma: 0.5), 10),
      ("milestones", Schedule(kind: .step, gamma: 0.1, milestones: [2, 7]), 10),
      ("exponential", Schedule(kind: .exponential, gamma: 0.9), 10),
      ("cosine", Schedule(kind: .cosine, floor: 0.2), 9), ("line", Schedule(kind: .linear, floor: 0.1), 6),
    ] {
      let expected = try #require(recorded["rates/\(name)"]).values(as: Double.self)
      for (step, rate) in expected.enumerated() {
        #expect(abs(schedule.factor(step: step, epoch: step, total: total) - rate) < 1e-6, "\(name) \(step)")
      }
    }
  }

  @Test("warmup rises in a straight line to the rate, from which a fall is counted")
  func warmup() {
    let schedule = Schedule(kind: .constant, warmup: 4)
    #expect((0..<6).map { schedule.factor(step: $0, epoch: 0, total: 10) } == [0.25, 0.5, 0.75, 1, 1, 1])
    let falling = Schedule(kind: .linear, warmup: 2)
    #expect((0..<6).map { falling.factor(step: $0, epoch: 0, total: 6) } == [0.5, 1, 1, 0.75, 0.5, 0.25])
  }
}

@Suite("Batch samplers")
struct BatchSamplerTests {
  @Test("an epoch holds every pair once, in an order that seed and epoch fix")
  func shuffled() throws {
    let sampler = ShuffledSampler(count: 23, batchSize: 5)
    let first = try sampler.batches(epoch: 0, seed: 1)
    #expect(first.map(\.count) == [5, 5, 5, 5, 3])
    #expect(first.flatMap { $0 }.sorted() == Array(0..<23))
    #expect(try sampler.batches(epoch: 0, seed: 1) == first)
    #expect(try sampler.batches(epoch: 1, seed: 1) != first)
    #expect(try sampler.batches(epoch: 0, seed: 2) != first)
    #expect(
      try ShuffledSampler(count: 23, batchSize: 5, dropsLast: true).batches(epoch: 0, seed: 1).count == 4)
  }

  @Test("batches by class hold so many pairs of so many different classes")
  func classes() throws {
    let labels = (0..<60).map { $0 % 6 }
    let sampler = ClassSampler(labels: labels, classes: 3, views: 4)
    let batches = try sampler.batches(epoch: 2, seed: 9)
    #expect(batches.count == 5)
    for batch in batches {
      let counts = Dictionary(grouping: batch, by: { labels[$0] }).mapValues(\.count)
      #expect(counts.count == 3)
      #expect(counts.values.allSatisfy { $0 == 4 })
    }
    #expect(try sampler.batches(epoch: 2, seed: 9) == batches)
  }
}
