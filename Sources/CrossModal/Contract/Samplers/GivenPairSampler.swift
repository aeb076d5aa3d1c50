/// Batches of the items of so many given pairs, each item once, the pairs in a new order each epoch.
public struct GivenPairSampler: BatchSampler {
  private let order: ShuffledSampler
  /// A pair of the training data for both items of each given pair.
  private let places: [[Int]]

  /// - Parameters:
  ///   - given: pairs of rows that `data` has.
  ///   - batchSize: given pairs in a batch; what is left over of an epoch is dropped.
  public init(_ given: GivenPairs, of data: some TrainingSet, batchSize: Int) {
    let sides = min(2, data.description.modalities.count)
    let first = (0..<sides).map { side in
      let rows = data.itemsOfPairs?[side] ?? Array(0..<data.count)
      return Dictionary(rows.enumerated().map { ($1, $0) }) { first, _ in first }
    }
    places = given.pairs.map { [first[0][$0.x] ?? 0, first[sides - 1][$0.y] ?? 0] }
    order = ShuffledSampler(count: given.pairs.count, batchSize: batchSize, dropsLast: true)
  }

  public var batchesPerEpoch: Int { order.batchesPerEpoch }

  public func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    try order.batches(epoch: epoch, seed: seed).map { batch in
      var seen: Set<Int> = []
      return batch.flatMap { places[$0] }.filter { seen.insert($0).inserted }
    }
  }
}
