import CrossModal
import Foundation
import Testing
import Torch

/// Work for a process of its own, whose peak of memory is looked at.
private enum MemoryProbe {
  static func check<Loss: PairLoss>(_ loss: Loss, _ rows: Int) throws {
    let generator = try Generator(seed: 1)
    let x = try Tensor.normal([rows, 32], using: generator).requiringGradient()
    let y = try Tensor.normal([rows, 32], using: generator).requiringGradient()
    let total = try PairObjective(loss, chunk: 128)(x, y, Matches(pairs: rows)).total
    let slopes = try Tensor.gradients(of: [total], by: [x, y])
    guard try slopes.allSatisfy({ try $0?.isFinite().all() ?? false }) else { exit(3) }
  }

  static func checkAll(_ rows: Int) throws {
    try check(ContrastiveLoss(), rows)
    try check(SoftmaxContrast(logScale: Tensor(Float(2))), rows)
    try check(SigmoidContrast(logScale: Tensor(Float(2)), bias: Tensor(Float(-10))), rows)
  }
}

@Suite("Pair objectives: memory")
struct PairObjectiveMemoryTests {
  @Test(
    "4,096 against 4,096 in blocks takes a fraction of the memory that the whole would, in value and gradient"
  )
  func isBounded() async {
    await #expect(processExitsWith: .success) {
      // The matrix is 64 MB in float32, and an undivided loss holds some fifty of its size with the graph and gradients.
      try MemoryProbe.checkAll(256)
      ProcessMemory.resetPeak()
      let before = ProcessMemory.now.resident
      try MemoryProbe.checkAll(4096)
      let after = ProcessMemory.now.peak
      guard before > 0, after > before, after - before < 320 << 20 else { exit(2) }
    }
  }
}
