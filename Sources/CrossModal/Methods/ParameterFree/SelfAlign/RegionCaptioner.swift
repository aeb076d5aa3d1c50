import Torch

/// The captioner that VSRN learns beside its ranking (Li et al., ICCV 2019, section 3.4): a recurrent network reads the
/// regions, and another one writes the caption word by word, looking at them. It serves training alone.
///
/// Names as in the authors' program (`encoder`, `decoder`). What its attention makes of the regions is computed once for
/// all words, and scores of words only where a word is asked for.
final class RegionCaptioner: Module {
  private let encoder: Reader
  private let decoder: Writer
  private let dropout: Double

  private final class Reader: Module {
    @Named private(set) var map: Linear
    let rnn: GRU

    init(from inputs: Int, to hidden: Int, using generator: Generator) throws {
      _map = Named(wrappedValue: try Linear(from: inputs, to: hidden, using: generator), "vid2hid")
      rnn = try GRU(from: hidden, to: hidden, using: generator)
    }
  }

  private final class Writer: Module {
    let embedding: Embedding
    let attention: Attention
    let rnn: GRU
    let out: Linear

    init(vocabulary: Int, words: Int, hidden: Int, using generator: Generator) throws {
      embedding = try Embedding(count: vocabulary, size: words, using: generator)
      attention = try Attention(hidden, using: generator)
      rnn = try GRU(from: words + hidden, to: hidden, using: generator)
      out = try Linear(from: hidden, to: vocabulary, using: generator)
    }
  }

  /// Shares of regions: softmax of linear2(tanh(linear1([region; state]))).
  private final class Attention: Module {
    let linear1: Linear
    let linear2: Linear

    init(_ hidden: Int, using generator: Generator) throws {
      linear1 = try Linear(from: 2 * hidden, to: hidden, using: generator)
      linear2 = try Linear(from: hidden, to: 1, bias: false, using: generator)
    }

    /// The parts of linear1 for regions and for the state.
    func parts() throws(TorchError) -> (regions: Tensor, state: Tensor) {
      let halves = try linear1.weight.split(by: linear1.weight.size(along: 0), along: 1)
      return (try halves[0].transposed(), try halves[1].transposed())
    }
  }

  /// - Parameter inputs: width of the regions.
  init(
    from inputs: Int, vocabulary: Int, words: Int, hidden: Int, dropout: Double, using generator: Generator
  ) throws {
    encoder = try Reader(from: inputs, to: hidden, using: generator)
    decoder = try Writer(vocabulary: vocabulary, words: words, hidden: hidden, using: generator)
    self.dropout = dropout
  }

  /// Captions as numbers: what is read, and how much each counts as what is to be written.
  struct Captions {
    /// Numbers of words, those of each caption as many.
    let labels: [[Int]]
    /// Weights beside the labels.
    let weights: [[Double]]

    init(labels: [[Int]], weights: [[Double]]) {
      self.labels = labels
      self.weights = weights
    }

    /// Captions with the mark of their end, cut to `longest` with that mark kept. What follows the end is to be written,
    /// too: padding, once.
    init(_ tokens: [[Int]], longest: Int, padding: Int = 0) {
      let cut = tokens.map { $0.count > longest ? $0.prefix(longest - 1) + $0.suffix(1) : $0[...] }
      let width = min(longest, (cut.map(\.count).max() ?? 0) + 1)
      labels = cut.map { Array($0) + Array(repeating: padding, count: max(0, width - $0.count)) }
      weights = cut.map { caption in (0..<max(width, caption.count)).map { $0 <= caption.count ? 1 : 0 } }
    }
  }

  /// What each caption costs: the negative log-likelihood of its words, summed, `[n]`.
  func losses(_ regions: PaddedRows, _ captions: Captions, _ pass: Pass) throws -> Tensor {
    let device = regions.values.device
    let mapped = try regions.with(packed: encoder.map(regions.packed())).values.dropped(dropout, pass)
    let lengths = regions.isFull ? nil : regions.lengths
    let (read, last) = try encoder.rnn(mapped, lengths: lengths)
    // The last label is read by nobody.
    let steps = max(0, (captions.labels.first?.count ?? 0) - 1)
    let isAsked = captions.weights.map { $0.dropFirst().map { $0 != 0 } }
    let walked = (0..<steps).last { step in isAsked.contains { $0[step] } }.map { $0 + 1 } ?? 0
    guard walked > 0 else { return try last[0].sum(along: 1) * 0 }
    let isPadding = try lengths.map {
      try Tensor.counting($0, below: regions.width, on: device).not().unsqueezed(at: 2)
    }
    let (ofRegions, ofState) = try decoder.attention.parts()
    var known = try read.matmul(ofRegions)
    if let bias = decoder.attention.linear1.bias { known = try known + bias }
    let given = captions.labels.flatMap { $0.prefix(walked) }
    let words = try decoder.embedding(
      Tensor(given, shape: [captions.labels.count, walked]).to(device))
    var state = last
    var states: [Tensor] = []
    for step in 0..<walked {
      let before = try state[0].matmul(ofState).unsqueezed(at: 1)
      var scores = try decoder.attention.linear2((known + before).tanh())
      if let isPadding { scores = try scores.masked(with: isPadding, fill: -.infinity) }
      let context = try scores.softmax(along: 1).transposed(1, 2).matmul(read)
      let input = try Tensor.concatenated([words.narrowed(to: step..<step + 1, along: 1), context], along: 2)
      state = try decoder.rnn(input, state: state).state
      states.append(try state[0])
    }
    return try losses(of: Tensor.stacked(states, along: 1).flattened(to: 1), walked, captions, isAsked)
  }

  /// - Parameter states: before each word of each caption, `[n · walked, hidden]`.
  private func losses(
    of states: Tensor, _ walked: Int, _ captions: Captions, _ isAsked: [[Bool]]
  ) throws -> Tensor {
    var (rows, targets, weights, owners) = ([Int](), [Int](), [Double](), [Int]())
    for (caption, asked) in isAsked.enumerated() {
      for step in 0..<walked where asked[step] {
        rows.append(caption * walked + step)
        targets.append(captions.labels[caption][step + 1])
        weights.append(captions.weights[caption][step + 1])
        owners.append(caption)
      }
    }
    let device = states.device
    let likely = try decoder.out(states.rows(at: Tensor(rows).to(device))).logSoftmax(along: 1)
      .gathered(Tensor(targets).to(device).unsqueezed(at: 1), along: 1).squeezed(at: 1)
    let costs = try -(likely * Tensor(weights).to(likely.dtype).to(device))
    return try Tensor.zeros([captions.labels.count], costs.dtype, on: device)
      .adding(costs, at: Tensor(owners).to(device))
  }
}
