/// Sequences of different lengths end to end, without their padding: what recurrent kernels run over.
struct PackedSequence {
  /// The places of all sequences, time by time, `[sum of lengths, size]`.
  var data: Tensor
  /// How many sequences reach each time, int64 on the cpu.
  let batchSizes: Tensor
  /// Rows of the batch from the longest to the shortest, and the way back.
  let order: Tensor
  let inverse: Tensor
  private let width: Int

  /// - Parameters:
  ///   - x: padded sequences, `[n, l, size]`.
  ///   - lengths: places of each that count, `1...l`.
  init(_ x: Tensor, lengths: [Int]) throws(TorchError) {
    let shape = x.shape
    guard shape.count == 3 else {
      throw TorchError(
        operation: "recurrent layer", shapes: [shape], message: "expected sequences [n, l, size]")
    }
    guard lengths.count == shape[0] else {
      throw TorchError(
        operation: "recurrent layer", shapes: [shape],
        message: "\(lengths.count) lengths for \(shape[0]) sequences")
    }
    if let wrong = lengths.firstIndex(where: { !(1...max(1, shape[1])).contains($0) }) {
      throw TorchError(
        operation: "recurrent layer", shapes: [shape],
        message: "sequence \(wrong) has length \(lengths[wrong]), expected 1 to \(shape[1])")
    }
    let rows = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
    var back = rows
    for (place, row) in rows.enumerated() { back[row] = place }
    order = try Tensor(rows).to(x.device)
    inverse = try Tensor(back).to(x.device)
    width = shape[1]
    let packed = try Op.pack.all(
      .tensor(x.rows(at: order)), .tensor(Tensor(rows.map { lengths[$0] })), .bool(true))
    (data, batchSizes) = (packed[0], packed[1])
  }

  /// Sequences as they were, padded with zeros behind.
  func padded(_ data: Tensor) throws(TorchError) -> Tensor {
    try Op.unpack.all(
      .tensor(data), .tensor(batchSizes), .bool(true), .double(0), .int(width))[0].rows(at: inverse)
  }

  private enum Op {
    static let pack = Operator("_pack_padded_sequence")
    static let unpack = Operator("_pad_packed_sequence")
  }
}
