import Torch

/// Alignment of words and regions by concepts (Zhuang et al., "Towards Fast and Accurate Image-Text Retrieval With
/// Self-Supervised Fine-Grained Alignment", IEEE TMM 2023; the released program's `LCA`): every word is to belong to the
/// learned cluster that its best region of the paired picture belongs to.
///
/// All regions of the batch are assigned to prototypes together (``SinkhornAssignment``), and a word is taught the
/// assignment of the region of its own picture that is most like it; of equals, the first. The loss is the cross-entropy
/// with the word's cosines to the prototypes, divided by a temperature: the mean over the words of a caption, then over
/// captions. Gradient flows into words and prototypes and nowhere else.
public struct ConceptContrast: Sendable, Equatable {
  /// Divides the cosines of words and prototypes.
  public let temperature: Double
  public let assignment: SinkhornAssignment

  /// - Throws: ``ObjectiveError`` for a temperature that is not above 0.
  public init(temperature: Double = 0.1, assignment: SinkhornAssignment) throws(ObjectiveError) {
    guard temperature > 0, temperature.isFinite else {
      throw ObjectiveError.badSetting("temperature", temperature, expected: "above 0")
    }
    self.temperature = temperature
    self.assignment = assignment
  }

  /// The region of its picture that each word is most like.
  struct Matching {
    /// Rows of the words that count among all of padded captions, and of their regions among those of padded pictures.
    let words: Tensor
    let regions: Tensor
    /// Place of the region in its picture for each word that counts.
    let places: Tensor
    /// Cosine of the two.
    let similarity: Tensor
  }

  /// - Parameters:
  ///   - regions: vectors of norm 1, `[n, r, d]`.
  ///   - words: vectors of norm 1 of the paired captions, `[n, w, d]`.
  static func matching(_ regions: PaddedRows, _ words: PaddedRows) throws(TorchError) -> Matching {
    let device = regions.values.device
    return try withoutGradient { () throws(TorchError) in
      var scores = try words.values.detached().matmul(regions.values.transposed(1, 2))
      if !regions.isFull {
        let isRegion = try Tensor.counting(regions.lengths, below: regions.width, on: device)
        scores = try scores.masked(with: isRegion.not().unsqueezed(at: 1), fill: -.infinity)
      }
      let best = try scores.maximum(along: 2)
      let rows = try Tensor(words.places).to(device)
      let places = try best.indices.flattened().rows(at: rows)
      let first = try Tensor(words.owners.map { $0 * regions.width }).to(device)
      return Matching(
        words: rows, regions: try places + first, places: places,
        similarity: try best.values.flattened().rows(at: rows))
    }
  }

  /// The loss of a batch, a scalar.
  ///
  /// - Parameters:
  ///   - regions: vectors of norm 1 with lengths, `[n, r, d]`; no gradient flows there.
  ///   - words: those of the captions of the same places, `[n, w, d]`, one or more each.
  ///   - prototypes: vectors of norm 1, `[k, d]`.
  /// - Throws: ``ObjectiveError`` for unequal counts and items without regions or words.
  public func callAsFunction(regions: PaddedRows, words: PaddedRows, prototypes: Tensor) throws -> Tensor {
    guard regions.count == words.count else {
      throw ObjectiveError.unequalCounts("pictures", regions.count, "captions", words.count)
    }
    if regions.lengths.contains(0) { throw ObjectiveError.empty("the regions of a picture") }
    if words.lengths.contains(0) { throw ObjectiveError.empty("the words of a caption") }
    let matching = try Self.matching(regions, words)
    let taught = try shares(of: regions, prototypes, rows: matching.regions)
    let logits =
      try words.values.flattened(to: 1).rows(at: matching.words).matmul(prototypes.transposed())
      / temperature
    // The shares of a word are 1 in sum.
    let losses = try logits.logSumExp(along: 1) - (logits * taught).sum(along: 1)
    return try (losses * Tensor(words.meanWeights).to(losses.dtype).to(losses.device)).sum()
  }

  /// Shares of the concepts in regions that are assigned together, each row 1 in sum; without a graph. Padding is assigned
  /// to nothing.
  ///
  /// - Parameter rows: of the regions that are wanted among those of padded pictures; all that count when nil, item after
  ///   item.
  func shares(
    of regions: PaddedRows, _ prototypes: Tensor, rows: Tensor? = nil
  ) throws(TorchError) -> Tensor {
    try withoutGradient { () throws(TorchError) in
      let scores = try regions.packed().matmul(prototypes.transposed())
      guard let rows, !regions.isFull else { return try assignment(scores, rows: rows) }
      var packed = [Int](repeating: 0, count: regions.count * regions.width)
      for (row, place) in regions.places.enumerated() { packed[place] = row }
      return try assignment(scores, rows: Tensor(packed).to(scores.device).rows(at: rows))
    }
  }
}
