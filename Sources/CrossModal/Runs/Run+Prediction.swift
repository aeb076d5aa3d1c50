import Torch

extension Run {
  /// What the method expects of items as they come from a data set or a user.
  ///
  /// - Throws: ``RunError`` when the run predicts nothing from that modality.
  public func prediction(from items: Items, side: Int) throws -> PredictedItems {
    let found = try (method as? any Predicting)?.prediction(from: featurized(items, side: side), side: side)
    guard let found else { throw RunError.predictsNothing(method: about.name, from: modalities[side]) }
    return found
  }

  /// Predictions for all rows of a modality of a split, a block of rows at a time.
  public func predictions(of split: Split, side: Int, block: Int = 1024) throws -> Tensor {
    let count = split.count(side: side)
    return try Tensor.concatenated(
      stride(from: 0, to: count, by: block).map { start in
        let rows = start..<Swift.min(start + block, count)
        return try prediction(from: split.items(side: side, rows: rows), side: side).values
      })
  }
}
