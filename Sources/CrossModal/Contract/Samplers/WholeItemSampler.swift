import Torch

/// Some items of one modality with all their pairs in every batch, in a new order each epoch: for losses that take what is
/// said of an item as a whole.
public struct WholeItemSampler: BatchSampler {
  private let order: ShuffledSampler
  private let pairs: [[Int]]

  /// - Parameters:
  ///   - items: the item of each pair.
  ///   - batchSize: pairs in a batch, about: as many items as have so many pairs on average, one at least.
  public init(items: [Int], batchSize: Int) {
    pairs = SharedItems(items).pairsOfItem
    let share = Double(pairs.count) / Double(max(1, items.count))
    order = ShuffledSampler(
      count: pairs.count, batchSize: Int((share * Double(min(batchSize, items.count))).rounded()))
  }

  public var batchesPerEpoch: Int { order.batchesPerEpoch }

  public func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    try order.batches(epoch: epoch, seed: seed).map { $0.flatMap { pairs[$0] } }
  }
}
