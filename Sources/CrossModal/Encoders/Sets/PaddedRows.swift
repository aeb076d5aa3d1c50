import Torch

/// Vectors of several items, those of each beside each other and padded to the longest: fragments on their way through a
/// network.
public struct PaddedRows: Sendable {
  /// `[n, l, d]`; what is behind an item's length means nothing.
  public let values: Tensor
  /// How many vectors each item has, `0...l`.
  public let lengths: [Int]

  public init(_ values: Tensor, lengths: [Int]) {
    self.values = values
    self.lengths = lengths
  }

  /// Number of items.
  public var count: Int { lengths.count }
  /// Places of each item, padding included.
  var width: Int { values.size(along: 1) }
  /// Whether there is no padding.
  var isFull: Bool { lengths.allSatisfy { $0 == width } }

  /// Rows that count among all rows, item after item.
  var places: [Int] {
    lengths.enumerated().flatMap { item, length in (0..<length).map { item * width + $0 } }
  }

  /// The vectors that count in one table, item after item, `[sum of lengths, d]`.
  public func packed() throws(TorchError) -> Tensor {
    let flat = try values.flattened(to: 1)
    return isFull ? flat : try flat.rows(at: Tensor(places).to(values.device))
  }

  /// Other vectors in the same places, zero behind the lengths.
  ///
  /// - Parameter packed: item after item, `[sum of lengths, d]`.
  public func with(packed rows: Tensor) throws(TorchError) -> PaddedRows {
    let shape = [count, width, rows.size(along: 1)]
    guard !isFull else { return PaddedRows(try rows.reshaped(to: shape), lengths: lengths) }
    let empty = try Tensor.zeros([count * width, shape[2]], rows.dtype, on: rows.device)
    let spread = try empty.adding(rows, at: Tensor(places).to(rows.device))
    return PaddedRows(try spread.reshaped(to: shape), lengths: lengths)
  }

  /// The same items with other vectors, `[n, l, d]`.
  public func with(_ values: Tensor) -> PaddedRows { PaddedRows(values, lengths: lengths) }

  /// The mean of the vectors of each item, `[n, d]`; 0 for one that has none.
  public func means() throws(TorchError) -> Tensor {
    isFull && width > 0 ? try values.mean(along: 1) : try values.meanOfFirst(lengths)
  }

  /// The same with zeros behind the lengths.
  func cleared() throws(TorchError) -> PaddedRows {
    guard !isFull else { return self }
    let counts = try Tensor.counting(lengths, below: width, on: values.device).not()
    return with(try values.masked(with: counts.unsqueezed(at: 2), fill: 0))
  }

  /// Weights of the packed vectors with which a sum over them is the mean over items of the mean over each item's.
  public var meanWeights: [Double] {
    lengths.flatMap { length in [Double](repeating: 1 / Double(length * count), count: length) }
  }

  /// The item of each packed vector.
  public var owners: [Int] { lengths.enumerated().flatMap { [Int](repeating: $0, count: $1) } }
}

extension Tensor {
  /// Every vector along a dimension divided by its norm, or by 1e-8 where that is smaller. A vector of zeros stays one,
  /// and no gradient flows there, where that of a division would be 10⁸.
  func unit(along dimension: Int) throws(TorchError) -> Tensor {
    let norm = try norm(along: dimension, keepingDimension: true)
    let factor = try norm.clamped(from: 1e-8).reciprocal()
    return try self * factor.chosen(where: norm .> 0, otherwise: norm.detached().zerosLike())
  }
}
