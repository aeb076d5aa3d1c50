import Torch

/// The vectors of the last batches with their ids, as more items to compare a batch with (Wang et al.,
/// "Cross-Batch Memory for Embedding Learning", CVPR 2020). An exact ring: the oldest rows go first.
///
/// Remembered vectors have no gradient. Write the present batch first, then compare it with ``rows``; what is a
/// row of the batch itself is told by its number, not by its similarity, so exact duplicates stay pairs.
public struct CrossBatchMemory: Sendable {
  /// `[capacity, d]`; rows that were never written are 0.
  public private(set) var storage: Tensor
  /// int64 `[capacity]`: ids of the rows.
  public private(set) var ids: Tensor
  /// int64 scalar: how many rows were written since the start.
  public private(set) var written: Int

  /// - Throws: ``ObjectiveError`` when the capacity is below 1.
  public init(capacity: Int, size: Int, dtype: DataType = .float32, on device: Device = .cpu) throws {
    guard capacity >= 1 else {
      throw ObjectiveError.badSetting("memory size", Double(capacity), expected: "1 or more rows")
    }
    storage = try Tensor.zeros([capacity, size], dtype, on: device)
    ids = try Tensor.zeros([capacity], .int64, on: device)
    written = 0
  }

  /// The state of a memory that was saved.
  public init(storage: Tensor, ids: Tensor, written: Int) {
    self.storage = storage
    self.ids = ids
    self.written = written
  }

  /// Rows that there is place for.
  public var capacity: Int { storage.size(along: 0) }
  /// Rows that are filled: the first so many of the storage.
  public var count: Int { Swift.min(written, capacity) }

  /// Writes a batch over the oldest rows.
  ///
  /// - Parameters:
  ///   - rows: `[n, d]` with n at most the capacity; they are kept without their graph.
  ///   - ids: int64 `[n]`.
  /// - Throws: ``ObjectiveError`` when the batch is larger than the memory.
  public mutating func append(_ rows: Tensor, ids newIDs: Tensor) throws {
    let number = rows.size(along: 0)
    guard number <= capacity else {
      throw ObjectiveError.badSetting(
        "memory size", Double(capacity), expected: "at least the \(number) rows of a batch")
    }
    let slots = try Tensor((0..<number).map { (written + $0) % capacity }).to(storage.device)
    storage = try storage.replacing(slots, with: rows.detached().to(storage.dtype))
    ids = try ids.replacing(slots, with: newIDs)
    written += number
  }

  /// The filled rows, `[count, d]`.
  public func rows() throws(TorchError) -> Tensor { try storage[0..<count] }

  /// What of the batch that was written last matches what is remembered; each row's own copy is left out.
  ///
  /// - Parameter batchIDs: int64 `[n]`, ids of that batch.
  public func matches(of batchIDs: Tensor) throws(TorchError) -> Matches {
    let number = batchIDs.size(along: 0)
    let first = written - number
    let numbers = try Tensor.range(first..<written, on: batchIDs.device)
    // Slot s holds the row with the largest number congruent to s that has been written.
    let held = (0..<count).map { slot in slot + (written - 1 - slot) / capacity * capacity }
    return Matches(
      ids: batchIDs, try ids[0..<count], identities: (numbers, try Tensor(held).to(batchIDs.device)))
  }
}
