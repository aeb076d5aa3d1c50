import CrossModal
import Foundation
import Torch

/// Dynamic modality interaction at the size of published work: 36 regions, 12 words, width 256. Benchmarks/dime.py runs it
/// beside the authors' algorithm in PyTorch on the same numbers.
enum DynamicInteractionScores {
  /// - Parameter work: what the last bias of every router is.
  static func measure(_ work: String, threads: Int) throws {
    try Runtime.setThreads(threads)
    var configuration = DIME.Configuration()
    configuration.wordDim = 8
    let method = try DIME(
      configuration,
      for: DataDescription(
        name: "bench",
        modalities: [
          .init(name: "image", kind: .set, size: 8), .init(name: "text", kind: .tokens, vocabulary: 8),
        ]))
    let generator = try Generator(seed: 4)
    let bias = Double(work) ?? 0
    for entry in method.parameters where entry.name.hasPrefix("itr.dynamic_itr") {
      let drawn = try Initializer.uniform(from: -0.08, to: 0.08)(entry.tensor.shape, using: generator)
      entry.tensor =
        entry.name.hasSuffix("router.mlp.2.bias") ? try Tensor.full(entry.tensor.shape, bias) : drawn
    }
    let (images, texts) = (try features(16, length: 36, seed: 1), try features(32, length: 12, seed: 2))
    var scores = try Tensor.zeros([0])
    let time = try CrossAttentionScores.best(of: 3) { scores = try method.similarity(images, texts) }
    CrossAttentionScores.print([
      .init("pairs", .int(16 * 32)), .init("cpu", .double(time.cpu)),
      .init("cells", .double(try method.shareOfCells(images, texts))),
      .init("check", .array(try scores.contiguous().values(as: Double.self).map(JSON.double))),
      .init("memory", .int(CrossAttentionScores.peakMemory())),
    ])
  }

  /// A vector of the whole item, then those of its parts, of length 1.
  private static func features(_ count: Int, length: Int, seed: UInt64) throws -> Features {
    let rows = try Tensor.normal([count, length + 1, 256], using: Generator(seed: seed)).normalized(along: 2)
    return Features(
      try rows.flattened(to: 1), lengths: [Int](repeating: length + 1, count: count))
  }
}
