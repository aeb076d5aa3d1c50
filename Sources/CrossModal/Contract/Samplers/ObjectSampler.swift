/// Every batch holds the same number of views of each of some objects, next to each other.
///
/// Each epoch walks every object once in a new order, with views in a new order; an object with fewer views than
/// others gives some again.
public struct ObjectSampler: BatchSampler {
  /// Views of each object in a batch: as many as the object with the most has, at most a batch.
  public let views: Int
  public let batchesPerEpoch: Int
  private let objects: Int
  private let members: [[Int]]

  /// - Parameters:
  ///   - objects: number of the object that each item is a view of.
  ///   - batchSize: items in a batch.
  public init(objects: [Int], batchSize: Int) {
    let groups = Dictionary(grouping: objects.indices, by: { objects[$0] })
    members = groups.keys.sorted().map { groups[$0] ?? [] }
    views = max(1, min(members.map(\.count).max() ?? 1, batchSize))
    self.objects = max(1, min(batchSize / views, members.count))
    batchesPerEpoch = members.count / self.objects
  }

  public var group: Int? { views }

  public func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    var random = SeededGenerator(seed: mixed(seed, UInt64(epoch)))
    let order = members.indices.shuffled(using: &random)
    return (0..<batchesPerEpoch).map { number in
      order[number * objects..<(number + 1) * objects].flatMap { object -> [Int] in
        var batch: [Int] = []
        while batch.count < views {
          batch += members[object].shuffled(using: &random).prefix(views - batch.count)
        }
        return batch
      }
    }
  }
}
