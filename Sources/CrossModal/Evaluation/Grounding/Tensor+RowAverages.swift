import Torch

extension Tensor {
  /// Rows `[n, d]` averaged to `[count, d]`, as temporal grounding brings videos to one number of clips.
  ///
  /// Row i is the mean of the rows from b_i to b_{i+1}, or row b_i alone when these are equal, where
  /// b_i = min(round(i n / count), n - 1), halves rounded to even. The last row usually drops out; published
  /// features were made so.
  public func averagedRows(to count: Int) throws -> Tensor {
    let n = size(along: 0)
    guard n > 0, count > 0 else {
      throw EvaluationError.badValue(
        "\(n) rows cannot be averaged to \(count), expected at least one of each")
    }
    let bounds = (0...count).map { place in
      Swift.min(Int((Double(place) * Double(n) / Double(count)).rounded(.toNearestOrEven)), n - 1)
    }
    return try Tensor.stacked(
      try (0..<count).map { place in
        try self[bounds[place]..<Swift.max(bounds[place + 1], bounds[place] + 1)].mean(along: 0)
      })
  }
}
