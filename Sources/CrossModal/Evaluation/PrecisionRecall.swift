/// Precision against recall, averaged over queries.
public struct PrecisionRecall: Sendable, Equatable {
  /// Interpolated precision at recall 0, 0.1, ..., 1: the highest precision at that recall or a higher one.
  public var elevenPoints: [Double]
  /// Share of relevant items among the first N, for N from 1 to the size of the gallery.
  public var precision: [Double]
  /// Share of the relevant items that are among the first N.
  public var recall: [Double]

  /// The area under the eleven points, by trapezoids.
  public var area: Double {
    zip(elevenPoints, elevenPoints.dropFirst()).reduce(0) { $0 + ($1.0 + $1.1) / 20 }
  }
}

/// Adds up one query after another.
struct PrecisionRecallSums {
  private var queries = 0
  private var elevenPoints = [Double](repeating: 0, count: 11)
  private var hits: [Double] = []
  private var shares: [Double] = []

  /// - Parameter ranks: ranks from 1 of a query's relevant items, ascending.
  mutating func add(_ ranks: [Int], gallery: Int) {
    if hits.count < gallery {
      hits += [Double](repeating: 0, count: gallery - hits.count)
      shares += [Double](repeating: 0, count: gallery - shares.count)
    }
    queries += 1
    let relevant = ranks.count
    var best = 0.0
    var level = 10
    for found in stride(from: relevant, to: 0, by: -1) {
      // Whole numbers decide which recall is reached: found / relevant >= level / 10.
      while level >= 0, 10 * found < level * relevant {
        elevenPoints[level] += best
        level -= 1
      }
      best = max(best, Double(found) / Double(ranks[found - 1]))
      hits[ranks[found - 1] - 1] += 1
      shares[ranks[found - 1] - 1] += 1 / Double(relevant)
    }
    for level in stride(from: level, through: 0, by: -1) { elevenPoints[level] += best }
  }

  /// The averages; nil when no query was added.
  var curve: PrecisionRecall? {
    guard queries > 0 else { return nil }
    var found = 0.0
    var share = 0.0
    var precision: [Double] = []
    var recall: [Double] = []
    for place in hits.indices {
      found += hits[place]
      share += shares[place]
      precision.append(found / Double((place + 1) * queries))
      recall.append(share / Double(queries))
    }
    return PrecisionRecall(
      elevenPoints: elevenPoints.map { $0 / Double(queries) }, precision: precision, recall: recall)
  }
}
