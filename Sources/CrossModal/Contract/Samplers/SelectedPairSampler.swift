/// Some of the training pairs, in batches as another sampler puts them together.
public struct SelectedPairSampler: BatchSampler {
  private let places: [Int]
  private let sampler: any BatchSampler

  /// - Parameters:
  ///   - places: the pairs that count.
  ///   - sampler: of as many pairs as those are.
  public init(_ places: [Int], by sampler: any BatchSampler) {
    self.places = places
    self.sampler = sampler
  }

  public var batchesPerEpoch: Int { sampler.batchesPerEpoch }
  public var group: Int? { sampler.group }

  public func batches(epoch: Int, seed: UInt64) throws -> [[Int]] {
    try sampler.batches(epoch: epoch, seed: seed).map { $0.map { places[$0] } }
  }
}
