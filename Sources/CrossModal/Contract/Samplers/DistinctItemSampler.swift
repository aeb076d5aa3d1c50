import Torch

/// All pairs in a new order each epoch, such that no item is twice in a batch: of a picture with five captions, or
/// a caption of two pictures, a batch has one pair.
///
/// Pairs that share an item, directly or through others, are dealt out to batch after batch; only what has more
/// pairs than there are batches has to meet itself.
public struct DistinctItemSampler: BatchSampler {
  public let batchSize: Int
  public let batchesPerEpoch: Int
  private let groups: [[Int]]

  /// - Parameters:
  ///   - items: row of each modality in each pair, `[modality][pair]`.
  ///   - batchSize: pairs in a batch; what is left over of an epoch is dropped.
  public init(items: [[Int]], batchSize: Int) {
    let count = items.first?.count ?? 0
    var sets = DisjointSets(count: count)
    for rows in items {
      var first: [Int: Int] = [:]
      for (place, row) in rows.enumerated() {
        if let known = first[row] { sets.join(known, place) } else { first[row] = place }
      }
    }
    var members: [Int: [Int]] = [:]
    for place in 0..<count { members[sets.root(place), default: []].append(place) }
    groups = members.sorted { $0.key < $1.key }.map(\.value)
    self.batchSize = max(1, min(batchSize, count))
    batchesPerEpoch = count / self.batchSize
  }

  public func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    var random = SeededGenerator(seed: mixed(seed, UInt64(epoch)))
    var batches = [[Int]](repeating: [], count: batchesPerEpoch)
    var next = 0
    for group in groups.shuffled(using: &random) {
      for place in group.shuffled(using: &random) {
        batches[next].append(place)
        next = (next + 1) % batchesPerEpoch
      }
    }
    // Neighbours in the dealing met in neighbouring batches; within a batch order means nothing.
    batches.shuffle(using: &random)
    return batches.map { Array($0.shuffled(using: &random).prefix(batchSize)) }
  }
}
