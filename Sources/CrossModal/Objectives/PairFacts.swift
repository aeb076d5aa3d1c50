import Torch

/// How far the matches and the mismatches of a batch are, and which share of the mismatches costs something: sums that
/// blocks of rows add to.
struct PairFacts {
  /// Sum and number of the values of matches, of mismatches, and number of mismatches that cost something.
  private var sums: [Tensor] = []

  /// - Parameters:
  ///   - values: `[rows, m]`, distances or similarities.
  ///   - masks: all matches and mismatches, before a choice among them.
  mutating func add(_ values: Tensor, _ masks: PairMasks, _ loss: some PairLoss) throws {
    let block = try withoutGradient {
      let values = try values.detached()
      let (positive, negative) = (try masks.positive.to(values.dtype), try masks.negative.to(values.dtype))
      var block = [
        try (values * positive).sum(), try positive.sum(), try (values * negative).sum(), try negative.sum(),
      ]
      if let costs = try loss.costsMismatches(values) {
        block.append(try costs.and(masks.negative).sum().to(values.dtype))
      }
      return block
    }
    sums = sums.isEmpty ? block : try zip(sums, block).map { try $0 + $1 }
  }

  /// Means by name, 0 where there is no pair of the kind, and how many pairs of either kind there are; scalars.
  func parts() throws -> [(name: String, value: Tensor)] {
    guard sums.count >= 4 else { return [] }
    var parts = [
      (name: "mean_positive", value: try sums[0] / sums[1].clamped(from: 1)),
      (name: "mean_negative", value: try sums[2] / sums[3].clamped(from: 1)),
    ]
    parts += [(name: "positives", value: sums[1]), (name: "negatives", value: sums[3])]
    if sums.count > 4 {
      parts.append((name: "fraction_active_negatives", value: try sums[4] / sums[3].clamped(from: 1)))
    }
    return parts
  }
}
