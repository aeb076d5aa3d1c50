import Testing
import Torch

@Suite("Linear maps of rows")
struct LinearKernelTests {
  @Test(
    "rows come out as by operators in float64, with and without what follows",
    arguments: [[1, 1, 1], [14, 16, 32], [129, 300, 33], [260, 24, 70]], [true, false])
  func values(sizes: [Int], isPlain: Bool) throws {
    let generator = try Generator(seed: 2)
    let (rows, weight) = (
      try Tensor.normal([sizes[0], sizes[1]], using: generator),
      try Tensor.normal([sizes[2], sizes[1]], using: generator)
    )
    let bias = isPlain ? nil : try Tensor.normal([sizes[2]], using: generator)
    let addend = isPlain ? nil : try Tensor.normal([sizes[0], sizes[2]], using: generator)
    var expected = try rows.to(.float64).matmul(weight.to(.float64).transposed())
    if let bias, let addend { expected = try (expected + bias.to(.float64)).relu() + addend.to(.float64) }
    for instructions in KernelInstructions.allCases {
      var kernel = LinearKernel(weight: weight, bias: bias, rectifies: !isPlain)
      kernel.instructions = instructions
      let found = try withoutGradient { try kernel(rows, adding: addend) }
      let error = try (found.to(.float64) - expected).magnitude().max().item()
      #expect(found.shape == expected.shape && error < 1e-5 * Double(sizes[1]).squareRoot())
    }
  }

  @Test(
    "the gradient is that of operators in float64",
    arguments: [[1, 1, 1], [14, 16, 32], [129, 30, 33], [260, 24, 7]],
    [(true, true), (true, false), (false, true)])
  func gradient(sizes: [Int], follows: (rectified: Bool, added: Bool)) throws {
    let generator = try Generator(seed: 5)
    let given = try [[sizes[0], sizes[1]], [sizes[2], sizes[1]], [sizes[2]], [sizes[0], sizes[2]]].map {
      try Tensor.normal($0, using: generator)
    }
    let slopes = try Tensor.normal([sizes[0], sizes[2]], using: generator)
    let exact = try given.map { try $0.to(.float64).requiringGradient() }
    var expected = try exact[0].matmul(exact[1].transposed()) + exact[2]
    if follows.rectified { expected = try expected.relu() }
    if follows.added { expected = try expected + exact[3] }
    try (expected * slopes.to(.float64)).sum().backward()
    for instructions in KernelInstructions.allCases {
      let own = try given.map { try $0.copied().requiringGradient() }
      var kernel = LinearKernel(weight: own[1], bias: own[2], rectifies: follows.rectified)
      kernel.instructions = instructions
      try (kernel(own[0], adding: follows.added ? own[3] : nil) * slopes).sum().backward()
      for (found, wanted) in zip(own, exact).prefix(follows.added ? 4 : 3) {
        let difference = try #require(found.gradient).to(.float64) - #require(wanted.gradient)
        #expect(try difference.magnitude().max().item() < 1e-4)
      }
    }
  }

  @Test("a row does not depend on the others, nor on the threads, and what is no number stays none")
  func rows() throws {
    let generator = try Generator(seed: 3)
    let weight = try Tensor.normal([20, 40], using: generator)
    let rows = try Tensor.normal([300, 40], using: generator)
    let kernel = LinearKernel(weight: weight, bias: nil, rectifies: true)
    let all = try kernel(rows).values(as: Float.self)
    #expect(try kernel(rows[200..<203].contiguous()).values(as: Float.self) == Array(all[4000..<4060]))
    let broken = try kernel(Tensor([Float](repeating: .nan, count: 40), shape: [1, 40])).values(
      as: Float.self)
    #expect(broken.allSatisfy { $0.isNaN })
  }

  @Test("a layer gives the same with and without a gradient, and sizes that do not fit are said")
  func layer() throws {
    let generator = try Generator(seed: 4)
    let layer = try Linear(from: 6, to: 5, using: generator)
    let (x, addend) = (
      try Tensor.normal([2, 3, 6], using: generator), try Tensor.normal([2, 3, 5], using: generator)
    )
    let recorded = try layer.fused(x, rectifies: true, adding: addend)
    let fused = try withoutGradient { try layer.fused(x, rectifies: true, adding: addend) }
    #expect(recorded.requiresGradient && !fused.requiresGradient && fused.shape == [2, 3, 5])
    #expect(try (recorded.detached() - fused).magnitude().max().item() < 1e-6)
    #expect(throws: TorchError.self) {
      try LinearKernel(weight: layer.weight, bias: nil)(addend.reshaped(-1, 5))
    }
  }
}
