import Torch

extension RecurrentAttention {
  /// The fragments of one side attending to those of the other, with what they remember by.
  public typealias Pass = (attention: RecurrentAttention, memory: MemoryWeights)

  /// A loss of the scores of images and captions, which are added up over the steps of one pass or several, and the
  /// scores `[steps, n, m]` of each pass, without a graph.
  ///
  /// The loss says which scores it depends on, and these alone are computed once more, with a graph.
  /// - Parameter objective: of the scores `[n, m]`.
  public static func loss(
    _ images: Features, _ captions: Features, _ passes: [Pass], _ objective: (Tensor) throws -> ObjectiveValue
  ) throws -> (loss: ObjectiveValue, scores: [Tensor]) {
    let steps = try passes.map { try $0.attention.scores(images, captions, $0.memory) }
    let scores = try Tensor.concatenated(steps).sum(along: 0).requiringGradient()
    var value = try objective(scores)
    guard value.total.requiresGradient,
      let slopes = try Tensor.gradients(of: [value.total], by: [scores])[0]
    else { return (value, steps) }
    let found = try passes.flatMap {
      try $0.attention.gradients(images, captions, $0.memory, slopes: slopes)
    }
    value.total = try value.total.detached().withSlopes(found.map(\.slope), by: found.map(\.input))
    return (value, steps)
  }

  /// Gradients of Σ slopes · scores, the scores added up over the steps, by what they are computed from: fragments, their
  /// shares in the memory unit, and the unit's numbers.
  ///
  /// The pairs are computed again, some at a time, so that memory does not grow with their number. Pairs whose slope is 0
  /// are passed over: with the hardest negatives nearly all.
  /// - Parameter slopes: `[n, m]`, of images and captions.
  func gradients(
    _ images: Features, _ captions: Features, _ memory: MemoryWeights, slopes: Tensor
  ) throws -> [(input: Tensor, slope: Tensor)] {
    guard steps > 1 else {
      let (x, y) = (try images.values.requiringGradient(), try captions.values.requiringGradient())
      let scores = try attention.scores(
        Features(x, lengths: images.lengths), Features(y, lengths: captions.lengths))
      let found = try Tensor.gradients(of: [scores], weights: [slopes], by: [x, y])
      return zip([images.values, captions.values], found).compactMap { input, slope in
        slope.map { (input, $0) }
      }
    }
    let (queries, contexts) = try sides(images, captions)
    let (base, projected) = (try memory.base(queries.values), try memory.projected(contexts.values))
    let (first, second) = (try LengthGroups(queries), try LengthGroups(contexts))
    let leaf = try memory.detached(requiringGradient: true)
    let perItem = try (attention.direction == .t2i ? slopes.transposed() : slopes).contiguous()
    var sums = try [queries.values, base, contexts.values, projected].map { try RowSums(like: $0) }
    for part in try pairs(perItem, first, second, width: base.size(along: 1)) {
      let (asking, attended) = (part.asking, part.attended)
      let leaves = try [
        first.fragments(of: asking, in: queries.values), first.fragments(of: asking, in: base),
        second.fragments(of: attended, in: contexts.values), second.fragments(of: attended, in: projected),
      ].map { try $0.requiringGradient() }
      let looks = try looks(
        Side(fragments: leaves[0].unsqueezed(at: 1), maps: leaves[1].unsqueezed(at: 1)),
        Side(fragments: leaves[2], maps: leaves[3]), leaf)
      let scores = try Tensor.concatenated(looks.map { try $0.scores() }, along: 1).sum(along: 1)
      try scores.backward(perItem.flattened().rows(at: part.places))
      let rows = [first.rows(of: asking), second.rows(of: attended)]
      for (place, leaf) in leaves.enumerated() { try sums[place].add(leaf.gradient, at: rows[place / 2]) }
    }
    var found = try zip([queries.values, base, contexts.values, projected], sums.indices).map {
      (input: $0, slope: try sums[$1].whole())
    }
    for (input, slope) in [(memory.weight, leaf.weight?.gradient), (memory.bias, leaf.bias?.gradient)] {
      if let input, let slope { found.append((input, slope)) }
    }
    return found
  }

  /// Items that ask and contexts, side by side.
  private struct Pairs {
    var asking: LengthGroups.Group
    var attended: LengthGroups.Group
    /// Places among all pairs.
    var places: [Int]
  }

  /// The pairs with a slope, by the numbers of their fragments, so many that a block has room for them.
  private func pairs(
    _ slopes: Tensor, _ first: LengthGroups, _ second: LengthGroups, width: Int
  ) throws -> [Pairs] {
    let count = slopes.size(along: 1)
    let places = try slopes.values(as: Double.self).enumerated().filter { $0.element != 0 }.map(\.offset)
    let alike = Dictionary(grouping: places) {
      [first.rows(of: $0 / count).count, second.rows(of: $0 % count).count]
    }
    return alike.sorted { $0.key.lexicographicallyPrecedes($1.key) }.flatMap { lengths, places in
      let most = max(1, Self.blockCount / (width * max(lengths[0], lengths[1])))
      return stride(from: 0, to: places.count, by: most).map {
        let part = Array(places[$0..<min($0 + most, places.count)])
        return Pairs(
          asking: .init(length: lengths[0], items: part.map { $0 / count }),
          attended: .init(length: lengths[1], items: part.map { $0 % count }), places: part)
      }
    }
  }
}

/// Sums by row, added to a part at a time.
private struct RowSums {
  /// Numbers that wait before they are added, since adding takes a copy of all.
  private static let mostWaiting = 1 << 24

  private var sum: Tensor
  private var rows: [Int] = []
  private var waiting: [Tensor] = []

  /// Zeros.
  init(like values: Tensor) throws { sum = try values.detached().zerosLike() }

  /// - Parameter values: `[items, fragments, width]`; nil for nothing.
  mutating func add(_ values: Tensor?, at rows: [Int]) throws {
    guard let values else { return }
    self.rows += rows
    waiting.append(try values.flattened(to: 1))
    if self.rows.count * sum.size(along: 1) > Self.mostWaiting { _ = try whole() }
  }

  /// The sums so far.
  mutating func whole() throws -> Tensor {
    guard !waiting.isEmpty else { return sum }
    sum = try sum.adding(Tensor.concatenated(waiting), at: Tensor(rows).to(sum.device))
    (rows, waiting) = ([], [])
    return sum
  }
}
