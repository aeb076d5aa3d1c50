import Torch

extension Tensor {
  /// Rows `[n, d]` averaged to `[count, d]`, as temporal grounding brings videos to one number of clips.
  ///
  /// Row i is the mean of the rows from b_i to b_{i+1}, or row b_i alone when these are equal, where
  /// b_i = min(round(i n / count), n - 1), halves rounded to even. The last row usually drops out; published
  /// features were made so.
  public func averagedRows(to count: Int) throws -> Tensor {
    try unsqueezed(at: 0).averagedRows(to: count, lengths: [size(along: 0)]).squeezed(at: 0)
  }

  /// The same of several videos `[b, n, d]`, each up to its length: `[b, count, d]`.
  public func averagedRows(to count: Int, lengths: [Int]) throws -> Tensor {
    let width = size(along: 1)
    guard count > 0, lengths.allSatisfy({ (1...Swift.max(1, width)).contains($0) }) else {
      throw EvaluationError.badValue(
        "\(lengths.min() ?? 0) rows cannot be averaged to \(count), expected at least one of each")
    }
    var shares = [Float](repeating: 0, count: lengths.count * count * width)
    for (video, length) in lengths.enumerated() {
      let bounds = (0...count).map { place in
        Swift.min(
          Int((Double(place) * Double(length) / Double(count)).rounded(.toNearestOrEven)), length - 1)
      }
      for place in 0..<count {
        let own = bounds[place]..<Swift.max(bounds[place + 1], bounds[place] + 1)
        for row in own { shares[(video * count + place) * width + row] = 1 }
      }
    }
    let each = try Tensor(shares, shape: [lengths.count, count, width]).to(dtype).to(device)
    return try (each / each.sum(along: 2, keepingDimension: true)).matmul(self)
  }
}
