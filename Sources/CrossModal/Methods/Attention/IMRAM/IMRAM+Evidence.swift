import Torch

extension IMRAM: Explaining {
  public func evidence(_ items: [Items]) throws -> [Evidence] {
    let features = try items.enumerated().map { try encode($1, side: $0) }
    return try withoutGradient {
      try passes().flatMap { try evidence(features[sides.regionSide], features[sides.wordSide], $0) }
    }
  }

  /// What the fragments of one side attended to in each step.
  private func evidence(_ image: Features, _ caption: Features, _ pass: RecurrentAttention.Pass) throws
    -> [Evidence]
  {
    let isText = pass.attention.attention.direction == .t2i
    let (queries, contexts) = try pass.attention.sides(image, caption)
    let (asking, attended) = (try queries.values.unsqueezed(at: 0), try contexts.values.unsqueezed(at: 0))
    let looks = try pass.attention.looks(
      .init(fragments: asking.unsqueezed(at: 0), maps: pass.memory.base(asking).unsqueezed(at: 0)),
      .init(fragments: attended, maps: pass.memory.projected(attended)), pass.memory)
    return try looks.enumerated().map { step, look in
      let count = look.weights.size(along: -1)
      let weights = try look.weights.contiguous().values(as: Double.self)
      let relevance = try look.relevance.contiguous().values(as: Double.self)
      return Evidence(
        asking: isText ? sides.wordSide : sides.regionSide,
        attended: isText ? sides.regionSide : sides.wordSide,
        weights: relevance.indices.map { Array(weights[$0 * count..<($0 + 1) * count]) },
        relevance: relevance, isScored: true, step: step + 1)
    }
  }
}
