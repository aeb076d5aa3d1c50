import Foundation
import Testing
import Torch

@testable import CrossModal

/// Work for a process of its own, whose memory is looked at.
private enum MemoryProbe {
  /// Walks 200 MB of float32 in two orders and gives how many bytes of memory that took.
  static func walk() throws -> Int {
    let folder = try TemporaryFolder()
    let (rows, width, block) = (100_000, 512, 1024)
    let writer = try NPYWriter(folder.file("x.npy").path, shape: [rows, width], dtype: .float32)
    let numbers = try Tensor.normal([block, width], using: Generator(seed: 1))
    for start in stride(from: 0, to: rows, by: block) {
      try writer.append(numbers[0..<min(block, rows - start)])
    }
    try writer.finish()
    let yaml = "modalities: { x: { file: x.npy, kind: vector } }\nsplits: { all: \"0:\(rows)\" }\n"
    try folder.write(yaml, to: "dataset.yaml")
    // Whether all are finite is looked at here, before anything is measured against.
    let split = try DataSet(at: folder.path).split("all")
    let before = ProcessMemory.now.anonymous
    var most = before
    var count = 0
    try split.forEachChunk(rows: block) { batch in
      guard case .vectors(let part) = batch.items[0] else { return }
      count += try part.isFinite().sum().item(as: Int.self)
      most = max(most, ProcessMemory.now.anonymous)
    }
    for start in stride(from: 0, to: rows, by: rows / 20) {
      let places = (0..<256).map { (start + $0 * 397) % rows }
      guard case .vectors(let part) = try split.items(side: 0, at: places) else { continue }
      count += part.count
      most = max(most, ProcessMemory.now.anonymous)
    }
    guard before > 0, count == rows * width + 20 * 256 * width else { exit(3) }
    return most - before
  }
}

@Suite("Large arrays")
struct StreamingTests {
  @Test("200 MB are walked, in order and by places, in a fraction of their memory")
  func isBounded() async {
    await #expect(processExitsWith: .success) {
      guard try MemoryProbe.walk() < 32 << 20 else { exit(2) }
    }
  }
}
