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
    self.init(CaptionCorpus(candidates: candidates, references: references))
  }

  public init(_ corpus: CaptionCorpus) {
    let none = ArraySlice([corpus.number(of: "") ?? -1])
    func words(_ caption: Int) -> ArraySlice<Int32> {
      let words = corpus.words(of: caption)
      return words.isEmpty ? none : words
    }
    var lengths: [Int32] = []
    each = (0..<corpus.count).map { image in
      let candidate = words(corpus.candidate(of: image))
      var (precision, recall) = (0.0, 0.0)
      for reference in corpus.references(of: image).map(words) {
        let common = Double(Self.commonLength(candidate, reference, &lengths))
        precision = max(precision, common / Double(candidate.count))
        recall = max(recall, common / Double(reference.count))
      }
      guard precision > 0, recall > 0 else { return 0 }
      let beta = 1.2 * 1.2
      return (1 + beta) * precision * recall / (recall + beta * precision)
    }
    score = each.isEmpty ? 0 : each.reduce(0, +) / Double(each.count)
  }

  /// Length of the longest common subsequence.
  ///
  /// - Parameter row: room for the lengths up to each word of the second.
  private static func commonLength(
    _ a: ArraySlice<Int32>, _ b: ArraySlice<Int32>, _ row: inout [Int32]
  ) -> Int32 {
    row.removeAll(keepingCapacity: true)
    for _ in 0...b.count { row.append(0) }
    for word in a {
      // What stood to the left, and to the left in the row above.
      var (left, corner): (Int32, Int32) = (0, 0)
      var place = 1
      for other in b {
        let above = row[place]
        left = word == other ? corner + 1 : max(above, left)
        corner = above
        row[place] = left
        place += 1
      }
    }
    return row[b.count]
  }
}
