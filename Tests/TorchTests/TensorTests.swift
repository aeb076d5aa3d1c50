import Foundation
import Testing
import Torch

@Suite("Tensor")
struct TensorTests {
  @Test("elements go in and come out, whatever the type")
  func roundTrip() throws {
    #expect(try Tensor([1, 2, 3] as [Int32]).values(as: Int32.self) == [1, 2, 3])
    #expect(try Tensor([1.5, 2.5], shape: [2, 1]).shape == [2, 1])
    #expect(try Tensor([true, false]).values(as: Bool.self) == [true, false])
    #expect(try Tensor([1.5] as [Float]).to(.float64).values(as: Double.self) == [1.5])
    #expect(try Tensor(7).item(as: Int.self) == 7)
    #expect(throws: TorchError.self) { try Tensor([1.0, 2.0], shape: [3]) }
  }

  @Test("arithmetic broadcasts, and numbers stand on either side")
  func arithmetic() throws {
    let x = try Tensor([1.0, 2, 3, 4], shape: [2, 2])
    let row = try Tensor([10.0, 20])
    #expect(try (x + row).values() == [11.0, 22, 13, 24])
    #expect(try (1 - x).values() == [0.0, -1, -2, -3])
    #expect(try (12 / x).values() == [12.0, 6, 4, 3])
    #expect(try x.matmul(x).values() == [7.0, 10, 15, 22])
    #expect(try x.mean(along: 0).values() == [2.0, 3])
    #expect(try x.sum(along: 0, 1).item() == 10.0)
  }

  @Test("parts are found by position, range, list and mask")
  func indexing() throws {
    let x = try Tensor.range(0..<12).reshaped(3, 4)
    #expect(try x[1].values() == [4, 5, 6, 7])
    #expect(try x[1..<3].shape == [2, 4])
    #expect(try x.rows(at: [2, 0]).values() == [8, 9, 10, 11, 0, 1, 2, 3])
    #expect(try x.rows(at: [3], along: 1).values() == [3, 7, 11])
    #expect(try x.elements(where: x .> 9).values() == [10, 11])
    #expect(try x.elements(at: nil, Tensor([1])).values() == [1, 5, 9])
    let top = try x.to(.float64).top(2, along: 1)
    #expect(try top.indices.values() == [3, 2, 3, 2, 3, 2])
    #expect(throws: TorchError.self) { try x[3] }
  }

  @Test("a refused operation names itself, the shapes and the reason")
  func errors() throws {
    let a = try Tensor.zeros([8, 8])
    let b = try Tensor.zeros([3, 5])
    let error = try #require(throws: TorchError.self) { try a.matmul(b) }
    #expect(error.operation == "matmul")
    #expect(error.shapes == [[8, 8], [3, 5]])
    #expect(error.message.contains("8x8 and 3x5"))
    #expect(!error.message.contains("\n"))
    #expect(throws: TorchError.self) { try Device(named: "toaster") }
    #expect(throws: TorchError.self) { try Device(named: "cuda:99") }
  }

  @Test("decompositions rebuild their matrix in float64")
  func linearAlgebra() throws {
    let generator = try Generator(seed: 3)
    let x = try Tensor.normal([6, 4], .float64, using: generator)
    let (u, s, vt) = try x.svd()
    #expect(try (u * s).matmul(vt).isClose(to: x, absolute: 1e-12))
    let gram = try x.transposed().matmul(x)
    let (values, vectors) = try gram.symmetricEigen()
    #expect(try (vectors * values).matmul(vectors.transposed()).isClose(to: gram, absolute: 1e-12))
    let l = try gram.cholesky()
    #expect(try l.matmul(l.transposed()).isClose(to: gram, absolute: 1e-12))
    #expect(throws: TorchError.self) { try (-gram).cholesky() }
  }

  @Test("an empty tensor has no bytes, and that is no error")
  func noBytes() throws {
    for shape in [[0], [3, 0], [0, 2]] {
      #expect(try Tensor.zeros(shape).withUnsafeBytes { $0.count } == 0)
    }
  }

  @Test("a seed fixes the numbers, a restored state continues them")
  func random() throws {
    let generator = try Generator(seed: 11)
    let first = try Tensor.normal([5], using: generator).values(as: Float.self)
    let state = try generator.state
    let second = try Tensor.uniform([5], using: generator).values(as: Float.self)
    try generator.restore(state)
    #expect(try Tensor.uniform([5], using: generator).values(as: Float.self) == second)
    #expect(try Tensor.normal([5], using: Generator(seed: 11)).values(as: Float.self) == first)
    #expect(
      try Tensor.permutation(9, using: generator).values(as: Int.self).sorted() == Array(0..<9))
  }

  @Test("gradients are those of calculus; without a graph there are none")
  func autograd() throws {
    let x = try Tensor([1.0, 2, 3]).requiringGradient()
    try (x * x).sum().backward()
    #expect(try x.gradient?.values() == [2.0, 4, 6])
    let y = try withoutGradient { try x * 2 }
    #expect(!y.requiresGradient)
    let second = try Tensor.gradients(of: [x.power(3).sum()], by: [x, Tensor([1.0]).requiringGradient()])
    #expect(try second[0]?.values() == [3.0, 12, 27])
    #expect(second[1] == nil)
    #expect(throws: TorchError.self) { try x.backward() }
  }

  @Test("nothing is left alive when its last user is gone")
  func liveCount() async {
    // In a process of its own, where no other test makes tensors.
    await #expect(processExitsWith: .success) {
      let before = Tensor.liveCount
      do {
        let x = try Tensor.zeros([4, 4]).requiringGradient()
        for _ in 0..<50 { try x.matmul(x).split(by: 2).first?.sum().backward() }
        _ = try? x.matmul(Tensor.zeros([3]))
      }
      guard Tensor.liveCount == before else { exit(EXIT_FAILURE) }
    }
  }

  @Test("memory that is shared lives as long as the tensor, and no longer")
  func sharedMemory() throws {
    weak var owner: Owner?
    do {
      let tensor = try {
        let made = Owner()
        owner = made
        return try Tensor(
          sharing: UnsafeRawBufferPointer(made.memory), owner: made, shape: [2], dtype: .float64)
      }()
      #expect(owner != nil)
      #expect(try (tensor + 1).values() == [1.0, 1])
    }
    #expect(owner == nil)
  }
}

private final class Owner {
  let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
  init() { memory.initializeMemory(as: UInt8.self, repeating: 0) }
  deinit { memory.deallocate() }
}
