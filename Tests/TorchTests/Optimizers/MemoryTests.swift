import Foundation
import Testing
import Torch

@Suite("Memory")
struct MemoryTests {
  @Test("10,000 steps of a small network leave the number of tensors and the memory as they were")
  func steps() async {
    await #expect(processExitsWith: .success) {
      try Runtime.setThreads(1)
      let generator = try Generator(seed: 1)
      let network = try Sequential {
        try Linear(from: 16, to: 32, using: generator)
        try BatchNorm(32)
        Activation(.relu)
        Dropout(0.2)
        try Linear(from: 32, to: 4, using: generator)
      }
      let parameters = network.parameters
      let optimizer = Adam(parameters, weightDecay: 0.01, isDecoupled: true)
      let average = try MovingAverage(of: network.stateEntries, decay: 0.99)
      let (x, y) = (
        try Tensor.normal([64, 16], using: generator), try Tensor.normal([64, 4], using: generator)
      )
      var counts: [Int] = []
      var sizes: [Int] = []
      var loss = 0.0
      for step in 1...10_000 {
        try parameters.clearGradients()
        let error = try (network(x, .training(generator)) - y).squared().mean()
        try error.backward()
        try parameters.clipGradients(to: 1)
        try optimizer.step(learningRate: 1e-3)
        try average.update()
        loss = try error.item()
        // The first steps still fill libtorch's and the allocator's own stores.
        if step.isMultiple(of: 1000) {
          counts.append(Tensor.liveCount)
          // Not all that is resident: the system takes pages of libraries away and brings them back as it likes.
          sizes.append(ProcessMemory.now.anonymous)
        }
      }
      #expect(loss.isFinite)
      #expect(Set(counts).count == 1, "\(counts)")
      // A leak of a single 8-byte number a step would be 72 kB; of the smallest tensor, 2 MB.
      #expect(sizes[0] > 0 && sizes[9] - sizes[0] < 1 << 20, "\(sizes)")
    }
  }
}
