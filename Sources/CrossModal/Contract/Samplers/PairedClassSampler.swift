/// Every batch holds two different pairs of each of some classes, next to each other; classes with one pair are
/// left out.
public struct PairedClassSampler: BatchSampler {
  public let classes: Int
  public let batchesPerEpoch: Int
  private let members: [[Int]]

  /// - Parameters:
  ///   - labels: class of each pair.
  ///   - classes: classes in a batch; at most as many as have two pairs.
  public init(labels: [Int], classes: Int, batchesPerEpoch: Int) {
    let groups = Dictionary(grouping: labels.indices, by: { labels[$0] }).filter { $0.value.count > 1 }
    members = groups.keys.sorted().map { groups[$0] ?? [] }
    self.classes = max(1, min(classes, members.count))
    self.batchesPerEpoch = members.isEmpty ? 0 : max(1, batchesPerEpoch)
  }

  public var group: Int? { 2 }

  public func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    var random = SeededGenerator(seed: mixed(seed, UInt64(epoch)))
    return (0..<batchesPerEpoch).map { _ in
      members.indices.shuffled(using: &random).prefix(classes).flatMap { group -> [Int] in
        let own = members[group]
        let first = Int.random(in: 0..<own.count, using: &random)
        let other = Int.random(in: 1..<own.count, using: &random)
        return [own[first], own[(first + other) % own.count]]
      }
    }
  }
}
