import Torch

/// What makes one vector of a question; the two of SAN (Yang et al., CVPR 2016, section 3.2).
protocol QuestionEncoder: Module {
  /// `[vocabulary, E]`; row 0 is padding and counts as zero.
  var embed: Embedding { get }
  /// Width of the vectors.
  var size: Int { get }
  /// - Parameters:
  ///   - tokens: word numbers `[n, t]`, 0 behind the lengths.
  ///   - lengths: words of each question, `1...t`.
  /// - Returns: `[n, size]`.
  func callAsFunction(_ tokens: Tensor, lengths: [Int]) throws -> Tensor
}

extension QuestionEncoder {
  /// Vectors of words `[n, t, E]`, zero for padding.
  fileprivate func words(_ tokens: Tensor) throws -> Tensor {
    let vectors = try embed(tokens)
    return try vectors * (tokens .!= 0).to(vectors.dtype).unsqueezed(at: 2)
  }
}

/// The last state of a long short-term memory over the words (eq. 3-8): `embed.*`, `lstm.*`.
final class LSTMQuestionEncoder: QuestionEncoder {
  let embed: Embedding
  @Named private var cell: any LastState
  let size: Int
  private let reverses: Bool

  /// - Parameters:
  ///   - hasOutputTanh: the state is o tanh(c); without, o c as the released program has it.
  ///   - reverses: questions are read from their last word to the first.
  init(
    vocabulary: Int, wordSize: Int, to size: Int, hasOutputTanh: Bool, reverses: Bool,
    using generator: Generator
  ) throws {
    self.size = size
    self.reverses = reverses
    embed = try Embedding(count: vocabulary, size: wordSize, padding: 0, using: generator)
    let cell: any LastState =
      hasOutputTanh
      ? try LSTM(from: wordSize, to: size, using: generator)
      : try OpenLSTM(from: wordSize, to: size, using: generator)
    _cell = Named(wrappedValue: cell, "lstm")
  }

  func callAsFunction(_ tokens: Tensor, lengths: [Int]) throws -> Tensor {
    let read = reverses ? try tokens.reversedInside(lengths) : tokens
    return try cell.last(words(read), lengths: lengths)
  }
}

extension Tensor {
  /// Each row `[n, t]` backwards inside its own length.
  func reversedInside(_ lengths: [Int]) throws(TorchError) -> Tensor {
    let width = size(along: 1)
    let places = lengths.flatMap { length in (0..<width).map { $0 < length ? length - 1 - $0 : $0 } }
    return try gathered(Tensor(places, shape: [lengths.count, width]).to(device), along: 1)
  }
}

/// A recurrent layer of which the state at the last word is wanted.
private protocol LastState: Module {
  /// - Parameter x: `[n, t, inputs]`.
  /// - Returns: `[n, hidden]`.
  func last(_ x: Tensor, lengths: [Int]) throws(TorchError) -> Tensor
}

extension LSTM: LastState {
  fileprivate func last(_ x: Tensor, lengths: [Int]) throws(TorchError) -> Tensor {
    try self(x, lengths: lengths).state[0]
  }
}

/// The recurrence of SAN's released program: h = o c in place of o tanh(c), and this h is fed back.
///
/// Names and layout of weights as PyTorch's `LSTM`.
private final class OpenLSTM: LastState {
  @Parameter var inputWeight: Tensor
  @Parameter var stateWeight: Tensor
  @Parameter var inputBias: Tensor
  @Parameter var stateBias: Tensor

  init(from inputs: Int, to hidden: Int, using generator: Generator) throws(TorchError) {
    let bound = 1 / Double(hidden).squareRoot()
    func first(_ shape: [Int]) throws(TorchError) -> Tensor {
      try Initializer.uniform(from: -bound, to: bound)(shape, using: generator)
    }
    _inputWeight = Parameter(wrappedValue: try first([4 * hidden, inputs]), "weight_ih_l0")
    _stateWeight = Parameter(wrappedValue: try first([4 * hidden, hidden]), "weight_hh_l0")
    _inputBias = Parameter(wrappedValue: try first([4 * hidden]), "bias_ih_l0")
    _stateBias = Parameter(wrappedValue: try first([4 * hidden]), "bias_hh_l0")
  }

  func last(_ x: Tensor, lengths: [Int]) throws(TorchError) -> Tensor {
    let (count, size) = (x.size(along: 0), stateWeight.size(along: 1))
    let inputs = try x.matmul(inputWeight.transposed()) + (inputBias + stateBias)
    let isWord = try Tensor.counting(lengths, below: x.size(along: 1), on: x.device)
    var (state, cell) = (
      try Tensor.zeros([count, size], x.dtype, on: x.device),
      try Tensor.zeros([count, size], x.dtype, on: x.device)
    )
    for place in 0..<x.size(along: 1) {
      let gates = try (inputs.selected(place, along: 1) + state.matmul(stateWeight.transposed()))
        .split(by: size, along: 1)
      let next = try gates[1].sigmoid() * cell + gates[0].sigmoid() * gates[2].tanh()
      let own = try isWord.selected(place, along: 1).unsqueezed(at: 1)
      cell = try next.chosen(where: own, otherwise: cell)
      state = try (gates[3].sigmoid() * next).chosen(where: own, otherwise: state)
    }
    return state
  }
}

/// Windows of one, two and three words, each kind through its own map and tanh, the largest over the question, one
/// behind the other (eq. 9-13): `embed.*`, `conv1.*`, `conv2.*`, `conv3.*`.
final class WindowQuestionEncoder: QuestionEncoder {
  let embed: Embedding
  let conv1: Conv1d
  let conv2: Conv1d
  let conv3: Conv1d
  let size: Int
  /// Whether windows reach over the padding of the batch, as in the released program: a question's vector then depends
  /// on the longest one beside it.
  private let coversPadding: Bool

  /// - Parameter filters: outputs of each of the three kinds of windows.
  init(
    vocabulary: Int, wordSize: Int, filters: [Int], coversPadding: Bool, using generator: Generator
  ) throws {
    size = filters.reduce(0, +)
    self.coversPadding = coversPadding
    embed = try Embedding(count: vocabulary, size: wordSize, padding: 0, using: generator)
    conv1 = try Conv1d(from: wordSize, to: filters[0], kernel: 1, using: generator)
    conv2 = try Conv1d(from: wordSize, to: filters[1], kernel: 2, using: generator)
    conv3 = try Conv1d(from: wordSize, to: filters[2], kernel: 3, using: generator)
  }

  func callAsFunction(_ tokens: Tensor, lengths: [Int]) throws -> Tensor {
    var x = try words(tokens)
    let longest = x.size(along: 1)
    let widest = 3
    if longest < widest {
      guard !coversPadding else {
        throw MethodError.unsuitable(
          method: SAN.description.name,
          reason:
            "windows of three words over the whole batch (variant official) need a question of 3 words or "
            + "more; the longest has \(longest)")
      }
      x = try x.padded([0, 0, 0, widest - longest])
    }
    return try Tensor.concatenated(
      [conv1, conv2, conv3].enumerated().map { try largest(of: x, lengths, $1, window: $0 + 1) }, along: 1)
  }

  /// tanh grows with its argument, so the largest is taken before.
  private func largest(
    of x: Tensor, _ lengths: [Int], _ layer: Conv1d, window: Int
  ) throws(TorchError) -> Tensor {
    let places = x.size(along: 1) - window + 1
    // One product for all windows: rows of `window` words one after the other.
    let shifted = try (0..<window).map { start throws(TorchError) in
      try x.narrowed(to: start..<start + places, along: 1)
    }
    let rows = window == 1 ? x : try Tensor.concatenated(shifted, along: 2)
    let weight = try layer.weight.permuted(2, 1, 0).reshaped(-1, layer.weight.size(along: 0))
    var found = try rows.matmul(weight)
    if !coversPadding {
      let counts = lengths.map { max($0, window) - window + 1 }
      let isInside = try Tensor.counting(counts, below: places, on: x.device).unsqueezed(at: 2)
      found = try found.masked(with: isInside.not(), fill: -.infinity)
    }
    let best = try found.maximum(along: 1).values
    return try (layer.bias.map { bias throws(TorchError) in try best + bias } ?? best).tanh()
  }
}
