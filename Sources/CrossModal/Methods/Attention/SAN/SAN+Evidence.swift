import Torch

extension SAN: Explaining {
  /// What each look of the question saw of the picture.
  public func evidence(_ items: [Items]) throws -> [Evidence] {
    let found = try outcome(
      of: vectors(of: items[sides.questionSide]), view(of: items[sides.pictureSide], .evaluation), .evaluation
    )
    let weights = try found.attention.map { try $0[0].to(.cpu).values(as: Double.self) }
    return [
      Evidence(
        asking: sides.questionSide, attended: sides.pictureSide, weights: weights,
        relevance: weights.map { $0.max() ?? 0 }, isScored: true,
        looks: weights.indices.map { "hop \($0 + 1)" }, grid: grid.grid)
    ]
  }
}
