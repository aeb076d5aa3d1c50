import Testing
import Torch

@testable import CrossModal

@Suite("GRU over words")
struct GRUTextEncoderTests {
  private static let tokens: [[Int]] = [[1, 4, 5, 2], [1, 6, 2, 9], [1, 7, 7, 7], [1, 2, 0, 0]]
  private static let lengths = [4, 3, 4, 2]

  private static func encoder(bidirectional: Bool = false, layers: Int = 1) throws -> GRUTextEncoder {
    try GRUTextEncoder(
      vocabulary: 10, wordSize: 3, size: 5, layers: layers, bidirectional: bidirectional,
      using: Generator(seed: 3))
  }

  private static func numbers() throws -> Tensor {
    try Tensor(tokens.flatMap { $0 }).reshaped(to: [tokens.count, 4])
  }

  @Test("parameters have the official names and first ranges")
  func names() throws {
    let encoder = try Self.encoder(bidirectional: true)
    #expect(
      encoder.state.map(\.name) == [
        "embed.weight", "rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0",
        "rnn.weight_ih_l0_reverse", "rnn.weight_hh_l0_reverse", "rnn.bias_ih_l0_reverse",
        "rnn.bias_hh_l0_reverse",
      ])
    #expect(encoder.state.map(\.tensor.shape).prefix(3) == [[10, 3], [15, 3], [15, 5]])
    for (name, tensor) in encoder.state {
      let bound = name == "embed.weight" ? 0.1 : 1 / 5.0.squareRoot()
      let largest = try tensor.magnitude().max().item()
      #expect(largest <= bound && largest > bound * 0.7, "\(name)")
    }
  }

  @Test("a number that the vocabulary has not is named by its text, whatever the blocks")
  func unknownNumber() throws {
    var numbers = (0..<300).map { [1, 2 + $0 % 7, 0] }
    numbers[280][0] = 50
    let tokens = try Tensor(numbers.flatMap { $0 }).reshaped(300, 3)
    let lengths = (0..<300).map { 3 - $0 % 3 }
    #expect(throws: TextEncoderError.unknownNumber(text: 280, place: 0, number: 50, vocabulary: 10)) {
      try Self.encoder().encode(tokens, lengths: lengths, .last)
    }
  }

  @Test("drawn anew with one seed, the parameters are the same")
  func reset() throws {
    let (a, b) = (try Self.encoder(), try Self.encoder())
    try a.reset(using: Generator(seed: 8))
    #expect(try !a.state[0].tensor.isClose(to: b.state[0].tensor))
    try b.reset(using: Generator(seed: 8))
    for (x, y) in zip(a.state, b.state) { #expect(try x.tensor.isClose(to: y.tensor, absolute: 0)) }
  }

  /// One step after the other by the definition, forward, from one text.
  private func slow(_ encoder: GRUTextEncoder, _ words: [Int], suffix: String) throws -> [Tensor] {
    let state = Dictionary(uniqueKeysWithValues: encoder.state.map { ($0.name, $0.tensor) })
    let weight = { (name: String) throws in
      try #require(state["rnn.\(name)_l0\(suffix)"]).split(by: encoder.size)
    }
    let (wi, wh, bi, bh) = try (
      weight("weight_ih"), weight("weight_hh"), weight("bias_ih"), weight("bias_hh")
    )
    let table = try #require(state["embed.weight"])
    var h = try Tensor.zeros([1, encoder.size])
    return try words.map { word in
      let x = try table.rows(at: [word])
      func part(_ gate: Int) throws -> (x: Tensor, h: Tensor) {
        (
          try x.matmul(wi[gate].transposed()) + bi[gate], try h.matmul(wh[gate].transposed()) + bh[gate]
        )
      }
      let (r, z, n) = (try part(0), try part(1), try part(2))
      let reset = try (r.x + r.h).sigmoid()
      let update = try (z.x + z.h).sigmoid()
      let new = try (n.x + reset * n.h).tanh()
      h = try new + update * (h - new)
      return h
    }
  }

  @Test("outputs are those of the definition; both directions are averaged", arguments: [false, true])
  func definition(bidirectional: Bool) throws {
    let encoder = try Self.encoder(bidirectional: bidirectional)
    let states = try encoder(Self.numbers(), lengths: Self.lengths, .states)
    let last = try encoder(Self.numbers(), lengths: Self.lengths, .last)
    #expect(states.shape == [4, 4, 5])
    for (text, length) in Self.lengths.enumerated() {
      let words = Array(Self.tokens[text].prefix(length))
      let forward = try slow(encoder, words, suffix: "")
      var expected = forward
      var final = forward[length - 1]
      if bidirectional {
        let backward = try Array(slow(encoder, words.reversed(), suffix: "_reverse").reversed())
        expected = try zip(forward, backward).map { try ($0 + $1) / 2 }
        final = try (forward[length - 1] + backward[0]) / 2
      }
      for place in 0..<4 {
        let found = try states[text][place]
        let wanted = place < length ? try expected[place][0] : try Tensor.zeros([5])
        #expect(try found.isClose(to: wanted, absolute: 1e-6))
      }
      #expect(try last[text].isClose(to: final[0], absolute: 1e-6))
    }
  }

  @Test("several layers: the last state is the top layer's at the last word")
  func layers() throws {
    let encoder = try Self.encoder(layers: 2)
    let states = try encoder(Self.numbers(), lengths: Self.lengths, .states)
    let last = try encoder(Self.numbers(), lengths: Self.lengths, .last)
    for (text, length) in Self.lengths.enumerated() {
      #expect(try last[text].isClose(to: states[text][length - 1], absolute: 1e-6))
    }
    let both = try Self.encoder(bidirectional: true, layers: 2)
    #expect(both.state.first { $0.name == "rnn.weight_ih_l1" }?.tensor.shape == [15, 10])
  }

  @Test("padding, order and blocks change nothing; padding gets no gradient")
  func invariance() throws {
    let encoder = try Self.encoder(bidirectional: true)
    let generator = try Generator(seed: 1)
    let count = 600
    let lengths = (0..<count).map { 1 + ($0 * 7) % 12 }
    let tokens = try Tensor.integers(in: 1..<10, [count, 12], using: generator)
    let whole = try encoder(tokens, lengths: lengths, .states)
    let blocks = try encoder.encode(tokens, lengths: lengths, .states)
    #expect(blocks.shape == whole.shape)
    #expect(try blocks.isClose(to: whole, absolute: 1e-6))
    #expect(!blocks.requiresGradient)
    let last = try encoder.encode(tokens, lengths: lengths, .last)
    #expect(try last.isClose(to: encoder(tokens, lengths: lengths, .last), absolute: 1e-6))
    // Other numbers behind the lengths, even such as the vocabulary has not.
    let changed = try encoder(
      Tensor([1, 4, -5, 99]).reshaped(to: [1, 4]), lengths: [2], .states)
    let plain = try encoder(Tensor([1, 4]).reshaped(to: [1, 2]), lengths: [2], .states)
    #expect(try changed.narrowed(to: 0..<2, along: 1).isClose(to: plain, absolute: 0))
    let loss = try encoder(Self.numbers(), lengths: Self.lengths, .states).squared().sum()
    try loss.backward()
    let slope = try #require(encoder.state[0].tensor.gradient)
    #expect(try slope[0].magnitude().max().item() == 0)
    #expect(try slope[9].magnitude().max().item() == 0)
    #expect(try slope[4].magnitude().max().item() > 0)
  }

  @Test("what an encoder cannot take is told with text and place")
  func wrong() throws {
    let encoder = try Self.encoder()
    let numbers = try Self.numbers()
    #expect(
      message { _ = try encoder(numbers, lengths: [4, 0, 1, 1], .last) }
        == "text 1 has 0 words, expected 1 to 4")
    #expect(
      message { _ = try encoder(numbers, lengths: [4, 5, 1, 1], .last) }
        == "text 1 has 5 words, expected 1 to 4")
    #expect(
      message { _ = try encoder(Tensor([1, 10]).reshaped(to: [1, 2]), lengths: [2], .last) }
        == "text 0, place 1: word number 10, expected 0 to 9")
    #expect(
      message { _ = try encoder(numbers, lengths: [4], .last) }
        == "word numbers of shape [4, 4] with 1 lengths, expected whole numbers [n, l] with n lengths")
  }
}
