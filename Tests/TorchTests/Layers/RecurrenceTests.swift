import Testing
import Torch

@Suite("Recurrent layers")
struct RecurrenceTests {
  @Test("what lies behind a sequence's length has no influence, and its output is zero")
  func padding() throws {
    let generator = try Generator(seed: 1)
    let gru = try GRU(from: 3, to: 4, layers: 2, bidirectional: true, using: generator)
    let x = try Tensor.normal([2, 5, 3], using: generator)
    let other = try Tensor.concatenated([
      x[0..<1],
      Tensor.concatenated([x[1..<2].narrowed(to: 0..<2, along: 1), Tensor.full([1, 3, 3], 99)], along: 1),
    ])
    let (a, b) = (try gru(x, lengths: [5, 2]), try gru(other, lengths: [5, 2]))
    #expect(try a.output.values(as: Float.self) == b.output.values(as: Float.self))
    #expect(try a.state.values(as: Float.self) == b.state.values(as: Float.self))
    #expect(try a.output[1].narrowed(to: 2..<5, along: 0).magnitude().max().item() == 0)
    // Alone it is the same sequence.
    let alone = try gru(x[1..<2].narrowed(to: 0..<2, along: 1)).state
    #expect(try a.state.narrowed(to: 1..<2, along: 1).isClose(to: alone, absolute: 1e-6))
  }

  @Test("lengths and shapes that do not fit are refused in plain words")
  func refusals() throws {
    let generator = try Generator(seed: 1)
    let lstm = try LSTM(from: 3, to: 4, layers: 2, dropout: 0.5, using: generator)
    let x = try Tensor.zeros([2, 5, 3])
    for lengths in [[5], [5, 0], [6, 1]] {
      #expect(throws: TorchError.self) { _ = try lstm(x, lengths: lengths, .evaluation) }
    }
    #expect(throws: TorchError.self) { _ = try lstm(Tensor.zeros([2, 5, 4]), .evaluation) }
    let error = #expect(throws: TorchError.self) { _ = try lstm(x) }
    #expect(error?.message.contains("pass") == true)
  }

  @Test("dropout between layers comes from the generator, and is off in evaluation")
  func dropout() throws {
    let lstm = try LSTM(from: 3, to: 8, layers: 2, dropout: 0.5, using: Generator(seed: 1))
    let x = try Tensor.normal([2, 5, 3], using: Generator(seed: 2))
    let run = { (seed: UInt64) in
      try lstm(x, lengths: [5, 3], .training(Generator(seed: seed))).output.values(as: Float.self)
    }
    #expect(try run(3) == run(3))
    #expect(try run(3) != run(4))
    let plain = try LSTM(from: 3, to: 8, layers: 2, using: Generator(seed: 1))
    #expect(try lstm(x, .evaluation).output.values(as: Float.self) == plain(x).output.values(as: Float.self))
  }
}
