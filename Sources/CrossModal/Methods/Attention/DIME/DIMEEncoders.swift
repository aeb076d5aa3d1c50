import Torch

/// A vector of the whole item and vectors of its parts, all of length 1.
struct WholeAndParts {
  /// `[n, d]`.
  var whole: Tensor
  /// `[n, l, d]`; what is behind the lengths means nothing.
  var parts: Tensor
  var lengths: [Int]
}

/// Region features through one linear map, and their mean: the image encoder of DIME (Qu et al., SIGIR 2021), with the
/// names of its authors' program.
final class DIMEImageEncoder: Module {
  private let fc: Linear
  /// Of the means; in the authors' checkpoints of both directions, and used only where words are refined.
  private let bn: BatchNorm
  private let normalizesBatch: Bool

  init(from inputs: Int, to size: Int, normalizesBatch: Bool, using generator: Generator) throws {
    fc = try Linear(
      weight: Initializer.xavierUniform()([size, inputs], using: generator), bias: Tensor.zeros([size]))
    bn = try BatchNorm(size)
    self.normalizesBatch = normalizesBatch
  }

  /// - Parameter regions: `[n, r, inputs]`, none of the sets empty.
  func callAsFunction(_ regions: Tensor, lengths: [Int], _ pass: Pass) throws -> WholeAndParts {
    let mapped = try fc(regions.to(fc.weight.dtype))
    let mean = try mapped.meanOfFirst(lengths)
    // One image has no deviation.
    let pass = lengths.count > 1 || pass.group != nil ? pass : .evaluation
    let whole = normalizesBatch ? try bn(mean, pass) : mean
    return WholeAndParts(
      whole: try whole.normalized(along: 1), parts: try mapped.normalized(along: 2), lengths: lengths)
  }
}

/// What DIME reads texts by.
protocol DIMETextEncoder: Module {
  /// - Parameters:
  ///   - tokens: numbers `[n, l]` of words or pieces.
  ///   - lengths: of each text, `1...l`.
  /// - Returns: sentence and words; and a fixed vector of each text of length 1, by which sentences are alike.
  func callAsFunction(_ tokens: Tensor, lengths: [Int]) throws -> (text: WholeAndParts, label: Tensor)
}

/// A BERT that stays as it is, and convolutions over one, two and three of its states: the text encoder of DIME, with the
/// names of its authors' program.
///
/// Texts are padded to `width` pieces, and as in that program nothing but BERT's own attention knows of the padding.
final class DIMEBERTEncoder: DIMETextEncoder {
  let bert: BERT
  private let fc: Linear
  private let convs1: [WindowMap]
  private let mapping: Linear
  private let width: Int
  /// Whether padding is left out of what comes of the states.
  private let masksPadding: Bool

  init(
    _ configuration: BERT.Configuration, to size: Int, kernels: [Int] = [1, 2, 3], width: Int,
    masksPadding: Bool, using generator: Generator
  ) throws {
    bert = try BERT(configuration, using: generator)
    for entry in bert.parameters { try entry.freeze() }
    let hidden = configuration.hiddenSize
    fc = try Linear(from: hidden, to: size, using: generator)
    convs1 = try kernels.map { try WindowMap(from: hidden, to: size, kernel: $0, using: generator) }
    mapping = try Linear(from: kernels.count * size, to: size, using: generator)
    self.width = width
    self.masksPadding = masksPadding
  }

  func callAsFunction(_ tokens: Tensor, lengths: [Int]) throws -> (text: WholeAndParts, label: Tensor) {
    let known = try checkedTokens(tokens, lengths: lengths, vocabulary: bert.configuration.vocabSize)
    let longest = lengths.max() ?? 0
    guard longest <= width else { throw TextEncoderError.tooLong(width: longest, limit: width) }
    let cut = try known.narrowed(to: 0..<min(width, known.size(along: 1)), along: 1)
    let padded = try cut.padded([0, width - cut.size(along: 1)])
    let mask = try Tensor.counting(lengths, below: width, on: padded.device)
    let states = try withoutGradient { try bert(padded, mask: mask).states }
    return try text(ofStates: states, lengths: lengths)
  }

  /// - Parameter states: of BERT, `[n, width, hidden]`.
  func text(ofStates states: Tensor, lengths: [Int]) throws -> (text: WholeAndParts, label: Tensor) {
    let isPadding = try Tensor.counting(lengths, below: states.size(along: 1), on: states.device).not()
      .unsqueezed(at: 2)
    let counted = masksPadding ? try states.masked(with: isPadding, fill: 0) : states
    func mean(_ rows: Tensor) throws -> Tensor {
      masksPadding ? try rows.meanOfFirst(lengths) : try rows.mean(along: 1)
    }
    let direct = try fc(counted)
    let windows = try convs1.map { try $0(counted).relu() }
    let largest = try windows.map { window in
      try (masksPadding ? window.masked(with: isPadding, fill: -.infinity) : window).maximum(along: 1).values
    }
    let whole = try mapping(Tensor.concatenated(largest, along: 1)) + mean(direct)
    let parts = try mapping(Tensor.concatenated(windows, along: 2)) + direct
    let all = masksPadding ? lengths : [Int](repeating: states.size(along: 1), count: lengths.count)
    return (
      WholeAndParts(
        whole: try whole.normalized(along: 1), parts: try parts.normalized(along: 2), lengths: all),
      try mean(states).normalized(along: 1).detached()
    )
  }
}

/// A window over the states of a text, with the name and shape of a convolution over pictures of one channel.
final class WindowMap: Module {
  /// `[outputs, 1, kernel, inputs]`.
  @Parameter private var weight: Tensor
  @Parameter private var bias: Tensor

  init(from inputs: Int, to outputs: Int, kernel: Int, using generator: Generator) throws {
    let shape = [outputs, 1, kernel, inputs]
    weight = try Initializer.standard(shape, using: generator)
    bias = try Initializer.standardBias(beside: shape)([outputs], using: generator)
  }

  /// - Parameter states: `[n, l, inputs]`; of zeros around them one less before than behind where their number is odd.
  /// - Returns: `[n, l, outputs]`.
  func callAsFunction(_ states: Tensor) throws(TorchError) -> Tensor {
    let kernel = weight.size(along: 2)
    let padded = try states.padded([0, 0, (kernel - 1) / 2, kernel / 2]).transposed(1, 2)
    return try padded.convolved(weight.squeezed(at: 1).transposed(1, 2), bias: bias).transposed(1, 2)
  }
}

/// A recurrent network over words in place of a BERT: the words' states, and their mean.
final class DIMEWordEncoder: DIMETextEncoder {
  @Named private var words: GRUTextEncoder

  init(vocabulary: Int, wordSize: Int, to size: Int, using generator: Generator) throws {
    _words = Named(
      wrappedValue: try GRUTextEncoder(
        vocabulary: vocabulary, wordSize: wordSize, size: size, bidirectional: true, using: generator), "")
  }

  func callAsFunction(_ tokens: Tensor, lengths: [Int]) throws -> (text: WholeAndParts, label: Tensor) {
    let states = try words(tokens, lengths: lengths, .states)
    // Texts are alike by the words that they share.
    let counts = try Tensor.counting(lengths, below: tokens.size(along: 1), on: states.device)
    let numbers = try tokens.to(.int64).masked(with: counts.not(), fill: 0)
    let text = try Tensor.range(0..<lengths.count, on: numbers.device).unsqueezed(at: 1)
    let places = try (text * Tensor(words.vocabulary).to(numbers.device) + numbers).flattened()
    let bags = try Tensor.zeros([lengths.count * words.vocabulary], states.dtype, on: states.device)
      .adding(counts.to(states.dtype).flattened(), at: places).reshaped(lengths.count, -1)
    return (
      WholeAndParts(
        whole: try states.meanOfFirst(lengths).normalized(along: 1), parts: try states.normalized(along: 2),
        lengths: lengths), try bags.normalized(along: 1)
    )
  }
}
