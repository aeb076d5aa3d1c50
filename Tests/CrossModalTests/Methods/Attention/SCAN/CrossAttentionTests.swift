import Testing
import Torch

@testable import CrossModal

@Suite("Cross attention")
struct CrossAttentionTests {
  typealias Direction = CrossAttention.Direction

  /// Every direction, norm and aggregation.
  static let variants: [CrossAttention] = Direction.allCases.flatMap { direction in
    CrossAttention.Normalization.allCases.flatMap { normalization in
      CrossAttention.Aggregation.allCases.map { aggregation in
        var attention = CrossAttention()
        attention.direction = direction
        attention.normalization = normalization
        attention.aggregation = aggregation
        attention.lambdaSoftmax = direction == .t2i ? 9 : 4
        return attention
      }
    }
  }

  static func fragments(
    _ lengths: [Int], width: Int = 37, seed: UInt64, _ dtype: DataType = .float64
  ) throws -> Features {
    let rows = try Tensor.normal([lengths.reduce(0, +), width], dtype, using: Generator(seed: seed))
    return Features(try rows.normalized(along: 1), lengths: lengths)
  }

  /// Sections 3 and 8 of the specification word by word, one pair at a time, with every context vector.
  static func slowScores(
    _ attention: CrossAttention, _ images: Features, _ captions: Features
  ) throws -> [Double] {
    try (0..<images.count).flatMap { i in
      try (0..<captions.count).map { j in
        let found = try attention.attention(
          image: images.items(i..<i + 1).values, caption: captions.items(j..<j + 1).values)
        return try attention.aggregated(found.relevance).item()
      }
    }
  }

  static func difference(_ a: Tensor, _ b: [Double]) throws -> Double {
    zip(try a.values(as: Double.self), b).map { abs($0 - $1) }.max() ?? .infinity
  }

  @Test("every variant is the definition, pair by pair, in both types", arguments: variants)
  func variantsAreTheDefinition(_ attention: CrossAttention) throws {
    let images = try Self.fragments([5, 1, 9, 5, 5, 3] + Array(repeating: 5, count: 17), seed: 1)
    let captions = try Self.fragments([4, 1, 7, 2, 4, 11, 1], seed: 2)
    let expected = try Self.slowScores(attention, images, captions)
    #expect(try Self.difference(attention.scores(images, captions), expected) < 1e-12)
    let narrow = try (
      Features(images.values.to(.float32), lengths: images.lengths),
      Features(captions.values.to(.float32), lengths: captions.lengths)
    )
    #expect(try Self.difference(attention.scores(narrow.0, narrow.1), expected) < 4e-6)
    for instructions in [KernelInstructions.portable, .avx2] {
      var kernel = attention.kernel
      kernel.instructions = instructions
      let scores = try kernel(
        narrow.0.values, lengths: narrow.0.lengths ?? [], narrow.1.values, lengths: narrow.1.lengths ?? [])
      #expect(try Self.difference(scores, expected) < 4e-6)
    }
  }

  @Test("the fused gradient is the operators'", arguments: variants)
  func fusedGradient(_ attention: CrossAttention) throws {
    // Cosines of a single fragment's norm have no smooth gradient: two fragments or more.
    let images = try Self.fragments([5, 2, 9, 5] + Array(repeating: 6, count: 17), seed: 3)
    let captions = try Self.fragments([4, 3, 7, 2, 4], seed: 4)
    let weights = try Tensor.normal([images.count, captions.count], .float64, using: Generator(seed: 5))
    func slopes(_ dtype: DataType) throws -> [[Double]] {
      let x = try images.values.to(dtype).requiringGradient()
      let y = try captions.values.to(dtype).requiringGradient()
      let scores = try attention.scores(
        Features(x, lengths: images.lengths), Features(y, lengths: captions.lengths))
      let total = try (scores * weights.to(dtype)).sum()
      return try Tensor.gradients(of: [total], by: [x, y]).map { try $0?.values(as: Double.self) ?? [] }
    }
    for (fused, exact) in zip(try slopes(.float32), try slopes(.float64)) {
      let scale = exact.map(abs).max() ?? 0
      #expect(fused.count == exact.count)
      #expect((zip(fused, exact).map { abs($0 - $1) }.max() ?? .infinity) < 1e-4 * scale)
    }
  }

  /// Items of two fragments or three that nearly cancel when they are attended to equally.
  static func opposed(_ count: Int, width: Int = 40, seed: UInt64, gap: Double) throws -> Features {
    let generator = try Generator(seed: seed)
    let lengths = (0..<count).map { 2 + $0 % 2 }
    let rows = try lengths.flatMap { length in
      let first = try Tensor.normal([1, width], .float64, using: generator).normalized(along: 1)
      let rest = try Tensor.normal([length, width], .float64, using: generator).normalized(along: 1) * gap
      return length == 2
        ? [first, try rest[0..<1] - first] : [first, try rest[0..<1] - first, try rest[1..<2]]
    }
    return Features(try Tensor.concatenated(rows).to(.float32).to(.float64), lengths: lengths)
  }

  @Test(
    "fragments that cancel give the scores and gradients of the definition", arguments: Direction.allCases)
  func opposedFragments(_ direction: Direction) throws {
    for gap in [0.2, 3e-2, 1e-3, 1e-5] {
      let images =
        direction == .t2i
        ? try Self.opposed(20, seed: 21, gap: gap) : try Self.fragments([3, 5, 3, 4], width: 40, seed: 22)
      let captions =
        direction == .t2i
        ? try Self.fragments([4, 1, 7], width: 40, seed: 23) : try Self.opposed(9, seed: 24, gap: gap)
      for aggregation in CrossAttention.Aggregation.allCases {
        var attention = CrossAttention()
        attention.direction = direction
        attention.aggregation = aggregation
        attention.lambdaSoftmax = 0
        func found(_ dtype: DataType) throws -> (scores: Tensor, slopes: [Tensor?]) {
          let x = try images.values.to(.float32).to(dtype).requiringGradient()
          let y = try captions.values.to(.float32).to(dtype).requiringGradient()
          let scores = try attention.scores(
            Features(x, lengths: images.lengths), Features(y, lengths: captions.lengths))
          return (scores, try Tensor.gradients(of: [scores.sum()], by: [x, y]))
        }
        let (fused, exact) = (try found(.float32), try found(.float64))
        #expect(try Self.difference(fused.scores, exact.scores.values(as: Double.self)) < 1e-5, "\(gap)")
        if aggregation == .max { #expect(try fused.scores.max().item() <= 1) }
        for (slope, other) in zip(fused.slopes, exact.slopes) {
          let (slope, other) = (try #require(slope), try #require(other))
          let scale: Double = try other.magnitude().max().item()
          // A gradient of float32 numbers of length 1 that leave so little is as exact as they are.
          #expect(
            try Self.difference(slope, other.values(as: Double.self)) < max(1e-4, 1e-6 / gap) * scale,
            "\(gap)")
        }
      }
    }
  }

  @Test(
    "a fragment that is no number makes the scores of its item none, under every aggregation",
    arguments: variants)
  func notANumber(_ attention: CrossAttention) throws {
    for dtype in [DataType.float32, .float64] {
      let images = try Self.fragments([5, 3], seed: 31, dtype)
      let captions = try Self.fragments([4, 2, 3], seed: 32, dtype)
      let isHit = try Tensor.range(0..<9) .== 2
      let broken = try captions.values.masked(with: isHit.unsqueezed(at: 1), fill: .nan)
      let scores = try attention.scores(images, Features(broken, lengths: captions.lengths))
      #expect(try scores.isFinite().values(as: Bool.self) == [false, true, true, false, true, true])
    }
  }

  @Test("a second gradient of one forward pass is the first")
  func gradientTwice() throws {
    let attention = CrossAttention()
    let x = try Self.fragments([4, 4, 3], seed: 6, .float32).values.requiringGradient()
    let captions = try Self.fragments([3, 5], seed: 7, .float32)
    let total = try attention.scores(Features(x, lengths: [4, 4, 3]), captions).sum()
    let first = try Tensor.gradients(of: [total], by: [x], retainGraph: true)[0]?.values(as: Float.self)
    let second = try Tensor.gradients(of: [total], by: [x])[0]?.values(as: Float.self)
    #expect(first != nil && first == second)
  }

  @Test("the company of other items and the number of threads change no bit", arguments: Direction.allCases)
  func company(_ direction: Direction) throws {
    var attention = CrossAttention()
    attention.direction = direction
    let images = try Self.fragments((0..<70).map { 1 + $0 % 4 * 3 }, width: 300, seed: 8, .float32)
    let captions = try Self.fragments((0..<90).map { 1 + $0 * 7 % 12 }, width: 300, seed: 9, .float32)
    let all = try attention.scores(images, captions).values(as: Float.self)
    let threads = Runtime.threads
    defer { try? Runtime.setThreads(threads) }
    for count in [1, 2, 3] {
      try Runtime.setThreads(count)
      #expect(try attention.scores(images, captions).values(as: Float.self) == all)
    }
    let (rows, columns) = (3..<29, 11..<14)
    let some = try attention.scores(images.items(rows), captions.items(columns)).values(as: Float.self)
    #expect(some == rows.flatMap { row in columns.map { all[row * 90 + $0] } })
  }

  @Test("padding is not part of anything", arguments: Direction.allCases)
  func padding(_ direction: Direction) throws {
    var attention = CrossAttention()
    attention.direction = direction
    let lengths = [3, 5, 1]
    let padded = try Tensor.normal([3, 6, 20], using: Generator(seed: 10))
    let captions = try Self.fragments([2, 4], width: 20, seed: 11, .float32)
    let scores = try attention.scores(Features(padded, lengths: lengths), captions)
    for (item, length) in lengths.enumerated() {
      let alone = Features(try padded[item][0..<length], lengths: [length])
      #expect(
        try attention.scores(alone, captions).values(as: Float.self)
          == scores[item].values(as: Float.self))
    }
  }

  @Test("a fragment of zeros gives finite scores and gradients", arguments: variants)
  func zeros(_ attention: CrossAttention) throws {
    for dtype in [DataType.float32, .float64] {
      let x = try Tensor.zeros([4, 8], dtype).requiringGradient()
      let y = try Tensor.concatenated([
        Tensor.zeros([2, 8], dtype), Tensor.normal([3, 8], dtype, using: Generator(seed: 1)),
      ]).requiringGradient()
      let scores = try attention.scores(Features(x, lengths: [1, 3]), Features(y, lengths: [3, 2]))
      #expect(try scores.isFinite().all())
      for slope in try Tensor.gradients(of: [scores.sum()], by: [x, y]) {
        #expect(try slope?.isFinite().all() ?? false)
      }
    }
  }

  @Test("the limits of the parameters are what the paper says they are")
  func limits() throws {
    let images = try Self.fragments([6, 6], seed: 12)
    let captions = try Self.fragments([4, 7], seed: 13)
    var attention = CrossAttention()
    // Uniform attention compares with the mean.
    attention.lambdaSoftmax = 0
    attention.aggregation = .mean
    let word = try captions.items(0..<1).values
    let mean = try images.items(0..<1).values.mean(along: 0)
    let cosines = try word.normalized(along: 1).matmul(mean / mean.norm())
    let uniform: Double = try attention.scores(images, captions)[0][0].item()
    #expect(abs(uniform - (try cosines.mean().item())) < 1e-12)
    // LogSumExp is at least the maximum and goes to it; the sum is n times the mean.
    attention = CrossAttention()
    let lse = try attention.scores(images, captions).values(as: Double.self)
    attention.lambdaLSE = 1e4
    let sharp = try attention.scores(images, captions).values(as: Double.self)
    attention.aggregation = .max
    let largest = try attention.scores(images, captions).values(as: Double.self)
    #expect(zip(lse, largest).allSatisfy { $0 >= $1 })
    #expect(zip(sharp, largest).allSatisfy { abs($0 - $1) < 1e-3 })
  }

  @Test("items without fragments and widths that disagree are errors")
  func errors() throws {
    let images = try Self.fragments([2, 2], seed: 14, .float32)
    for dtype in [DataType.float32, .float64] {
      let rows = try images.values.to(dtype)
      #expect(throws: TorchError.self) {
        try CrossAttention().scores(Features(rows, lengths: [4, 0]), Features(rows, lengths: [2, 2]))
      }
      #expect(throws: TorchError.self) {
        try CrossAttention().scores(Features(rows, lengths: [2, 3]), Features(rows, lengths: [2, 2]))
      }
      #expect(throws: TorchError.self) {
        try CrossAttention().scores(
          Features(rows, lengths: [2, 2]), Features(rows.narrowed(to: 0..<9, along: 1), lengths: [2, 2]))
      }
    }
  }
}
