import Testing
import Torch

@Suite("First weights")
struct FirstWeightsTests {
  /// Another draw differs by far more; the last digits of a float32 normal draw depend on the processor, for which
  /// libtorch chooses among approximations of the logarithm and the cosine.
  private let tolerance = 1e-5

  @Test("a seed gives the weights that it gives in PyTorch")
  func layers() throws {
    let recorded = try Recorded("first_weights")
    let makers: [(String, (Generator) throws -> any Module)] = [
      ("linear", { try Linear(from: 4, to: 3, using: $0) }),
      ("conv2d", { try Conv2d(from: 3, to: 4, kernel: 3, using: $0) }),
      ("conv1d", { try Conv1d(from: 4, to: 6, kernel: 3, groups: 2, using: $0) }),
      ("embedding", { try Embedding(count: 6, size: 3, padding: 2, using: $0) }),
      ("gru", { try GRU(from: 3, to: 4, layers: 2, bidirectional: true, using: $0) }),
      ("lstm", { try LSTM(from: 3, to: 4, using: $0) }),
      ("attention", { try MultiheadAttention(size: 6, heads: 3, using: $0) }),
    ]
    for (name, make) in makers {
      let module = try make(Generator(seed: 7))
      #expect(module.state.map(\.name).sorted() == recorded.all(below: name).map(\.name))
      for (parameter, tensor) in module.state {
        try recorded.expect(tensor, equals: "\(name)/\(parameter)", to: tolerance)
      }
    }
  }

  @Test("initialisers draw PyTorch's numbers")
  func initializers() throws {
    let recorded = try Recorded("first_weights")
    let all: [(String, Initializer)] = [
      ("xavier_uniform", .xavierUniform()),
      ("kaiming_uniform", .kaimingUniform(slope: 0.1, keeping: .outputs)),
      ("kaiming_normal", .kaimingNormal()),
      ("normal", .normal(mean: 1, deviation: 2)), ("uniform", .uniform(from: -2, to: 3)),
    ]
    for (name, initializer) in all {
      let drawn = try initializer([5, 4, 3], using: Generator(seed: 7))
      try recorded.expect(drawn, equals: "init/\(name)", to: tolerance)
    }
    #expect(throws: TorchError.self) { try Initializer.xavierUniform()([3], using: Generator(seed: 1)) }
  }

  @Test("dropout drops what PyTorch drops, and nothing in evaluation")
  func dropout() throws {
    let recorded = try Recorded("first_weights")
    let x = try Tensor((1...40).map(Float.init))
    let dropped = try Dropout(0.3)(x, .training(Generator(seed: 7)))
    try recorded.expect(dropped, equals: "dropout", to: tolerance)
    #expect(try Dropout(0.3)(x, .evaluation).values(as: Float.self) == x.values(as: Float.self))
  }
}
