/// ROUGE-L (Lin, 2004) as the COCO caption evaluation computes it: the F measure, β = 1.2, of the highest
/// precision and the highest recall over the references of the longest common subsequence.
public struct ROUGEL: Sendable, Equatable {
  /// The mean over captions.
  public let score: Double
  public let each: [Double]

  /// - Parameters:
  ///   - candidates: the words of each caption; one without words counts as one empty word.
  ///   - references: for each caption the words of its references.
  public init(candidates: [[String]], references: [[[String]]]) {
    each = zip(candidates, references).map { candidate, references in
      let candidate = candidate.isEmpty ? [""] : candidate
      let references = references.map { $0.isEmpty ? [""] : $0 }
      let common = references.map { Double(Self.commonLength(candidate, $0)) }
      let precision = (common.max() ?? 0) / Double(candidate.count)
      let recall = zip(common, references).map { $0 / Double($1.count) }.max() ?? 0
      guard precision > 0, recall > 0 else { return 0 }
      let beta = 1.2 * 1.2
      return (1 + beta) * precision * recall / (recall + beta * precision)
    }
    score = each.isEmpty ? 0 : each.reduce(0, +) / Double(each.count)
  }

  /// Length of the longest common subsequence.
  static func commonLength(_ a: [String], _ b: [String]) -> Int {
    var previous = [Int](repeating: 0, count: b.count + 1)
    for word in a {
      var current = previous
      for (place, other) in b.enumerated() {
        current[place + 1] = word == other ? previous[place] + 1 : max(previous[place + 1], current[place])
      }
      previous = current
    }
    return previous[b.count]
  }
}
