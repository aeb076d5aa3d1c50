import Torch

/// Alignment of whole items and parts by their context (Zhuang et al., "Towards Fast and Accurate Image-Text Retrieval With
/// Self-Supervised Fine-Grained Alignment", IEEE TMM 2023; the released program's `CRA`): the vector of a whole item is to
/// score the parts of its partner above the hardest parts of other items.
///
/// Each part of the partner is told apart from the same wrong ones: the `negatives` largest of all scores of the item,
/// those of its partner's own parts replaced by −10. So these are looked for once an item, and each part costs
/// log(1 + e^(z − u)), where u is its score and z the log-sum-exp of the wrong ones: exactly what the released program has
/// for every part by itself. The mean over the parts of an item, then over items.
public struct ContextContrast: Sendable, Equatable {
  /// Divides the scores.
  public let temperature: Double
  /// How many wrong parts count; nil for all.
  public let negatives: Int?

  /// What stands for the score of a part of the own partner among the wrong ones.
  private static let own = -10.0

  /// - Throws: ``ObjectiveError`` for a temperature that is not above 0 or no wrong part.
  public init(temperature: Double = 0.7, negatives: Int? = 512) throws(ObjectiveError) {
    guard temperature > 0, temperature.isFinite else {
      throw ObjectiveError.badSetting("temperature", temperature, expected: "above 0")
    }
    if let negatives, negatives < 1 {
      throw ObjectiveError.badSetting("negatives", Double(negatives), expected: "1 or more")
    }
    self.temperature = temperature
    self.negatives = negatives
  }

  /// The loss of a batch, a scalar.
  ///
  /// - Parameters:
  ///   - wholes: vectors of norm 1, `[n, d]`.
  ///   - parts: those of the partners of the same places with lengths, `[n, l, d]`, one or more each.
  /// - Throws: ``ObjectiveError`` for unequal counts and items without parts.
  public func callAsFunction(_ wholes: Tensor, _ parts: PaddedRows) throws -> Tensor {
    guard parts.count == wholes.size(along: 0) else {
      throw ObjectiveError.unequalCounts("items", wholes.size(along: 0), "partners", parts.count)
    }
    guard parts.count > 0, !parts.lengths.contains(0) else {
      throw ObjectiveError.empty("the parts of an item")
    }
    let packed = try parts.packed()
    let owners = try Tensor(parts.owners).to(packed.device).unsqueezed(at: 0)
    let scores = try wholes.matmul(packed.transposed()) / temperature
    let right = try scores.gathered(owners, along: 0).squeezed(at: 0)
    let items = try Tensor.range(0..<parts.count, on: packed.device).unsqueezed(at: 1)
    var wrong = try scores.masked(with: owners .== items, fill: Self.own)
    if let negatives, negatives < wrong.size(along: 1) { wrong = try wrong.top(negatives, along: 1).values }
    let level = try wrong.logSumExp(along: 1).rows(at: owners.squeezed(at: 0))
    let weights = try Tensor(parts.meanWeights).to(right.dtype).to(right.device)
    return try ((level - right).softplus() * weights).sum()
  }
}
