/// Batches of pairs of one length: lengths in a random order again and again, of each the next pairs, until all are used
/// up.
public struct LengthSampler: BatchSampler {
  public let batchSize: Int
  public let batchesPerEpoch: Int
  private let groups: [[Int]]

  /// - Parameters:
  ///   - lengths: of each pair, such as the words of its caption.
  ///   - batchSize: pairs in a batch; of what is left over of a length there are fewer.
  public init(lengths: [Int], batchSize: Int) {
    let members = Dictionary(grouping: lengths.indices) { lengths[$0] }
    groups = members.sorted { $0.key < $1.key }.map(\.value)
    let size = max(1, batchSize)
    self.batchSize = size
    batchesPerEpoch = groups.reduce(0) { $0 + ($1.count + size - 1) / size }
  }

  public func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    var random = SeededGenerator(seed: mixed(seed, UInt64(epoch)))
    var rests = groups.shuffled(using: &random).map { $0.shuffled(using: &random)[...] }
    var batches: [[Int]] = []
    while batches.count < batchesPerEpoch {
      for place in rests.indices where !rests[place].isEmpty {
        batches.append(Array(rests[place].prefix(batchSize)))
        rests[place] = rests[place].dropFirst(batchSize)
      }
    }
    return batches
  }
}
