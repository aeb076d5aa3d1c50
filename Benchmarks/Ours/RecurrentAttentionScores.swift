import CrossModal
import Foundation
import Torch

/// Recurrent attention memory at the size of published work: 36 regions, 8 to 16 words, width 1024. Benchmarks/imram.py
/// runs it beside the authors' algorithm in PyTorch on the same numbers.
enum RecurrentAttentionScores {
  /// What is measured: `t2i-2` (direction and steps), `step-32` (pairs of a batch, hardest negatives) or `all-128` (all
  /// negatives).
  static func measure(_ work: String, threads: Int) throws {
    try Runtime.setThreads(threads)
    let parts = work.split(separator: "-")
    guard parts.count == 2, let number = Int(parts[1]) else { throw UnknownWork(work: work) }
    switch parts[0] {
    case "step": try step(number, .hardest)
    case "all": try step(number, .sum)
    default: try scores(parts[0] == "t2i" ? .t2i : .i2t, steps: number)
    }
  }

  struct UnknownWork: LocalizedError {
    let work: String
    var errorDescription: String? { "nothing is measured as '\(work)'" }
  }

  private static func attention(_ direction: CrossAttention.Direction, steps: Int) -> RecurrentAttention {
    var attention = CrossAttention()
    attention.direction = direction
    return RecurrentAttention(attention, steps: steps)
  }

  private static func unit() throws -> MemoryUnit {
    try MemoryUnit(.gate, size: 1024, pass: "t2i", using: Generator(seed: 4))
  }

  private static func scores(_ direction: CrossAttention.Direction, steps: Int) throws {
    let (images, captions) = (
      try CrossAttentionScores.images(128), try CrossAttentionScores.captions(256)
    )
    let (attention, memory) = (attention(direction, steps: steps), try unit().weights())
    var found = try Tensor.zeros([0])
    let time = try CrossAttentionScores.best(of: 3) {
      found = try attention.scores(images, captions, memory).sum(along: 0)
    }
    // Those of the peer, who takes fewer.
    let check = try found.narrowed(to: 0..<16, along: 0).narrowed(to: 0..<63, along: 1)
    let words = Double(captions.lengths?.reduce(0, +) ?? 0) * 128
    let (asking, attended) = direction == .t2i ? (words, words * 36) : (Double(256 * 128 * 36), words * 36)
    // What must be done for each pair: products of fragments at every step, contexts through the gate's mean, and from
    // the third step on what asks through the gate.
    let flops =
      2 * attended * 1024 * Double(steps) + 2 * attended * 2048 * Double(steps - 1)
      + 2 * asking * 1024 * 2048 * Double(max(0, steps - 2))
    CrossAttentionScores.print([
      .init("pairs", .int(128 * 256)), .init("cpu", .double(time.cpu)), .init("flops", .double(flops)),
      .init("check", .array(try check.contiguous().values(as: Double.self).map(JSON.double))),
      .init("memory", .int(CrossAttentionScores.peakMemory())),
    ])
  }

  /// Scores, loss and gradient of a batch.
  private static func step(_ count: Int, _ negatives: HingeRanking.Negatives) throws {
    let (images, captions) = (
      try CrossAttentionScores.images(count), try CrossAttentionScores.captions(count)
    )
    let (attention, unit) = (attention(.t2i, steps: 2), try unit())
    let ranking = try HingeRanking(negatives: negatives)
    let matches = try Matches(pairs: count)
    let before = CrossAttentionScores.peakMemory()
    var check: [Double] = []
    let time = try CrossAttentionScores.best(of: negatives == .hardest ? 2 : 1) {
      let (x, y) = (try images.values.requiringGradient(), try captions.values.requiringGradient())
      try unit.parameters.clearGradients()
      let loss = try RecurrentAttention.loss(
        Features(x, lengths: images.lengths), Features(y, lengths: captions.lengths),
        [(attention, unit.weights())]
      ) { try ranking.loss(ofScores: $0, matches) }.loss.total
      try loss.backward()
      let weights = try unit.parameters.filter { $0.tensor.rank == 2 }.compactMap { $0.tensor.gradient }
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
}
