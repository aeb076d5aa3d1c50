import Torch

extension ShowAttendTell: Explaining {
  /// What each word of the caption that the method writes looked at; what people wrote plays no part.
  public func evidence(_ items: [Items]) throws -> [Evidence] {
    let picture = items[describedSide]
    guard let caption = try captions(of: picture).first, !caption.isEmpty else { return [] }
    let weights = try attention(of: [caption], to: picture)[0]
    return [
      Evidence(
        asking: 1 - describedSide, attended: describedSide, weights: weights,
        relevance: weights.map { $0.max() ?? 0 }, isScored: true,
        looks: caption.map { $0 == marks.end ? "(end)" : words[$0] }, purpose: .saying, grid: grid.grid)
    ]
  }
}
