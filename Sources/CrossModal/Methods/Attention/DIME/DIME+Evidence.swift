import Torch

extension DIME: Explaining {
  public func ways(_ items: [Items]) throws -> CellWays? {
    try withoutGradient {
      let given = try items.enumerated().map { try WholeAndParts(encode($1, side: $0)) }
      let asking = configuration.direction == .i2t ? sides.regionSide : sides.wordSide
      return CellWays(
        cells: ["identity", "guidance", "reasoning", "refinement"],
        weights: try weights(of: given[asking], beside: given[1 - asking]).map { layer in
          let (outputs, cells) = (layer.size(along: 1), layer.size(along: 2))
          let flat = try layer.contiguous().values(as: Double.self)
          return (0..<outputs).map { Array(flat[$0 * cells..<($0 + 1) * cells]) }
        })
    }
  }

  /// What regions or words attend to where they are first refined.
  public func evidence(_ items: [Items]) throws -> [Evidence] {
    try withoutGradient {
      let given = try items.enumerated().map { try WholeAndParts(encode($1, side: $0)) }
      let isImage = configuration.direction == .i2t
      let asking = isImage ? sides.regionSide : sides.wordSide
      let (local, other) = (given[asking], given[1 - asking])
      let weights = try attention(of: local, to: other)
      let attended = try weights.matmul(other.parts).normalized(along: 2)
      let relevance = try (local.parts * attended).sum(along: 2).values(as: Double.self)
      let count = other.lengths[0]
      let flat = try weights.contiguous().values(as: Double.self)
      // Padding that the program counts as words is none to people.
      let shown = min(local.lengths[0], items[asking].lengths?.first ?? local.lengths[0])
      return [
        Evidence(
          asking: asking, attended: 1 - asking,
          weights: (0..<shown).map { Array(flat[$0 * count..<($0 + 1) * count]) },
          relevance: Array(relevance.prefix(shown)), isScored: true)
      ]
    }
  }
}
