import Torch

extension Pass {
  /// Sets of which random parts are left out in training (Chen et al., "Learning the Best Pooling Strategy for Visual
  /// Semantic Embedding", CVPR 2021): four of five lose each of their vectors with a probability of at most a fifth.
  ///
  /// Of each set a number u uniform in 0..<1 is drawn; where it is above 0.2, each vector goes with probability
  /// 0.2 u. A set that has any keeps at least one. Nothing goes in evaluation.
  /// - Parameters:
  ///   - values: `[n, l, d]`.
  ///   - lengths: vectors of each row that count.
  /// - Returns: what stays, in its order, and how many of each row that is.
  public func thinned(
    _ values: Tensor, lengths: [Int]
  ) throws(TorchError) -> (values: Tensor, lengths: [Int]) {
    let longest = values.size(along: 1)
    let choices = try choices(lengths.count, longest + 1)
    guard isTraining, longest > 0 else { return (values, lengths) }
    let kept = zip(lengths, choices).map { length, numbers -> [Int] in
      let u = numbers[longest]
      guard u > 0.2 else { return Array(0..<length) }
      let kept = (0..<length).filter { numbers[$0] > 0.2 * u }
      return kept.isEmpty && length > 0 ? [0] : kept
    }
    let most = kept.map(\.count).max() ?? 0
    // Places behind the new length point anywhere: they are padding.
    let places = kept.flatMap { $0 + Array(repeating: 0, count: most - $0.count) }
    let index = try Tensor(places, shape: [lengths.count, most, 1]).to(values.device)
      .expanded(to: [lengths.count, most, values.size(along: 2)])
    return (try values.gathered(index, along: 1), kept.map(\.count))
  }
}
