import Torch

/// A split whose texts and pictures go through featurizers: computed once for every item and kept, or when they are
/// asked for.
public struct FeaturizedSplit: TrainingSet {
  /// The split behind it.
  public let split: Split
  public let description: DataDescription
  public var givenPairs: GivenPairs?
  /// What came out, for every modality that has a featurizer.
  private let features: [StoredItems?]
  private let featurizers: [(any Featurizer)?]
  /// Numbers of the pairs, or of the items that pairs share.
  private let targets: [(target: Target, rows: TokenRows)]

  /// - Parameters:
  ///   - featurizers: one a modality; nil where the split's own items stay.
  ///   - targets: what the method learns to give.
  ///   - keeps: whether features are computed now and kept, for data that are walked again and again; such data have
  ///     what every target is made of.
  ///   - progress: told how far that is.
  /// - Throws: ``DataError`` and ``FeaturizerError`` from reading and computing; ``TargetError`` where the split has
  ///   nothing that a target is made of.
  public init(
    _ split: Split, _ featurizers: [(any Featurizer)?], targets: [FittedTarget] = [], keeps: Bool = true,
    progress: (FeatureProgress) -> Void = { _ in }
  ) throws {
    self.targets = try targets.compactMap { fitted in
      guard
        let source = keeps ? try TargetSource(fitted.target, of: split) : try? .init(fitted.target, of: split)
      else { return nil }
      var rows = TokenRows()
      try source.forEachChunk { rows.append($0.map(fitted.encoder.numbers)) }
      return (fitted.target, rows)
    }
    self.split = split
    var description = split.description
    var features: [StoredItems?] = []
    for (side, featurizer) in featurizers.enumerated() {
      guard let featurizer else {
        try split.checkSize(side: side)
        features.append(nil)
        continue
      }
      guard keeps else {
        features.append(nil)
        description.modalities[side] = featurizer.output(named: description.modalities[side].name)
        continue
      }
      let (name, count) = (description.modalities[side].name, split.count(side: side))
      let stored = try StoredItems(count: count) { range in
        try featurizer.featurized(split.items(side: side, rows: range)) {
          progress(FeatureProgress(modality: name, done: range.lowerBound + $0, total: count))
        }
      }
      var modality = featurizer.output(named: name)
      if modality.longest == nil, case .tokens(let rows) = stored { modality.longest = rows.longest }
      description.modalities[side] = modality
      features.append(stored)
    }
    description.targets = targets.map(\.output)
    self.description = description
    self.features = features
    self.featurizers = featurizers
  }

  public var place: String { split.place }
  public var count: Int { split.count }
  public var labels: [Int]? { split.labels }
  public var itemsOfPairs: [[Int]]? { split.itemsOfPairs }

  public var answers: [[String]]? { split.answers }
  public var moments: [ClosedRange<Double>]? { split.moments }

  public func texts(side: Int) throws -> [String]? { try split.texts(side: side) }

  public func attributes(_ name: String, side: Int) throws -> [String]? {
    try split.attributes(name, side: side)
  }

  public func group(side: Int) -> [Int]? { split.group(side: side) }

  public func labels(side: Int) -> [Int]? { split.labels(side: side) }

  public func targets(_ name: String) -> [[Int]]? {
    targets.first { $0.target.name == name }.map { numbers(of: $0, at: Array(0..<count)) }
  }

  private func numbers(of own: (target: Target, rows: TokenRows), at places: [Int]) -> [[Int]] {
    guard let side = own.target.source.side(in: split.description) else { return places.map { own.rows[$0] } }
    return split.rows(side: side, ofPairs: places).map { own.rows[$0] }
  }

  /// None where a featurizer made something else of the rows.
  public func rate(side: Int) -> Double? { featurizers[side] == nil ? split.rate(side: side) : nil }

  /// Of what a featurizer made of texts only where it is kept.
  public func lengths(side: Int) -> [Int]? {
    if case .tokens(let rows) = features[side] { return rows.lengths }
    return featurizers[side] == nil ? split.lengths(side: side) : nil
  }

  public func hasMasks(side: Int) -> Bool { split.hasMasks(side: side) }

  public func mask(side: Int, row: Int) throws -> (classes: Tensor, ignore: Int?)? {
    try split.mask(side: side, row: row)
  }

  public func count(side: Int) -> Int { split.count(side: side) }

  public func items(side: Int, rows: Range<Int>) throws -> Items {
    if let stored = features[side] { return try stored.items(in: rows) }
    return try seen(split.items(side: side, rows: rows), side: side)
  }

  /// Items of the split as the method takes them, where nothing is kept.
  private func seen(_ items: Items, side: Int) throws -> Items {
    try featurizers[side]?.featurized(items) ?? items
  }

  public func batch(at places: [Int]) throws -> Batch {
    // Pictures and texts that became something else are not read again.
    var batch = try split.batch(at: places) { side, rows in
      try features[side]?.items(at: rows) ?? seen(split.items(side: side, at: rows), side: side)
    }
    batch.givenPairs = givenPairs
    for own in targets { batch.targets[own.target.name] = numbers(of: own, at: places) }
    return batch
  }
}

/// What a featurizer made of all items of a modality.
private enum StoredItems {
  case vectors(Tensor)
  case tokens(TokenRows)

  /// - Parameter features: of a range of the items.
  init(count: Int, _ features: (Range<Int>) throws -> Items) throws {
    var blocks: [Tensor] = []
    var rows = TokenRows()
    for start in stride(from: 0, to: count, by: 1024) {
      switch try features(start..<min(start + 1024, count)) {
      case .vectors(let block): blocks.append(block)
      case .tokens(let block, let lengths): rows.append(try block.rows(lengths: lengths))
      case let other:
        throw FeaturizerError.badState(
          featurizer: "of this modality", reason: "it gives \(other.kind.rawValue)")
      }
    }
    self = blocks.isEmpty ? .tokens(rows) : .vectors(try Tensor.concatenated(blocks))
  }

  func items(at places: [Int]) throws -> Items {
    switch self {
    case .vectors(let vectors): .vectors(try vectors.rows(at: places))
    case .tokens(let rows): try rows.items(at: places)
    }
  }

  func items(in range: Range<Int>) throws -> Items {
    if case .vectors(let vectors) = self { return .vectors(try vectors[range]) }
    return try items(at: Array(range))
  }
}

extension Tensor {
  /// Numbers `[n, l]` as a list a row, each up to its length.
  fileprivate func rows(lengths: [Int]) throws -> [[Int]] {
    let width = size(along: 1)
    let values = try values(as: Int.self)
    return lengths.enumerated().map { row, length in Array(values[row * width..<row * width + length]) }
  }
}
