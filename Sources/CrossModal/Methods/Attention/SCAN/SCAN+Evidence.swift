import Torch

extension SCAN: Explaining {
  public func evidence(_ items: [Items]) throws -> [Evidence] {
    let features = try items.enumerated().map { try encode($1, side: $0).values }
    let (image, caption) = (features[sides.regionSide], features[sides.wordSide])
    let own = configuration.crossAttn
    return try [own, own == .t2i ? .i2t : .t2i].map { direction in
      var attention = configuration.attention
      if direction != own {
        // The same vectors the other way round, as sharp as that way is by default.
        var other = Configuration()
        other.crossAttn = direction
        attention.direction = direction
        attention.lambdaSoftmax = other.attention.lambdaSoftmax
      }
      let found = try attention.attention(image: image, caption: caption)
      let contexts = found.weights.size(along: 0)
      let weights = try found.weights.transposed().contiguous().values(as: Double.self)
      let relevance = try found.relevance.values(as: Double.self)
      return Evidence(
        asking: direction == .t2i ? sides.wordSide : sides.regionSide,
        attended: direction == .t2i ? sides.regionSide : sides.wordSide,
        weights: relevance.indices.map { Array(weights[$0 * contexts..<($0 + 1) * contexts]) },
        relevance: relevance, isScored: direction == own)
    }
  }
}
