import Torch

/// Keys of earlier pictures, the oldest of which go first (He et al., CVPR 2020, section 3.2).
///
/// Files have them one a column, `[d, k]`, as the released program; in memory they lie one after the other.
struct KeyQueue {
  /// `[k, d]`, one after the other in memory.
  private(set) var keys: Tensor
  /// The row that is written next.
  private(set) var pointer: Int

  /// - Parameters:
  ///   - columns: `[d, k]`.
  ///   - pointer: int64 `[1]`.
  init(columns: Tensor, pointer: Tensor) throws {
    keys = try columns.transposed().contiguous()
    self.pointer = try pointer[0].item(as: Int.self)
  }

  /// Random keys of norm 1, `[d, k]`.
  static func random(_ size: Int, _ count: Int, using generator: Generator) throws -> Tensor {
    try Tensor.normal([size, count], using: generator).normalized(along: 0)
  }

  /// `[d, k]`.
  var columns: Tensor { get throws { try keys.transposed() } }

  /// Writes keys `[n, d]` over the oldest ones, at the end from the start again.
  ///
  /// - Throws: ``ObjectiveError`` for more keys than there is room for.
  mutating func write(_ new: Tensor) throws {
    let (count, room) = (new.size(along: 0), keys.size(along: 0))
    guard count <= room else {
      throw ObjectiveError.badSetting(
        "queue_length", Double(room), expected: "at least the \(count) pictures of a batch")
    }
    guard count > 0 else { return }
    let places = try Tensor((0..<count).map { (pointer + $0) % room }).to(keys.device)
    keys = try keys.replacing(places, with: new.detached().to(keys.dtype))
    pointer = (pointer + count) % room
  }
}
