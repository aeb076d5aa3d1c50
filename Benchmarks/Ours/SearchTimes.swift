import CrossModal
import Foundation
import Torch

/// How many texts a second find their ten best pictures among 5,000: methods of one vector an item beside methods that
/// score every pair. Items are of the shape of mnist-scenes (eight regions of 784 numbers, five to twelve words), networks
/// of the sizes of its recipes with random weights, of which the time does not depend. Benchmarks/selfalign.py prints them.
enum SearchTimes {
  private static let (pictures, regions, vocabulary) = (5000, 8, 64)

  /// - Parameter method: its name.
  static func measure(_ method: String, threads: Int) throws {
    try Runtime.setThreads(threads)
    let data = DataDescription(
      name: "bench",
      modalities: [
        .init(name: "image", kind: .set, size: 784),
        .init(name: "text", kind: .tokens, vocabulary: vocabulary),
      ])
    switch method {
    case "vsepp":
      try rate(VSEPlusPlus(.init(overrides: ["embed_size": 128, "word_dim": 64]), for: data), 25_000)
    case "selfalign":
      try rate(
        SelfAlign(
          .init(overrides: ["embed_size": 128, "word_dim": 64, "terms": "rank,concept,context"]), for: data),
        25_000)
    case "scan":
      try rate(
        SCAN(.init(overrides: ["embed_size": 128, "word_dim": 64, "agg_func": "Mean"]), for: data), 1000)
    case "imram":
      try rate(IMRAM(.init(overrides: ["embed_size": 128, "word_dim": 64]), for: data), 200)
    case "dime":
      try rate(
        DIME(
          .init(overrides: [
            "embed_size": 64, "word_dim": 64, "hid_router": 64, "hid_imrc": 64, "num_head_imrc": 4,
          ]), for: data), 20)
    default: throw DenseContrastSteps.UnknownWork(work: method)
    }
  }

  /// Queries a second, without what it takes to encode them.
  private static func rate(_ method: some Alignment, _ queries: Int) throws {
    let rows = try Tensor.uniform([pictures, regions, 784], using: Generator(seed: 1))
    let lengths = (0..<queries).map { 5 + $0 % 8 }
    let words = try Tensor.integers(in: 4..<vocabulary, [queries, 12], using: Generator(seed: 2))
    let images = try method.encode(
      .sets(rows, lengths: [Int](repeating: regions, count: pictures)), side: 0)
    let texts = try method.encode(.tokens(words, lengths: lengths), side: 1)
    let block = min(queries, 256)
    var check = 0.0
    let time = try CrossAttentionScores.best(of: 2) {
      check = 0
      for start in stride(from: 0, to: queries, by: block) {
        let some = try texts.items(start..<min(start + block, queries))
        let scores = try withoutGradient { try method.similarity(images, some) }
        check += try scores.top(10, along: 0).values.sum().item()
      }
    }
    CrossAttentionScores.print([
      .init("queries", .int(queries)), .init("cpu", .double(time.cpu)),
      .init("rate", .double(Double(queries) / time.cpu)), .init("check", .double(check)),
    ])
  }
}
