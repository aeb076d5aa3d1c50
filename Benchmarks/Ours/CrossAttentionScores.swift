import CrossModal
import Foundation
import Torch

/// Stacked cross attention at the size of published work: 36 regions, 8 to 16 words, width 1024. Benchmarks/scan.py
/// runs it beside the authors' algorithm in PyTorch on the same numbers.
enum CrossAttentionScores {
  /// Rows drawn as PyTorch draws them, of length 1 unless the copy that takes is too large.
  static func fragments(_ lengths: [Int], seed: UInt64, isUnit: Bool = true) throws -> Features {
    let rows = try Tensor.normal([lengths.reduce(0, +), 1024], using: Generator(seed: seed))
    return Features(isUnit ? try rows.normalized(along: 1) : rows, lengths: lengths)
  }

  static func images(_ count: Int, isUnit: Bool = true) throws -> Features {
    try fragments(Array(repeating: 36, count: count), seed: 1, isUnit: isUnit)
  }

  static func captions(_ count: Int, isUnit: Bool = true) throws -> Features {
    try fragments((0..<count).map { 8 + $0 % 9 }, seed: 2, isUnit: isUnit)
  }

  static func attention(_ direction: CrossAttention.Direction, _ pooling: CrossAttention.Aggregation)
    -> CrossAttention
  {
    var attention = CrossAttention()
    attention.direction = direction
    attention.aggregation = pooling
    attention.lambdaSoftmax = direction == .t2i ? 9 : 4
    return attention
  }

  /// What is measured: `scores-t2i`, `scores-i2t`, `step`, `large` or `peak`.
  static func measure(_ work: String, threads: Int) throws {
    try Runtime.setThreads(threads)
    switch work {
    case "peak": try peak()
    case "step": try step()
    case "large": try large()
    default: try scores(work == "scores-i2t" ? .i2t : .t2i)
    }
  }

  /// The best of several runs: wall-clock and CPU seconds.
  static func best(of times: Int, _ body: () throws -> Void) rethrows -> (wall: Double, cpu: Double) {
    var best = (wall: Double.infinity, cpu: Double.infinity)
    for _ in 0..<times {
      let (start, cpu) = (ContinuousClock.now, processSeconds())
      try body()
      best.wall = min(best.wall, (ContinuousClock.now - start) / .seconds(1))
      best.cpu = min(best.cpu, processSeconds() - cpu)
    }
    return best
  }

  static func print(_ members: [JSON.Member]) { Swift.print(JSON.object(members).text()) }

  private static func scores(_ direction: CrossAttention.Direction) throws {
    let (images, captions) = (try images(128), try captions(500))
    let attention = attention(direction, .mean)
    var check = 0.0
    let time = try best(of: 7) { check = try attention.scores(images, captions).sum().item() }
    let words = captions.lengths?.reduce(0, +) ?? 0
    print([
      .init("pairs", .int(128 * 500)), .init("wall", .double(time.wall)), .init("cpu", .double(time.cpu)),
      .init("flops", .double(2 * 128 * 36 * 1024 * Double(words))), .init("check", .double(check)),
      .init("memory", .int(peakMemory())),
      .init("instructions", .string(CrossAttentionKernel.instructionSet)),
    ])
  }

  /// Matrix products of libtorch of the shape of a block and of a large square.
  private static func peak() throws {
    let generator = try Generator(seed: 3)
    var most = 0.0
    for (m, n) in [(252, 576), (512, 1152), (2048, 2048)] {
      let (a, b) = (
        try Tensor.normal([m, 1024], using: generator), try Tensor.normal([1024, n], using: generator)
      )
      let time = try best(of: 20) { _ = try a.matmul(b) }
      most = max(most, 2 * Double(m * n) * 1024 / min(time.wall, time.cpu))
    }
    print([.init("flops_a_second", .double(most))])
  }

  /// Score, loss and gradient of a batch of 128.
  private static func step() throws {
    let (images, captions) = (try images(128), try captions(128))
    let attention = attention(.t2i, .logSumExp)
    let ranking = try HingeRanking()
    let matches = try Matches(pairs: 128)
    let before = peakMemory()
    var check = [0.0, 0, 0]
    let time = try best(of: 3) {
      let (x, y) = (try images.values.requiringGradient(), try captions.values.requiringGradient())
      let scores = try attention.scores(
        Features(x, lengths: images.lengths), Features(y, lengths: captions.lengths))
      let loss = try ranking.loss(ofScores: scores, matches).total
      try loss.backward()
      check = [try loss.item(), try x.gradient?.norm().item() ?? 0, try y.gradient?.norm().item() ?? 0]
    }
    print([
      .init("wall", .double(time.wall)), .init("cpu", .double(time.cpu)),
      .init("memory", .int(peakMemory() - before)), .init("check", .array(check.map(JSON.double))),
    ])
  }

  /// A tenth of 5,000 images against 25,000 captions, all of which are in memory.
  private static func large() throws {
    let (images, captions) = (try images(5000, isUnit: false), try captions(25_000, isUnit: false))
    let source = ScoreSource(first: 5000, second: 25_000) { rows, columns in
      try attention(.t2i, .mean).scores(images.items(rows), captions.items(columns))
    }
    let time = try best(of: 1) {
      for start in stride(from: 0, to: 500, by: 100) {
        _ = try source.scores(rows: start..<start + 100, columns: 0..<25_000)
      }
    }
    print([
      .init("pairs", .int(500 * 25_000)), .init("wall", .double(time.wall)), .init("cpu", .double(time.cpu)),
      .init("memory", .int(peakMemory())),
    ])
  }

  /// The most memory that this process has held, in bytes.
  static func peakMemory() -> Int {
    var usage = rusage()
    #if canImport(Darwin)
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #else
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      return usage.ru_maxrss * 1024
    #endif
  }
}
