import Torch

/// The bidirectional ranking loss of visual-semantic embeddings (Kiros et al., 2014; with the hardest negatives Faghri
/// et al., "VSE++", BMVC 2018, eq. 6): every pair is to score above the wrong partners of both its items by a margin.
///
/// Row i of the images belongs with row i of the captions. With scores S the cost of image i and a wrong caption j is
/// max(0, α + S_ij − S_ii), that of caption j and a wrong image i is max(0, α + S_ij − S_jj). Known matches are never
/// wrong partners. Row and column maxima stand for the matrices of costs, and the gradient touches only the pairs
/// that cost something; large batches are walked in blocks.
public struct HingeRanking: Sendable, Equatable {
  /// How two vectors are compared.
  public enum Measure: String, Sendable, Codable, CaseIterable {
    /// Inner product of the vectors as they are given: the cosine of unit vectors.
    case cosine
    /// ``OrderSimilarity``.
    case order
  }

  /// What the wrong partners of one item cost together.
  public enum Negatives: Sendable, Equatable {
    /// The sum of all (VSE0).
    case sum
    /// The largest alone (VSE++).
    case hardest
    /// The mean of the k largest.
    case topK(Int)
    /// The largest among those that score below the pair itself.
    case semiHard
    /// max(0, α + τ log Σ exp(S_ij / τ) − S_ii): between the hardest (τ near 0) and all.
    case logSumExp(temperature: Double)
  }

  public let margin: Double
  public let measure: Measure
  public let negatives: Negatives
  /// The sum over all items of both sides (the official program's), or that divided by the number of pairs.
  public let reduction: Reduction
  /// Rows of a block of scores; 0 for all at once. Blocks change memory, not the value.
  public let chunk: Int

  /// - Parameters:
  ///   - margin: α, in units of the scores.
  ///   - reduction: `sum` or `mean`.
  /// - Throws: ``ObjectiveError`` when the margin is negative or not a number, k is below 1, the temperature is not
  ///   above 0, or the reduction is another.
  public init(
    margin: Double = 0.2, measure: Measure = .cosine, negatives: Negatives = .hardest,
    reduction: Reduction = .sum, chunk: Int = 0
  ) throws {
    guard margin >= 0, margin.isFinite else {
      throw ObjectiveError.badSetting("margin", margin, expected: "0 or more")
    }
    switch negatives {
    case .topK(let count) where count < 1:
      throw ObjectiveError.badSetting("top_k", Double(count), expected: "1 or more")
    case .logSumExp(let temperature) where !(temperature > 0) || !temperature.isFinite:
      throw ObjectiveError.badSetting("temperature", temperature, expected: "a number greater than 0")
    default: break
    }
    guard reduction == .sum || reduction == .mean else {
      throw ObjectiveError.unknownChoice("reduction", reduction.rawValue, expected: "sum or mean")
    }
    guard chunk >= 0 else {
      throw ObjectiveError.badSetting("chunk", Double(chunk), expected: "0 (all at once) or more rows")
    }
    self.margin = margin
    self.measure = measure
    self.negatives = negatives
    self.reduction = reduction
    self.chunk = chunk
  }

  // MARK: - From vectors

  /// The loss of a batch.
  ///
  /// - Parameters:
  ///   - images: `[n, d]`, as they are: nothing is normalized here.
  ///   - captions: `[n, d]`.
  ///   - matches: which rows belong together; those beside row i with row i are left out.
  /// - Returns: the loss, and as a part `active`, the share of the items of both sides that cost something.
  /// - Throws: ``ObjectiveError`` when counts or widths disagree.
  public func callAsFunction(
    _ images: Tensor, _ captions: Tensor, _ matches: Matches
  ) throws -> ObjectiveValue {
    try check(images, captions, matches)
    let (x, y) = (try images.detached(), try captions.detached())
    let wantsSlopes = images.requiresGradient || captions.requiresGradient
    var sums = Sums()
    if chunk > 0, chunk < matches.count {
      let turned = try matches.transposed()
      let blocks = stride(from: 0, to: matches.count, by: chunk).map {
        $0..<Swift.min($0 + chunk, matches.count)
      }
      for rows in blocks {
        let masks = try matches.masks(of: rows)
        try sums.add(part(x[rows], y, wantsSlopes) { try costs($0, masks) }, isPiece: (true, false))
      }
      for columns in blocks {
        let masks = try turned.masks(of: columns)
        let part = try part(x, y[columns], wantsSlopes) { try costs($0.transposed(), masks) }
        try sums.add(part, isPiece: (false, true))
      }
    } else {
      let masks = try matches.masks()
      let part = try part(x, y, wantsSlopes) { scores in
        try Tensor.concatenated([costs(scores, masks), costs(scores.transposed(), masks.transposed())])
      }
      try sums.add(part, isPiece: (false, false))
    }
    guard let sum = sums.total, let active = sums.active else { throw ObjectiveError.empty("pairs") }
    let count = Double(matches.count)
    let weight = reduction == .sum ? 1 : 1 / count
    let slopes = try [sums.x, sums.y].map { side in try side.total.map { try $0 * weight } }
    let total = try (sum * weight).withSlopes(slopes, by: [images, captions])
    return ObjectiveValue(total: total, parts: [("active", try active / (2 * count))])
  }

  /// Scores of every image `[n, d]` against every caption `[m, d]`: `[n, m]`, without a graph.
  public func scores(_ images: Tensor, _ captions: Tensor) throws(TorchError) -> Tensor {
    try withoutGradient { () throws(TorchError) in
      switch measure {
      case .cosine: try images.matmul(captions.transposed()).to(images.dtype)
      case .order: try OrderSimilarity.scores(images, captions)
      }
    }
  }

  // MARK: - From scores

  /// The same loss of scores that come from elsewhere, such as from attention; its graph goes through them.
  ///
  /// - Parameters:
  ///   - scores: `[n, m]`, image i and caption j; the pairs on the diagonal. Where one side has more items than the other,
  ///     those are wrong partners without a right one.
  ///   - matches: which rows belong together; those beside row i with row i are left out.
  public func loss(ofScores scores: Tensor, _ matches: Matches) throws -> ObjectiveValue {
    guard scores.shape == [matches.count, matches.columns] else {
      throw ObjectiveError.unequalCounts("the scores", scores.shape.max() ?? 0, "the matches", matches.count)
    }
    let masks = try matches.masks()
    let pairs = Swift.min(matches.count, matches.columns)
    func paired(_ all: Tensor) throws(TorchError) -> Tensor { try all[0..<pairs] }
    let turned = try masks.transposed()
    let each = try Tensor.concatenated([
      costs(paired(scores), PairMasks(positive: paired(masks.positive), negative: paired(masks.negative))),
      costs(
        paired(scores.transposed()),
        PairMasks(positive: paired(turned.positive), negative: paired(turned.negative))),
    ])
    let count = Double(pairs)
    let active = try (each.detached() .> 0).to(scores.dtype).mean()
    return ObjectiveValue(
      total: try each.sum() * (reduction == .sum ? 1 : 1 / count), parts: [("active", active)])
  }

  /// What each row's wrong partners cost together, `[rows]`.
  private func costs(_ scores: Tensor, _ masks: PairMasks) throws(TorchError) -> Tensor {
    let paired = try masks.paired(scores)
    let column = try paired.squeezed(at: 1)
    // Finite, so that a row without wrong partners gives 0 and a gradient of 0.
    let never = SoftmaxContrast.never
    switch negatives {
    case .sum:
      return try ((scores - paired + margin).relu() * masks.negative.to(scores.dtype)).sum(along: 1)
    case .hardest:
      let wrong = try scores.masked(with: masks.negative.not(), fill: never)
      return try (wrong.maximum(along: 1).values - column + margin).relu()
    case .semiHard:
      let barred = try masks.negative.not().or(scores.detached() .>= paired.detached())
      return try (scores.masked(with: barred, fill: never).maximum(along: 1).values - column + margin).relu()
    case .topK(let count):
      let wrong = try scores.masked(with: masks.negative.not(), fill: never)
      let most = Swift.min(count, scores.size(along: 1))
      let largest = try (wrong.top(most, along: 1).values - paired + margin).relu()
      let counted = try masks.negative.to(scores.dtype).sum(along: 1).clamped(from: 1, to: Double(most))
      return try largest.sum(along: 1) / counted
    case .logSumExp(let temperature):
      let wrong = try (scores / temperature).masked(with: masks.negative.not(), fill: never)
      return try (wrong.logSumExp(along: 1) * temperature - column + margin).relu()
    }
  }

  // MARK: - Blocks

  /// What a block of scores adds to the loss.
  private struct Part {
    var total: Tensor
    var active: Tensor
    /// Gradients by the block's images and captions.
    var slopes: (x: Tensor, y: Tensor)?
  }

  private struct Sums {
    var total: Tensor?
    var active: Tensor?
    var x = Slopes()
    var y = Slopes()

    /// - Parameter isPiece: whether the block has some rows of a side (which follow one another) or all.
    mutating func add(_ part: Part, isPiece: (x: Bool, y: Bool)) throws(TorchError) {
      total = try total.map { total throws(TorchError) in try total + part.total } ?? part.total
      active = try active.map { active throws(TorchError) in try active + part.active } ?? part.active
      guard let slopes = part.slopes else { return }
      try x.add(slopes.x, isPiece: isPiece.x)
      try y.add(slopes.y, isPiece: isPiece.y)
    }
  }

  /// The gradient by one side's vectors.
  private struct Slopes {
    private var sum: Tensor?
    private var pieces: [Tensor] = []

    mutating func add(_ slope: Tensor, isPiece: Bool) throws(TorchError) {
      if isPiece {
        pieces.append(slope)
      } else {
        sum = try sum.map { sum throws(TorchError) in try sum + slope } ?? slope
      }
    }

    var total: Tensor? {
      get throws(TorchError) {
        guard !pieces.isEmpty else { return sum }
        let joined = try Tensor.concatenated(pieces)
        return try sum.map { sum throws(TorchError) in try sum + joined } ?? joined
      }
    }
  }

  private func part(
    _ x: Tensor, _ y: Tensor, _ wantsSlopes: Bool, _ costs: (Tensor) throws -> Tensor
  ) throws -> Part {
    let scores = try self.scores(x, y)
    let leaf = wantsSlopes ? try scores.requiringGradient() : scores
    let each = try costs(leaf)
    let total = try each.sum()
    var part = Part(
      total: try total.detached(), active: try (each.detached() .> 0).to(scores.dtype).sum(), slopes: nil)
    guard wantsSlopes else { return part }
    let weights = try Tensor.gradients(of: [total], by: [leaf])[0] ?? scores.zerosLike()
    switch measure {
    case .cosine: part.slopes = try productSlopes(weights, x, y)
    case .order: part.slopes = try OrderSimilarity.slopes(weights, scores, x, y)
    }
    return part
  }

  /// Gradients of Σ G · x yᵀ: matrix products, or sums of a few rows where most weights are 0.
  private func productSlopes(
    _ weights: Tensor, _ x: Tensor, _ y: Tensor
  ) throws(TorchError) -> (x: Tensor, y: Tensor) {
    try withoutGradient { () throws(TorchError) in
      let pairs = weights.count < Self.denseCount ? nil : try weights.nonZero()
      guard let pairs, pairs.size(along: 0) * 32 < weights.count else {
        return (try weights.matmul(y).to(x.dtype), try weights.transposed().matmul(x).to(y.dtype))
      }
      let (i, j) = (try pairs.selected(0, along: 1), try pairs.selected(1, along: 1))
      let some = try weights.elements(at: i, j).unsqueezed(at: 1)
      return (
        try x.zerosLike().adding(y.rows(at: j) * some, at: i),
        try y.zerosLike().adding(x.rows(at: i) * some, at: j)
      )
    }
  }

  /// Scores below which a matrix product costs less than to look for zeros.
  private static let denseCount = 1 << 16

  private func check(_ images: Tensor, _ captions: Tensor, _ matches: Matches) throws {
    guard images.size(along: -1) == captions.size(along: -1) else {
      throw ObjectiveError.unequalSizes(
        "the images' vectors", images.size(along: -1), "the captions'", captions.size(along: -1))
    }
    guard images.size(along: 0) == captions.size(along: 0) else {
      throw ObjectiveError.unequalCounts(
        "the images", images.size(along: 0), "the captions", captions.size(along: 0))
    }
    guard matches.count == images.size(along: 0), matches.columns == matches.count else {
      throw ObjectiveError.unequalCounts("the matches", matches.count, "the images", images.size(along: 0))
    }
    guard matches.count > 0 else { throw ObjectiveError.empty("pairs") }
  }
}
