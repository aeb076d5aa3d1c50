import Torch

/// Puts batches together.
///
/// The batches of an epoch are a function of (seed, epoch) alone, so that a resumed run continues at the very
/// batch, and every one of several processes knows them all.
public protocol BatchSampler {
  /// Places of the training pairs, batch by batch.
  func batches(epoch: Int, seed: UInt64) throws -> [[Int]]
  /// Number of batches of every epoch.
  var batchesPerEpoch: Int { get }
  /// How many pairs in a row of every batch are of one thing (views of an object, pairs of a class, an item with its
  /// partners), which batches tell the loss as ``Batch/group``; nil, the default, where neighbors mean nothing.
  var group: Int? { get }
}

extension BatchSampler {
  public var group: Int? { nil }
}

/// All pairs in a new order each epoch.
public struct ShuffledSampler: BatchSampler {
  public let count: Int
  public let batchSize: Int
  /// Whether a last batch that is smaller than the others is left out.
  public let dropsLast: Bool
  /// Without it the pairs come in their own order.
  public let shuffles: Bool

  public init(count: Int, batchSize: Int, dropsLast: Bool = false, shuffles: Bool = true) {
    self.count = count
    self.batchSize = max(1, min(batchSize, count))
    self.dropsLast = dropsLast
    self.shuffles = shuffles
  }

  public var batchesPerEpoch: Int {
    dropsLast ? count / batchSize : (count + batchSize - 1) / batchSize
  }

  public func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    let order = shuffles ? try permutation(of: count, epoch: epoch, seed: seed) : Array(0..<count)
    return (0..<batchesPerEpoch).map { Array(order[$0 * batchSize..<min(($0 + 1) * batchSize, count)]) }
  }
}

/// Every batch holds `views` pairs of each of `classes` classes: for losses that compare within classes.
///
/// Each epoch walks every class once in a new order; a class with too few pairs gives some again.
public struct ClassSampler: BatchSampler {
  public let classes: Int
  public let views: Int
  public let batchesPerEpoch: Int
  private let members: [[Int]]

  /// - Parameters:
  ///   - labels: class of each pair.
  ///   - classes: classes in a batch; at most as many as there are.
  ///   - views: pairs of each class in a batch.
  ///   - batchesPerEpoch: nil for about as many pairs as there are.
  public init(labels: [Int], classes: Int, views: Int, batchesPerEpoch: Int? = nil) {
    let groups = Dictionary(grouping: labels.indices, by: { labels[$0] })
    members = groups.keys.sorted().map { groups[$0] ?? [] }
    self.classes = max(1, min(classes, members.count))
    self.views = max(1, views)
    self.batchesPerEpoch = max(1, batchesPerEpoch ?? labels.count / (self.classes * self.views))
  }

  public var group: Int? { views }

  public func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    var random = SeededGenerator(seed: mixed(seed, UInt64(epoch)))
    var rests = members.map { _ in ArraySlice<Int>() }
    var order = ArraySlice<Int>()
    return (0..<batchesPerEpoch).map { _ in
      if order.count < classes {
        // A class may not occur twice in a batch, so what is left of the old order is not carried over.
        order = Array(members.indices).shuffled(using: &random)[...]
      }
      let chosen = order.prefix(classes)
      order = order.dropFirst(classes)
      return chosen.flatMap { group -> [Int] in
        var batch: [Int] = []
        while batch.count < views {
          if rests[group].isEmpty { rests[group] = members[group].shuffled(using: &random)[...] }
          let taken = rests[group].prefix(views - batch.count)
          rests[group] = rests[group].dropFirst(taken.count)
          batch += taken
        }
        return batch
      }
    }
  }
}

/// All of `0 ..< count` in the order of (seed, epoch).
func permutation(of count: Int, epoch: Int, seed: UInt64) throws -> [Int] {
  try Tensor.permutation(count, using: Generator(seed: mixed(seed, UInt64(epoch)))).values(as: Int.self)
}
