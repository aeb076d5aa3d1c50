import Torch

/// Vectors of several items in one table, without padding: those of item 0, then those of item 1, and so on.
public struct PackedRows: Sendable {
  /// `[sum of lengths, d]`.
  public let values: Tensor
  /// How many vectors each item has.
  public let lengths: [Int]
  /// The item of each vector.
  public let owners: [Int]
  /// Where the vectors of each item begin.
  let starts: [Int]

  /// - Throws: ``ObjectiveError`` when there are not as many vectors as the lengths say.
  public init(_ values: Tensor, lengths: [Int]) throws {
    guard values.rank == 2, values.size(along: 0) == lengths.reduce(0, +) else {
      throw ObjectiveError.unequalCounts(
        "vectors", values.size(along: 0), "the items together", lengths.reduce(0, +))
    }
    self.init(of: values, lengths)
  }

  private init(of values: Tensor, _ lengths: [Int]) {
    self.values = values
    self.lengths = lengths
    owners = lengths.enumerated().flatMap { Array(repeating: $0, count: $1) }
    starts = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }.dropLast()
  }

  /// The vectors of padded items `[n, l, d]` whose place counts.
  ///
  /// - Parameter counts: `[n][l]`, in row-major order.
  init(padded values: Tensor, counting counts: [Bool]) throws(TorchError) {
    let (items, width) = (values.size(along: 0), values.size(along: 1))
    let places = counts.indices.filter { counts[$0] }
    let lengths = (0..<items).map { item in counts[item * width..<(item + 1) * width].count { $0 } }
    self.init(of: try values.reshaped(items * width, values.size(along: 2)).rows(at: places), lengths)
  }

  /// The vectors of padded items `[n, l, d]` up to their lengths.
  init(padded values: Tensor, lengths: [Int]) throws(TorchError) {
    let width = values.size(along: 1)
    try self.init(padded: values, counting: lengths.flatMap { length in (0..<width).map { $0 < length } })
  }

  /// The same rows with other values, `[sum of lengths, …]`.
  func with(_ values: Tensor) -> PackedRows { PackedRows(of: values, lengths) }

  /// The mean of the vectors of each item, `[n, d]`; each has one or more.
  func means() throws(TorchError) -> Tensor {
    let sums = try Tensor.zeros([lengths.count, values.size(along: 1)], values.dtype, on: values.device)
      .adding(values, at: Tensor(owners).to(values.device))
    return try sums / Tensor(lengths).to(values.device).to(values.dtype).unsqueezed(at: 1)
  }

  /// The vectors item by item, `[n, l, d]`, zero behind the lengths.
  func padded() throws(TorchError) -> (values: Tensor, lengths: [Int]) {
    let (longest, size) = (max(1, lengths.max() ?? 1), values.size(along: 1))
    let places = lengths.enumerated().flatMap { item, length in (0..<length).map { item * longest + $0 } }
    let flat = try Tensor.zeros([lengths.count * longest, size], values.dtype, on: values.device)
      .adding(values, at: Tensor(places).to(values.device))
    return (try flat.reshaped(lengths.count, longest, size), lengths)
  }
}
