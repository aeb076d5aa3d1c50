import Testing
import Torch

@testable import CrossModal

@Suite("Recurrent attention memory")
struct RecurrentAttentionTests {
  /// Settings and the kind of memory.
  struct Variant: Sendable, CustomTestStringConvertible {
    var attention: RecurrentAttention
    var unit: MemoryUnit.Kind

    var testDescription: String {
      "\(attention.attention.direction), \(attention.attention.normalization.rawValue), \(unit), "
        + "\(attention.steps) steps, normalized: \(attention.normalizesMemory)"
    }
  }

  static func variant(
    _ direction: CrossAttention.Direction = .t2i, _ unit: MemoryUnit.Kind = .gate, steps: Int = 3,
    _ normalization: CrossAttention.Normalization = .clippedL2norm, normalizesMemory: Bool = true
  ) -> Variant {
    var attention = CrossAttention()
    attention.direction = direction
    attention.normalization = normalization
    return Variant(
      attention: RecurrentAttention(attention, steps: steps, normalizesMemory: normalizesMemory), unit: unit)
  }

  /// Every direction with every norm and every unit, each with and without the memory's norm.
  static let variants: [Variant] = CrossAttention.Direction.allCases.flatMap { direction in
    CrossAttention.Normalization.allCases.map { variant(direction, .gate, steps: 2, $0) }
      + MemoryUnit.Kind.allCases.flatMap { unit in
        [true, false].map { variant(direction, unit, steps: 3, normalizesMemory: $0) }
      }
  }

  static func memory(_ kind: MemoryUnit.Kind, width: Int, seed: UInt64 = 3) throws -> MemoryWeights {
    try MemoryUnit(kind, size: width, pass: "t2i", using: Generator(seed: seed)).weights().detached()
  }

  private static func converted(_ memory: MemoryWeights, _ dtype: DataType) throws -> MemoryWeights {
    MemoryWeights(kind: memory.kind, weight: try memory.weight?.to(dtype), bias: try memory.bias?.to(dtype))
  }

  private static func converted(_ features: Features, _ dtype: DataType) throws -> Features {
    Features(try features.values.to(dtype), lengths: features.lengths)
  }

  /// Section 3 of the specification word by word for one pair: `[steps]`.
  private static func definition(
    _ variant: Variant, image: Tensor, caption: Tensor, _ memory: MemoryWeights
  ) throws -> [Tensor] {
    let isText = variant.attention.attention.direction == .t2i
    let (first, contexts) = isText ? (caption, image) : (image, caption)
    var queries = first
    var scores: [Tensor] = []
    for _ in 0..<variant.attention.steps {
      let found = try variant.attention.attention.attention(
        image: isText ? image : queries, caption: isText ? queries : caption)
      let attended = found.attended
      let cosines = try (first * attended).sum(along: 1) / (first.norm(along: 1) * attended.norm(along: 1))
      scores.append(try cosines.mean())
      let both = try Tensor.concatenated([queries, attended], along: 1)
      let width = first.size(along: 1)
      switch variant.unit {
      case .add: queries = try queries + attended
      case .mlp:
        let (weight, bias) = (try #require(memory.weight), try #require(memory.bias))
        queries = try (both.matmul(weight.transposed()) + bias).tanh()
      case .gate:
        let (weight, bias) = (try #require(memory.weight), try #require(memory.bias))
        let maps = try both.matmul(weight.transposed()) + bias
        let output = try maps.narrowed(to: 0..<width, along: 1).tanh()
        let gate = try maps.narrowed(to: width..<2 * width, along: 1).sigmoid()
        queries = try gate * queries + (1 - gate) * output
      }
      if variant.attention.normalizesMemory {
        queries = try queries / (queries.norm(along: 1, keepingDimension: true) + 1e-8)
      }
    }
    return scores
  }

  /// The same of every pair, `[steps, n, m]`.
  private static func definition(
    _ variant: Variant, _ images: Features, _ captions: Features, _ memory: MemoryWeights
  ) throws -> Tensor {
    let rows = try (0..<images.count).map { i in
      try Tensor.stacked(
        (0..<captions.count).map { j in
          try Tensor.stacked(
            definition(
              variant, image: images.items(i..<i + 1).values, caption: captions.items(j..<j + 1).values,
              memory))
        }, along: 1)
    }
    return try Tensor.stacked(rows, along: 1)
  }

  private static func difference(_ a: Tensor, _ b: Tensor) throws -> Double {
    try (a.to(.float64) - b).magnitude().max().item()
  }

  // MARK: - Scores

  @Test("every variant is the definition, pair by pair, in both types", arguments: variants)
  func variantsAreTheDefinition(_ variant: Variant) throws {
    let images = try CrossAttentionTests.fragments([5, 1, 9, 5, 18], seed: 1)
    let captions = try CrossAttentionTests.fragments([4, 1, 7, 4, 11, 2], seed: 2)
    let memory = try Self.converted(Self.memory(variant.unit, width: 37), .float64)
    let expected = try Self.definition(variant, images, captions, memory)
    #expect(try Self.difference(variant.attention.scores(images, captions, memory), expected) < 1e-12)
    let narrow = (try Self.converted(images, .float32), try Self.converted(captions, .float32))
    let own = try Self.converted(memory, .float32)
    #expect(try Self.difference(variant.attention.scores(narrow.0, narrow.1, own), expected) < 4e-6)
    for instructions in [KernelInstructions.portable, .avx2] {
      var kernel = variant.attention.kernel(of: variant.unit)
      kernel.instructions = instructions
      let (queries, contexts) = try variant.attention.sides(narrow.0, narrow.1)
      var scores = try kernel(
        queries.values, lengths: queries.lengths ?? [], contexts.values, lengths: contexts.lengths ?? [],
        weight: own.weight, bias: own.bias)
      if variant.attention.attention.direction == .t2i { scores = try scores.transposed(1, 2) }
      #expect(try Self.difference(scores, expected) < 4e-6, "\(instructions)")
    }
  }

  @Test("scores of the first steps are those of a model of fewer steps", arguments: MemoryUnit.Kind.allCases)
  func prefix(_ unit: MemoryUnit.Kind) throws {
    let images = try CrossAttentionTests.fragments([5, 3, 6], seed: 4, .float32)
    let captions = try CrossAttentionTests.fragments([4, 2], seed: 5, .float32)
    let memory = try Self.memory(unit, width: 37)
    let whole = try Self.variant(.i2t, unit, steps: 5).attention.scores(images, captions, memory)
    for steps in 1...4 {
      let part = try Self.variant(.i2t, unit, steps: steps).attention.scores(images, captions, memory)
      #expect(part.shape == [steps, 3, 2])
      #expect(try Self.difference(part, whole[0..<steps].to(.float64)) < 1e-6)
    }
  }

  @Test("one step is stacked cross attention to the bit", arguments: CrossAttention.Direction.allCases)
  func oneStep(_ direction: CrossAttention.Direction) throws {
    let images = try CrossAttentionTests.fragments([5, 3, 6], seed: 4, .float32)
    let captions = try CrossAttentionTests.fragments([4, 2], seed: 5, .float32)
    let one = Self.variant(direction, steps: 1).attention
    let memory = try Self.memory(.gate, width: 37)
    #expect(
      try one.scores(images, captions, memory)[0].bytes() == one.attention.scores(images, captions).bytes())
  }

  @Test("a gate that is open keeps what asks; one that is shut forgets it", arguments: [1.0, -1])
  func saturatedGates(sign: Double) throws {
    let images = try CrossAttentionTests.fragments([5, 3], width: 24, seed: 6, .float32)
    let captions = try CrossAttentionTests.fragments([4, 2, 7], width: 24, seed: 7, .float32)
    let attention = Self.variant(.t2i, steps: 3).attention
    let bias = try Tensor.concatenated([
      Tensor.normal([24], using: Generator(seed: 8)), Tensor.full([24], 60 * sign),
    ])
    let memory = MemoryWeights(kind: .gate, weight: try Tensor.zeros([48, 48]), bias: bias)
    let scores = try attention.scores(images, captions, memory).to(.float64)
    if sign > 0 {
      for step in 1...2 { #expect(try Self.difference(scores[step], scores[0]) < 1e-6) }
    } else {
      // Every fragment asks the same, so that each finds the same.
      let same = try bias[0..<24].tanh().normalized(along: 0).unsqueezed(at: 0)
      for step in 1...2 { #expect(try Self.difference(scores[step], scores[1]) < 1e-6) }
      let asked = try Features(
        Tensor.concatenated([same, same, same, same]), lengths: [4])
      let found = try attention.attention.attention(
        image: images.items(0..<1).values, caption: asked.values)
      let words = try captions.items(0..<1).values
      let cosines = try (words * found.attended).sum(along: 1) / found.attended.norm(along: 1)
      #expect(abs(try cosines.mean().item() - scores[1][0][0].item()) < 1e-6)
    }
  }

  @Test("the order of regions, padding, company and the number of threads change nothing")
  func company() throws {
    let attention = Self.variant(.t2i, steps: 3).attention
    let memory = try Self.memory(.gate, width: 300)
    let images = try CrossAttentionTests.fragments(
      (0..<40).map { 1 + $0 % 5 * 4 }, width: 300, seed: 8, .float32)
    let captions = try CrossAttentionTests.fragments(
      (0..<90).map { 1 + $0 * 7 % 12 }, width: 300, seed: 9, .float32)
    let all = try attention.scores(images, captions, memory)
    let threads = Runtime.threads
    defer { try? Runtime.setThreads(threads) }
    for count in [1, 2, 3] {
      try Runtime.setThreads(count)
      #expect(try attention.scores(images, captions, memory).bytes() == all.bytes())
    }
    let (rows, columns) = (3..<29, 11..<14)
    let some = try attention.scores(images.items(rows), captions.items(columns), memory)
    let part = try all.narrowed(to: rows, along: 1).narrowed(to: columns, along: 2)
    #expect(try some.bytes() == part.contiguous().bytes())
    // Regions in reverse.
    let last = try images.items(4..<5)
    let turned = Features(try last.values.reversed(along: 0), lengths: last.lengths)
    #expect(
      try Self.difference(
        attention.scores(turned, captions, memory), attention.scores(last, captions, memory).to(.float64))
        < 1e-6)
    // Numbers behind the end.
    let wide = try Tensor.normal([2, 6, 300], using: Generator(seed: 10))
    let padded = Features(wide, lengths: [3, 6])
    #expect(
      try attention.scores(padded, captions, memory).bytes()
        == attention.scores(padded.packed(), captions, memory).bytes())
  }

  @Test(
    "contexts that cancel give the scores of the definition", arguments: CrossAttention.Direction.allCases)
  func opposedFragments(_ direction: CrossAttention.Direction) throws {
    var variant = Self.variant(direction, steps: 2)
    variant.attention.attention.lambdaSoftmax = 0
    for gap in [0.2, 1e-3] {
      let opposed = try CrossAttentionTests.opposed(6, seed: 21, gap: gap)
      let others = try CrossAttentionTests.fragments([4, 1, 7], width: 40, seed: 22)
      let (images, captions) = direction == .t2i ? (opposed, others) : (others, opposed)
      let memory = try Self.converted(Self.memory(.gate, width: 40), .float64)
      let expected = try Self.definition(variant, images, captions, memory)
      let scores = try variant.attention.scores(
        Self.converted(images, .float32), Self.converted(captions, .float32), Self.converted(memory, .float32)
      )
      #expect(try Self.difference(scores, expected) < 1e-5, "\(gap)")
    }
  }

  @Test("a fragment that is no number makes the scores of its item none, one of zeros does not")
  func oddFragments() throws {
    let attention = Self.variant(.t2i, steps: 2).attention
    let memory = try Self.memory(.gate, width: 37)
    let images = try CrossAttentionTests.fragments([5, 3], seed: 31, .float32)
    let captions = try CrossAttentionTests.fragments([4, 2, 3], seed: 32, .float32)
    let isHit = try Tensor.range(0..<9).unsqueezed(at: 1) .== 2
    let broken = Features(try captions.values.masked(with: isHit, fill: .nan), lengths: captions.lengths)
    let finite = try attention.scores(images, broken, memory)[1].isFinite().values(as: Bool.self)
    #expect(finite == [false, true, true, false, true, true])
    let empty = Features(try captions.values.masked(with: isHit, fill: 0), lengths: captions.lengths)
    #expect(try attention.scores(images, empty, memory).isFinite().all())
  }

  @Test("items without fragments, widths that disagree and weights that do not fit are errors")
  func errors() throws {
    let attention = Self.variant(.t2i, steps: 2).attention
    let images = try CrossAttentionTests.fragments([2, 2], seed: 14, .float32)
    for dtype in [DataType.float32, .float64] {
      let rows = try images.values.to(dtype)
      let memory = try Self.converted(Self.memory(.gate, width: 37), dtype)
      for captions in [
        Features(rows, lengths: [4, 0]), Features(rows, lengths: [2, 3]),
        Features(try rows.narrowed(to: 0..<9, along: 1), lengths: [2, 2]),
      ] {
        #expect(throws: TorchError.self) {
          try attention.scores(Features(rows, lengths: [2, 2]), captions, memory)
        }
      }
      let other = try Self.converted(Self.memory(.gate, width: 20), dtype)
      #expect(throws: TorchError.self) {
        try attention.scores(Features(rows, lengths: [2, 2]), Features(rows, lengths: [2, 2]), other)
      }
    }
  }

  // MARK: - The gradient

  @Test("gradients are those of the definition, also where most slopes are 0", arguments: variants)
  func gradients(_ variant: Variant) throws {
    let images = try CrossAttentionTests.fragments([5, 2, 9, 5], seed: 3)
    let captions = try CrossAttentionTests.fragments([4, 3, 7, 4], seed: 4)
    let memory = try Self.converted(Self.memory(variant.unit, width: 37), .float64)
    let slopes = try Tensor(
      [0.5, 0, 0, -1, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0.25], shape: [4, 4])
    func leaves(_ dtype: DataType) throws -> (Features, Features, MemoryWeights) {
      (
        Features(try images.values.to(dtype).requiringGradient(), lengths: images.lengths),
        Features(try captions.values.to(dtype).requiringGradient(), lengths: captions.lengths),
        try Self.converted(memory, dtype).detached(requiringGradient: true)
      )
    }
    let (x, y, own) = try leaves(.float64)
    let total = try (Self.definition(variant, x, y, own).sum(along: 0) * slopes).sum()
    let all = [x.values, y.values] + [own.weight, own.bias].compactMap(\.self)
    let expected = try Tensor.gradients(of: [total], by: all)
    for (dtype, tolerance) in [(DataType.float64, 1e-11), (.float32, 2e-5)] {
      let (x, y, own) = try leaves(dtype)
      let found = try variant.attention.gradients(x, y, own, slopes: slopes.to(dtype))
      let graph = try Tensor.zeros([], dtype).withSlopes(found.map(\.slope), by: found.map(\.input))
      let inputs = [x.values, y.values] + [own.weight, own.bias].compactMap(\.self)
      let gradients = try Tensor.gradients(of: [graph], by: inputs)
      for (gradient, exact) in zip(gradients, expected) {
        let exact = try #require(exact)
        let scale: Double = try exact.magnitude().max().item()
        #expect(try Self.difference(#require(gradient), exact) < tolerance * max(1, scale), "\(dtype)")
      }
    }
  }
}
