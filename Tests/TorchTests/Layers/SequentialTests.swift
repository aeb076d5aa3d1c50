import Testing
import Torch

@Suite("Sequential")
struct SequentialTests {
  @Test("layers are numbered as in PyTorch, and a file of Python's fits")
  func names() throws {
    let generator = try Generator(seed: 1)
    let network = try Sequential {
      try Linear(from: 3, to: 2, using: generator)
      try BatchNorm(2)
      Activation(.relu)
    }
    #expect(
      network.state.map(\.name) == [
        "0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
        "1.num_batches_tracked",
      ])
    let file = try SafeTensors.read(Recorded.path("weights.safetensors"))
    try network.load(file.tensors, from: "weights.safetensors")
    #expect(try network.state[6].tensor.item(as: Int.self) == 0)
    #expect(try network(Tensor.ones([4, 3]), .training(generator)).shape == [4, 2])
    #expect(try network.state[6].tensor.item(as: Int.self) == 1)
    // What came from the file is as it was: training moved its own copy.
    #expect(try file["1.running_mean"]?.values() == [Float(0), 0])
  }
}
