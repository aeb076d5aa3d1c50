import Torch

/// Cross-entropy of each query's similarity with its key among those with a queue of other keys: the InfoNCE of momentum
/// contrast (He et al., CVPR 2020, eq. 1; DenseCL, Wang et al., CVPR 2021, eq. 1 and 2).
///
/// The logits `[m, k]` never exist as a whole. Each block of them is made, its exponentials are added up and weigh the
/// keys that the gradient consists of, and it goes away: one walk gives value and gradient, exact as the plain form is.
public struct QueueContrast: Sendable {
  /// Divides the similarities.
  public let temperature: Double
  /// Queries and keys of a block.
  private let rows: Int
  private let columns: Int

  /// - Parameters:
  ///   - temperature: above 0.
  ///   - rows: queries whose logits exist at a time.
  ///   - columns: keys whose logits exist at a time.
  /// - Throws: ``ObjectiveError`` for a temperature that is not above 0.
  public init(temperature: Double, rows: Int = 512, columns: Int = 4096) throws {
    guard temperature > 0, temperature.isFinite else {
      throw ObjectiveError.badSetting("temperature", temperature, expected: "above 0")
    }
    self.temperature = temperature
    self.rows = max(1, rows)
    self.columns = max(1, columns)
  }

  /// The loss of queries, and how often they were right.
  public struct Value {
    /// Mean over queries, a scalar; 0 without any.
    public let loss: Tensor
    /// Share of the queries that are nearer to their key than to every other one, a scalar without a graph.
    public let accuracy: Tensor
  }

  /// - Parameters:
  ///   - queries: `[m, d]`, of norm 1 where cosines are wanted.
  ///   - positives: similarity of each query with its own key, `[m]`.
  ///   - queue: other keys, `[k, d]`; no gradient flows to them.
  /// - Returns: the loss, whose graph leads to `queries` and `positives` with gradients that are known already.
  /// - Throws: ``ObjectiveError`` when counts or widths disagree.
  /// - Complexity: two products `[m, d] × [d, k]` in time; memory of one block and of a few copies of the queries.
  public func callAsFunction(_ queries: Tensor, positives: Tensor, queue: Tensor) throws -> Value {
    let count = queries.size(along: 0)
    guard positives.count == count else {
      throw ObjectiveError.unequalCounts("positives", positives.count, "queries", count)
    }
    guard queue.size(along: 1) == queries.size(along: 1) else {
      throw ObjectiveError.unequalSizes(
        "keys of the queue", queue.size(along: 1), "queries", queries.size(along: 1))
    }
    guard count > 0 else {
      let nothing = try Tensor.zeros([], queries.dtype, on: queries.device)
      return Value(loss: nothing, accuracy: nothing)
    }
    var blocks: [Block] = []
    try withoutGradient {
      let (scaled, own, keys) = try (
        queries.detached() / temperature, positives.detached() / temperature, queue.detached()
      )
      let reach: Double = try (scaled.norm(along: 1).max() * keys.norm(along: 1).max()).item()
      let ownReach: Double = try own.magnitude().max().item()
      for start in stride(from: 0, to: count, by: rows) {
        let range = start..<min(start + rows, count)
        blocks.append(
          try block(
            scaled[range], own[range].unsqueezed(at: 1), keys,
            isBounded: max(reach, ownReach) <= Self.largestPower))
      }
    }
    let loss = try Tensor.concatenated(blocks.map(\.losses)).mean()
    let accuracy = try Tensor.concatenated(blocks.map(\.isFirst)).mean()
    let factor = 1 / (temperature * Double(count))
    let slopes = try [
      Tensor.concatenated(blocks.map(\.pulls)) * factor, Tensor.concatenated(blocks.map(\.pushes)) * factor,
    ]
    return Value(loss: try loss.withSlopes(slopes, by: [queries, positives]), accuracy: accuracy)
  }

  /// What a block of queries comes to.
  private struct Block {
    /// `[rows]`.
    let losses: Tensor
    /// 1 where the own key is the nearest, `[rows]`.
    let isFirst: Tensor
    /// Other keys weighted by their probabilities, `[rows, d]`.
    let pulls: Tensor
    /// Probability of the own key less 1, `[rows]`.
    let pushes: Tensor
  }

  /// Logits whose exponentials, and sums of very many of them, are float32 as they are.
  private static let largestPower = 50.0

  /// - Parameters:
  ///   - queries: divided by the temperature, `[rows, d]`.
  ///   - own: the positives divided by it, `[rows, 1]`.
  ///   - isBounded: whether no logit is beyond ``largestPower`` on either side, as those of cosines are.
  private func block(
    _ queries: Tensor, _ own: Tensor, _ queue: Tensor, isBounded: Bool
  ) throws(TorchError) -> Block {
    // Else sums of exponentials are relative to the largest logit so far, which moves: none overflows, the largest
    // counts 1.
    var peak = isBounded ? try own.zerosLike() : own
    var mass = isBounded ? try own.exp() : try own.onesLike()
    var pulls = try queries.zerosLike()
    var best: Tensor?
    let keys = queue.size(along: 0)
    for start in stride(from: 0, to: keys, by: columns) {
      let some = try queue[start..<min(start + columns, keys)]
      let logits = try queries.matmul(some.transposed()).to(queries.dtype)
      let top = try logits.max(along: 1, keepingDimension: true)
      if let found = best { best = try found.maximum(top) } else { best = top }
      guard !isBounded else {
        let weights = try logits.exp()
        mass = try mass + weights.sum(along: 1, keepingDimension: true)
        pulls = try pulls.addingProduct(weights, some)
        continue
      }
      let higher = try peak.maximum(top)
      let shrink = try (peak - higher).exp()
      let weights = try (logits - higher).exp()
      mass = try mass * shrink + weights.sum(along: 1, keepingDimension: true)
      pulls = try pulls * shrink + weights.matmul(some)
      peak = higher
    }
    var isFirst = try own.onesLike()
    if let best { isFirst = try (own .> best).to(queries.dtype) }
    return Block(
      losses: try (mass.log() + peak - own).squeezed(at: 1),
      isFirst: try isFirst.squeezed(at: 1), pulls: try pulls / mass,
      pushes: try ((own - peak).exp() / mass - 1).squeezed(at: 1))
  }
}
