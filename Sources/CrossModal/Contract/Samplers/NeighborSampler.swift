/// Batches for losses that compare items of a side with each other: some items of one modality, each with several of
/// its partners, next to each other.
///
/// In an epoch every pair leads once; with it come other partners of its item. No item is twice in a batch unless
/// the released programs are to be followed, which draw leads without looking.
public struct NeighborSampler: BatchSampler {
  public let batchesPerEpoch: Int
  /// Partners of an item in a batch.
  public let sample: Int
  /// Items that have fewer partners: in a batch each partner is there once, or again where items may repeat.
  public let itemsWithFewer: Int
  private let leads: any BatchSampler
  private let owners: [Int]
  private let pairs: [Int: [Int]]
  private let isDistinct: Bool

  /// - Parameters:
  ///   - items: row of each modality in each pair, `[modality][pair]`.
  ///   - side: the modality whose items have several partners.
  ///   - batchSize: items in a batch.
  ///   - sample: partners of each.
  ///   - isDistinct: whether an item is at most once in a batch.
  public init(items: [[Int]], side: Int, batchSize: Int, sample: Int, isDistinct: Bool) {
    owners = items[side]
    pairs = Dictionary(grouping: owners.indices, by: { [owners] in owners[$0] })
    self.sample = max(1, sample)
    self.isDistinct = isDistinct
    let sample = self.sample
    itemsWithFewer = pairs.values.count { $0.count < sample }
    let size = max(1, isDistinct ? min(batchSize, pairs.count) : batchSize)
    leads =
      isDistinct
      ? DistinctItemSampler(items: items, batchSize: size)
      : ShuffledSampler(count: owners.count, batchSize: size, dropsLast: true)
    batchesPerEpoch = leads.batchesPerEpoch
  }

  /// Without repeated items a block is as short as its item has partners.
  public var group: Int? { isDistinct ? nil : sample }

  public func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    var random = SeededGenerator(seed: mixed(seed, UInt64(epoch), 1))
    return try leads.batches(epoch: epoch, seed: seed).map { batch in
      batch.flatMap { lead -> [Int] in
        let others = (pairs[owners[lead]] ?? []).filter { $0 != lead }
        var block = [lead] + others.shuffled(using: &random).prefix(sample - 1)
        while !isDistinct, block.count < sample {
          block.append((others + [lead]).randomElement(using: &random) ?? lead)
        }
        return block
      }
    }
  }
}
