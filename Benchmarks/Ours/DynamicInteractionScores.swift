import CrossModal
import Foundation
import Torch

/// Dynamic modality interaction at the size of published work: 36 regions, 12 words, width 256. Benchmarks/dime.py runs it
/// beside the authors' algorithm in PyTorch on the same numbers.
enum DynamicInteractionScores {
  /// - Parameter work: what the last bias of every router is, for scores; or `step-32-256`, pairs and width of a batch.
  static func measure(_ work: String, threads: Int) throws {
    try Runtime.setThreads(threads)
    let parts = work.split(separator: "-").map(String.init)
    if parts.count == 3, parts[0] == "step", let pairs = Int(parts[1]), let width = Int(parts[2]) {
      return try step(pairs, width: width)
    }
    let method = try method(width: 256, bias: Double(work) ?? 0)
    let (images, texts) = (
      try features(16, length: 36, width: 256, seed: 1), try features(32, length: 12, width: 256, seed: 2)
    )
    var scores = try Tensor.zeros([0])
    let time = try CrossAttentionScores.best(of: 3) { scores = try method.similarity(images, texts) }
    CrossAttentionScores.print([
      .init("pairs", .int(16 * 32)), .init("cpu", .double(time.cpu)),
      .init("cells", .double(try method.shareOfCells(images, texts))),
      .init("check", .array(try scores.contiguous().values(as: Double.self).map(JSON.double))),
      .init("memory", .int(CrossAttentionScores.peakMemory())),
    ])
  }

  /// A model with the numbers that the peer draws too.
  private static func method(width: Int, bias: Double) throws -> DIME {
    var configuration = DIME.Configuration()
    configuration.wordDim = 8
    configuration.embedSize = width
    let method = try DIME(
      configuration,
      for: DataDescription(
        name: "bench",
        modalities: [
          .init(name: "image", kind: .set, size: 8), .init(name: "text", kind: .tokens, vocabulary: 8),
        ]))
    let generator = try Generator(seed: 4)
    for entry in method.parameters
    where entry.name.hasPrefix("itr.dynamic_itr") || entry.name.hasPrefix("itr.path_mapping") {
      let drawn = try Initializer.uniform(from: -0.08, to: 0.08)(entry.tensor.shape, using: generator)
      entry.tensor = try
        (entry.name.hasSuffix("router.mlp.2.bias") ? Tensor.full(entry.tensor.shape, bias) : drawn)
        .requiringGradient()
    }
    return method
  }

  /// Scores, loss and gradient of a batch with every cell alive.
  private static func step(_ count: Int, width: Int) throws {
    let method = try method(width: width, bias: 1.5)
    let (images, texts) = (
      try features(count, length: 36, width: width, seed: 1),
      try features(count, length: 12, width: width, seed: 2)
    )
    let labels = try Tensor.normal([count, 16], using: Generator(seed: 3)).normalized(along: 1)
    let before = CrossAttentionScores.peakMemory()
    var check: [Double] = []
    let time = try CrossAttentionScores.best(of: 1) {
      let (x, y) = (try images.values.requiringGradient(), try texts.values.requiringGradient())
      try method.parameters.clearGradients()
      let loss = try method.loss(
        Features(x, lengths: images.lengths), Features(y, lengths: texts.lengths), labels: labels,
        batch: Double(count)
      ).total
      try loss.backward()
      let weights = try method.parameters.filter { $0.tensor.rank == 2 }
        .compactMap { try $0.tensor.gradient?.flattened() }
      check = [
        try loss.item(), try x.gradient?.norm().item() ?? 0, try y.gradient?.norm().item() ?? 0,
        try Tensor.concatenated(weights).norm().item(),
      ]
    }
    CrossAttentionScores.print([
      .init("cpu", .double(time.cpu)), .init("memory", .int(CrossAttentionScores.peakMemory() - before)),
      .init("check", .array(check.map(JSON.double))),
    ])
  }

  /// A vector of the whole item, then those of its parts, of length 1.
  private static func features(_ count: Int, length: Int, width: Int, seed: UInt64) throws -> Features {
    let rows = try Tensor.normal([count, length + 1, width], using: Generator(seed: seed)).normalized(
      along: 2)
    return Features(
      try rows.flattened(to: 1), lengths: [Int](repeating: length + 1, count: count))
  }
}
