import CrossModal
import Foundation
import Torch

/// The dense loss at the published size, and steps of training. Benchmarks/dense.py runs them beside PyTorch on the same
/// numbers, each in a process of its own.
enum DenseContrastSteps {
  /// What is measured: `loss-256` (pictures of a batch, 7 x 7 cells, width 128, 65,536 keys), or `step-NETWORK`.
  static func measure(_ work: String, threads: Int) throws {
    try Runtime.setThreads(threads)
    let parts = work.split(separator: "-", maxSplits: 1)
    guard parts.count == 2 else { throw UnknownWork(work: work) }
    switch (parts[0], Int(parts[1])) {
    case ("loss", let pictures?): try loss(pictures)
    case ("step", nil): try steps(String(parts[1]))
    default: throw UnknownWork(work: work)
    }
  }

  struct UnknownWork: LocalizedError {
    let work: String
    var errorDescription: String? { "nothing is measured as '\(work)'" }
  }

  private static func rows(_ count: Int, _ width: Int, seed: UInt64) throws -> Tensor {
    try Tensor.normal([count, width], using: Generator(seed: seed)).normalized(along: 1)
  }

  private static func loss(_ pictures: Int) throws {
    let (cells, queue) = (try rows(pictures * 49, 128, seed: 1), try rows(65_536, 128, seed: 2))
    let keys = try rows(pictures * 49, 128, seed: 3)
    let contrast = try QueueContrast(temperature: 0.2)
    let before = CrossAttentionScores.peakMemory()
    var check: [Double] = []
    let time = try CrossAttentionScores.best(of: 2) {
      let queries = try cells.requiringGradient()
      let found = try contrast(queries, positives: (queries * keys).sum(along: 1), queue: queue)
      try found.loss.backward()
      check = [try found.loss.item(), try queries.gradient?.norm().item() ?? 0]
    }
    CrossAttentionScores.print([
      .init("cpu", .double(time.cpu)), .init("memory", .int(CrossAttentionScores.peakMemory() - before)),
      .init("check", .array(check.map(JSON.double))),
    ])
  }

  /// Five steps of SGD on views that are there already.
  private static func steps(_ encoder: String) throws {
    let isSmall = encoder == "resnet-small"
    let (pictures, side) = isSmall ? (32, 48) : (16, 96)
    let method = try DenseCL(
      .init(overrides: [
        "encoder": .string(encoder), "hidden": isSmall ? 96 : 512, "embed_size": isSmall ? 64 : 128,
        "queue_length": isSmall ? 1024 : 4096, "pictures": ["size": .int(side)],
      ]),
      for: DataDescription(name: "bench", modalities: [.init(name: "image", kind: .images)]))
    for (number, entry) in method.stateEntries.sorted(by: { $0.name < $1.name }).enumerated() {
      let shape = entry.tensor.shape
      let seed = UInt64(number + 10)
      if entry.name.hasPrefix("queue"), shape.count == 2 {
        entry.tensor = try rows(shape[1], shape[0], seed: seed).transposed().contiguous()
      } else if entry.isParameter, shape.count > 1 {
        let inputs = Double(shape.dropFirst().reduce(1, *))
        entry.tensor = try Tensor.normal(shape, using: Generator(seed: seed)) * (2 / inputs).squareRoot()
      } else if entry.isParameter, entry.name.hasSuffix("bias") {
        entry.tensor = try Tensor.zeros(shape)
      }
    }
    let views = try (0..<2).map { view in
      try Tensor.normal([pictures, 3, side, side], using: Generator(seed: UInt64(view + 1)))
    }
    let training = DenseCL.trainingDefaults(method.configuration, pairs: pictures)
    let parameters = try method.parameterGroups(training).flatMap(\.parameters)
    let optimizer = SGD(parameters, momentum: 0.9, weightDecay: 1e-4)
    var losses: [Double] = []
    var start = processSeconds()
    for number in 0..<6 {
      if number == 1 { start = processSeconds() }
      try parameters.clearGradients()
      let total = try method.value(inputs: views[0], views[1], Step(number: number, training: training)).total
      try total.backward()
      try optimizer.step(learningRate: 0.03)
      losses.append(try total.item())
    }
    CrossAttentionScores.print([
      .init("cpu", .double((processSeconds() - start) / 5)), .init("check", .array(losses.map(JSON.double))),
    ])
  }
}
