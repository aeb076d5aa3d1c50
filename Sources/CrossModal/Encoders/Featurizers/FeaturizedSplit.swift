import Torch

/// A split whose texts and pictures have become vectors, computed once for every item.
public struct FeaturizedSplit: TrainingSet {
  /// The split behind it.
  public let split: Split
  public let description: DataDescription
  /// float64 `[n, d]` for every modality that has a featuriser.
  private let vectors: [Tensor?]

  /// - Parameter featurizers: one a modality; nil where the split's own items stay.
  /// - Throws: ``DataError`` and ``FeaturizerError`` from reading and computing.
  public init(_ split: Split, _ featurizers: [(any Featurizer)?]) throws {
    self.split = split
    var description = split.description
    var vectors: [Tensor?] = []
    for (side, featurizer) in featurizers.enumerated() {
      guard let featurizer else {
        vectors.append(nil)
        continue
      }
      let name = description.modalities[side].name
      description.modalities[side] = .init(
        name: name, kind: .vector, size: featurizer.size, shape: [featurizer.size])
      var blocks: [Tensor] = []
      for start in stride(from: 0, to: split.count(side: side), by: 256) {
        let range = start..<min(start + 256, split.count(side: side))
        blocks.append(try featurizer.vectors(of: split.items(side: side, rows: range)))
      }
      vectors.append(try Tensor.concatenated(blocks))
    }
    self.description = description
    self.vectors = vectors
  }

  public var count: Int { split.count }
  public var labels: [Int]? { split.labels }
  public var itemsOfPairs: [[Int]]? { split.itemsOfPairs }

  public func group(side: Int) -> [Int]? { split.group(side: side) }

  /// Items of a modality, next to each other.
  public func items(side: Int, rows: Range<Int>) throws -> Items {
    try vectors[side].map { .vectors(try $0[rows]) } ?? split.items(side: side, rows: rows)
  }

  public func batch(at places: [Int]) throws -> Batch {
    // Pictures and texts that became vectors are not read again.
    try split.batch(at: places) { side, rows in
      try vectors[side].map { .vectors(try $0.rows(at: rows)) } ?? split.items(side: side, at: rows)
    }
  }
}
