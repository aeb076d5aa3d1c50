import Testing
import Torch

@Suite("Additive attention")
struct AdditiveAttentionKernelTests {
  private func expected(
    _ keys: Tensor, _ asked: Tensor, _ weight: Tensor, _ activation: AdditiveAttentionKernel.Activation
  ) throws -> Tensor {
    let sums = try keys.to(.float64).unsqueezed(at: 1) + asked.to(.float64).unsqueezed(at: 2)
    let active = try activation == .tanh ? sums.tanh() : sums.relu()
    return try (active * weight.to(.float64)).sum(along: 3) + 0.25
  }

  @Test(
    "energies are those of operators in float64, for any number of rows and any width",
    arguments: [[1, 1, 1, 1], [2, 7, 5, 48], [3, 30, 8, 70], [2, 4, 16, 33]],
    [AdditiveAttentionKernel.Activation.tanh, .relu])
  func values(sizes: [Int], activation: AdditiveAttentionKernel.Activation) throws {
    let generator = try Generator(seed: 2)
    let (items, cells, rows, width) = (sizes[0], sizes[1], sizes[2], sizes[3])
    let weight = try Tensor.normal([width], using: generator)
    // Beyond 20 there are no powers to multiply.
    for scale in [1.0, 60.0] {
      let keys = try Tensor.normal([items, cells, width], using: generator) * scale
      let asked = try Tensor.normal([items, rows, width], using: generator) * scale
      let wanted = try expected(keys, asked, weight, activation)
      for instructions in KernelInstructions.allCases {
        var kernel = AdditiveAttentionKernel(weight: weight, bias: 0.25, activation: activation)
        kernel.instructions = instructions
        let found = try kernel(asked: asked, keys: keys)
        let error = try (found.to(.float64) - wanted).magnitude().max().item()
        let size = activation == .tanh ? 1 : scale
        #expect(found.shape == wanted.shape && error < 2e-6 * size * Double(width).squareRoot())
      }
    }
  }

  @Test("an item does not depend on the others, and what is no number stays none")
  func items() throws {
    let generator = try Generator(seed: 3)
    let kernel = AdditiveAttentionKernel(weight: try Tensor.normal([40], using: generator), activation: .tanh)
    let keys = try Tensor.normal([4, 6, 40], using: generator)
    let asked = try Tensor.normal([4, 5, 40], using: generator)
    let all = try kernel(asked: asked, keys: keys).values(as: Float.self)
    let one = try kernel(asked: asked[2..<3], keys: keys[2..<3]).values(as: Float.self)
    #expect(one == Array(all[60..<90]))
    let none = try Tensor(Array(repeating: Float.nan, count: 40), shape: [1, 1, 40])
    #expect(try kernel(asked: none, keys: keys[0..<1]).values(as: Float.self).allSatisfy { $0.isNaN })
    let ends = try kernel(
      asked: Tensor(Array(repeating: Float.infinity, count: 40), shape: [1, 1, 40]), keys: keys[0..<1]
    ).values(as: Float.self)
    let whole = try kernel.weight.sum().item(as: Float.self)
    #expect(ends.allSatisfy { abs($0 - whole) < 1e-4 })
  }

  @Test("sizes and types that do not fit are said")
  func errors() throws {
    let generator = try Generator(seed: 4)
    let kernel = AdditiveAttentionKernel(weight: try Tensor.normal([4], using: generator), activation: .relu)
    let (keys, asked) = (try Tensor.zeros([2, 3, 4]), try Tensor.zeros([2, 1, 4]))
    #expect(throws: TorchError.self) { try kernel(asked: asked[0..<1], keys: keys) }
    #expect(throws: TorchError.self) { try kernel(asked: Tensor.zeros([2, 1, 5]), keys: keys) }
    #expect(throws: TorchError.self) { try kernel(asked: asked.to(.float64), keys: keys.to(.float64)) }
    #expect(try kernel(asked: Tensor.zeros([2, 0, 4]), keys: keys).shape == [2, 0, 3])
  }
}
