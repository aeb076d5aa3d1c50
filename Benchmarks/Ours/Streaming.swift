import CrossModal
import Foundation
import Torch

/// A data set of 1,000,000 rows of 512 float32 numbers, walked from the disk or the page cache a block at a time.
/// NumPy walks the same file through a memory map.
enum Streaming {
  private static let rows = 1_000_000
  private static let width = 512
  private static let block = 8192

  /// Two gigabytes, written a block at a time.
  static func write(to folder: URL) throws {
    let writer = try NPYWriter(
      folder.appending(path: "stream.npy").path, shape: [rows, width], dtype: .float32)
    let numbers = try Tensor.normal([block, width], using: Generator(seed: 3))
    for start in stride(from: 0, to: rows, by: block) {
      let part = try numbers[0..<min(block, rows - start)]
      try writer.append(part * (1 + Double(start) / Double(rows)))
    }
    try writer.finish()
    try Data(
      """
      name: stream
      modalities: { x: { file: stream.npy, kind: vector } }
      splits: { train: "0:\(rows)" }
      """.utf8
    ).write(to: folder.appending(path: "stream.dataset.yaml"))
  }

  static func measure(in folder: URL) throws {
    let path = folder.appending(path: "stream.dataset.yaml").path
    let before = ProcessMemory.now.anonymous
    var most = before
    var sum = 0.0
    var chunks = 0
    let start = processSeconds()
    let split = try DataSet(at: path, checksNumbers: false).split("train")
    try split.forEachChunk(rows: block) { batch in
      guard case .vectors(let rows) = batch.items[0] else { return }
      sum += try rows.max().item(as: Double.self)
      chunks += 1
      // Now and then: to ask the system costs as much as a chunk.
      if chunks.isMultiple(of: 16) { most = max(most, ProcessMemory.now.anonymous) }
    }
    // Pages of the file itself belong to the page cache, which the system takes back when it needs them.
    report(
      "2 GB from disk, 8192 rows at a time", seconds: processSeconds() - start, check: sum,
      megabytes: Double(most - before) / 1e6)
  }
}
