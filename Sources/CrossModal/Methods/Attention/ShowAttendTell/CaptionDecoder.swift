import Torch

/// What writes a caption: a long short-term memory that looks at the cells of a picture before every word (section 3.1 of
/// the paper). Its parameters have the names of the widely used PyTorch program where that has them.
final class CaptionDecoder: Module {
  /// Which equations are computed, and how large.
  struct Style: Sendable, Equatable {
    var vocabulary: Int
    /// Numbers of a cell.
    var cellWidth: Int
    var wordDim: Int
    var lstmSize: Int
    var attentionDim: Int
    var initLayers = 1
    var attentionLayers = 1
    var initActivation = ShowAttendTell.Activation.tanh
    var attentionActivation = ShowAttendTell.Activation.tanh
    var gate = ShowAttendTell.Gate.scalar
    var output = ShowAttendTell.Output.deep
    var outputActivation = ShowAttendTell.Activation.none
    /// The number whose vector is read before the first word; nil for a vector of zeros.
    var start: Int?
    var temperature = 1.0
    var dropout = 0.0
  }

  let style: Style
  let embedding: Embedding
  @Named private var initial: [Linear]
  @Named private var firstState: Linear
  @Named private var firstCell: Linear
  let attention: CellAttention
  @Named private var gate: Linear?
  @Named private var memory: GateWeights
  @Named private var stateOut: Linear?
  @Named private var contextOut: Linear?
  @Named private var words: Linear

  init(_ style: Style, using generator: Generator) throws(TorchError) {
    self.style = style
    let (d, m, n) = (style.cellWidth, style.wordDim, style.lstmSize)
    embedding = try Embedding(count: style.vocabulary, size: m, using: generator)
    var hidden: [Linear] = []
    for _ in 1..<max(1, style.initLayers) { hidden.append(try Linear(from: d, to: d, using: generator)) }
    _initial = Named(wrappedValue: hidden, "init_mlp")
    _firstState = Named(wrappedValue: try Linear(from: d, to: n, using: generator), "init_h")
    _firstCell = Named(wrappedValue: try Linear(from: d, to: n, using: generator), "init_c")
    attention = try CellAttention(style, using: generator)
    let gates: Int? = style.gate == .none ? nil : style.gate == .scalar ? 1 : d
    _gate = Named(
      wrappedValue: try gates.map { count throws(TorchError) in
        try Linear(from: n, to: count, using: generator)
      }, "f_beta")
    _memory = Named(wrappedValue: try GateWeights(from: m + d, to: n, using: generator), "decode_step")
    let isDeep = style.output == .deep
    _stateOut = Named(wrappedValue: isDeep ? try Linear(from: n, to: m, using: generator) : nil, "out_h")
    _contextOut = Named(wrappedValue: isDeep ? try Linear(from: d, to: m, using: generator) : nil, "out_z")
    _words = Named(
      wrappedValue: try Linear(from: isDeep ? m : n, to: style.vocabulary, using: generator),
      isDeep ? "out" : "fc")
  }

  // MARK: - Before the first word

  /// The memory between two words, each `[rows, n]`.
  struct State {
    var h: Tensor
    var c: Tensor

    func rows(at places: Tensor) throws(TorchError) -> State {
      State(h: try h.rows(at: places), c: try c.rows(at: places))
    }
  }

  /// Pictures as the decoder looks at them.
  struct View {
    /// `[pictures, cells, d]`.
    let cells: Tensor
    /// What scores are made of, `[pictures, cells, a]`.
    let keys: Tensor
    /// True behind the cells of a picture that has fewer, `[pictures, cells]`; nil where none has.
    let isPadding: Tensor?

    var count: Int { cells.size(along: 0) }

    func rows(at places: [Int]) throws(TorchError) -> View {
      let places = try Tensor(places).to(cells.device)
      return View(
        cells: try cells.rows(at: places), keys: try keys.rows(at: places),
        isPadding: try isPadding?.rows(at: places))
    }

    func first(_ count: Int) throws(TorchError) -> View {
      View(cells: try cells[0..<count], keys: try keys[0..<count], isPadding: try isPadding?[0..<count])
    }
  }

  /// - Parameters:
  ///   - cells: `[n, l, d]`.
  ///   - lengths: cells of each picture, 1 or more; nil where all count.
  func view(of cells: Tensor, lengths: [Int]? = nil) throws -> View {
    let width = cells.size(along: 1)
    let isPadded = lengths?.contains { $0 < width } ?? false
    return View(
      cells: cells, keys: try attention.keys(cells),
      isPadding: isPadded ? try Tensor.counting(lengths ?? [], below: width, on: cells.device).not() : nil)
  }

  /// The memory before the first word, from the mean of the cells.
  func start(_ view: View, _ pass: Pass) throws(TorchError) -> State {
    var x: Tensor
    if let isPadding = view.isPadding {
      let counts = try isPadding.not().to(view.cells.dtype)
      x =
        try (view.cells * counts.unsqueezed(at: 2)).sum(along: 1)
        / counts.sum(along: 1, keepingDimension: true)
    } else {
      x = try view.cells.mean(along: 1)
    }
    for layer in initial { x = try layer(x).relu().dropped(style.dropout, pass) }
    return State(
      h: try style.initActivation(firstState(x)), c: try style.initActivation(firstCell(x)))
  }

  // MARK: - One word

  /// How cells are read.
  enum Reading {
    /// The mean of the cells by their shares.
    case expected
    /// The cell with the largest share, the first among equals.
    case largest
    /// The cell that uniform numbers `[rows]` choose: before it come those whose cumulative share is at most the number.
    /// Rows whose mark is false read the mean.
    case drawn(uniforms: Tensor, isDrawn: Tensor?)
  }

  /// What a step gave, of every row.
  struct Step {
    /// Shares of the cells, `[rows, cells]`, and their logarithms where a cell was drawn.
    let alpha: Tensor
    let logAlpha: Tensor?
    /// The cell that was read, `[rows]`; nil where the mean was.
    let place: Tensor?
    /// `[rows, 1 or d]`; nil without a gate.
    let beta: Tensor?
    /// What was read, after the gate, `[rows, d]`.
    let context: Tensor
    let state: State
  }

  /// Weights as the steps of one walk use them, cut and added once.
  struct Prepared {
    let ofWords: Tensor
    let ofContext: Tensor
    let ofState: Tensor
    let bias: Tensor
  }

  func prepared() throws(TorchError) -> Prepared {
    let m = style.wordDim
    return Prepared(
      ofWords: try memory.inputs.narrowed(to: 0..<m, along: 1).transposed(),
      ofContext: try memory.inputs.narrowed(to: m..<m + style.cellWidth, along: 1).transposed(),
      ofState: try memory.states.transposed(), bias: try memory.inputBias + memory.stateBias)
  }

  /// What words add to the gates, `[rows, 4n]`: all words of a caption at once where they are known.
  ///
  /// - Parameter words: vectors `[rows, m]`.
  func gates(of words: Tensor, _ weights: Prepared) throws(TorchError) -> Tensor {
    try weights.bias.addingProduct(words, weights.ofWords)
  }

  /// Vectors of words, `[rows, m]`.
  ///
  /// - Parameter numbers: int64 `[rows]`; nil before the first word, of so many rows.
  func vectors(of numbers: Tensor?, rows: Int) throws(TorchError) -> Tensor {
    if let numbers { return try embedding(numbers) }
    let table = embedding.weight
    guard let start = style.start else {
      return try Tensor.zeros([rows, style.wordDim], table.dtype, on: table.device)
    }
    return try embedding(Tensor(Array(repeating: start, count: rows)).to(table.device))
  }

  /// One step of every row. Rows are captions of the pictures in their order, of each the same number side by side.
  func step(
    _ gates: Tensor, _ state: State, _ view: View, _ weights: Prepared, _ reading: Reading
  ) throws(TorchError) -> Step {
    let (rows, pictures) = (state.h.size(along: 0), view.count)
    let each = rows / max(1, pictures)
    let energies = try attention.energies(state.h, view, each: each)
    let alpha: Tensor
    var logAlpha: Tensor?
    var place: Tensor?
    var context: Tensor
    func mean(_ alpha: Tensor) throws(TorchError) -> Tensor {
      try alpha.reshaped(pictures, each, -1).matmul(view.cells).reshaped(rows, -1)
    }
    func cells(at place: Tensor) throws(TorchError) -> Tensor {
      let (count, width) = (view.cells.size(along: 1), style.cellWidth)
      let first = try Tensor((0..<pictures).map { $0 * count }).to(place.device).unsqueezed(at: 1)
      let flat = try (place.reshaped(pictures, each) + first).reshaped(-1)
      return try view.cells.reshaped(pictures * count, width).rows(at: flat)
    }
    switch reading {
    case .expected:
      alpha = try energies.softmax(along: 1)
      context = try mean(alpha)
    case .largest:
      alpha = try energies.softmax(along: 1)
      let found = try alpha.firstLargest()
      place = found
      context = try cells(at: found)
    case .drawn(let uniforms, let isDrawn):
      let logs = try energies.logSoftmax(along: 1)
      logAlpha = logs
      alpha = try logs.exp()
      let most = try view.isPadding.map { isPadding throws(TorchError) in
        try (isPadding.not().sum(along: 1) - 1).to(.int64).unsqueezed(at: 1).expanded(to: [pictures, each])
          .reshaped(-1)
      }
      let found = try withoutGradient { () throws(TorchError) in
        try alpha.drawn(by: uniforms, atMost: most)
      }
      place = found
      context = try cells(at: found)
      if let isDrawn { context = try context.chosen(where: isDrawn, otherwise: mean(alpha)) }
    }
    var beta: Tensor?
    if let gate {
      let own = try gate(state.h).sigmoid()
      beta = own
      context = try own * context
    }
    let sum = try gates.addingProduct(state.h, weights.ofState).addingProduct(context, weights.ofContext)
    let parts = try sum.split(by: style.lstmSize, along: 1)
    let c = try parts[1].sigmoid() * state.c + parts[0].sigmoid() * parts[2].tanh()
    let h = try parts[3].sigmoid() * c.tanh()
    return Step(
      alpha: alpha, logAlpha: logAlpha, place: place, beta: beta, context: context, state: State(h: h, c: c))
  }

  /// Scores of all words, `[rows, k]`, from states, what was read, and the words before.
  func logits(_ h: Tensor, context: Tensor, words previous: Tensor, _ pass: Pass) throws(TorchError) -> Tensor
  {
    let h = try h.dropped(style.dropout, pass)
    guard let stateOut, let contextOut else { return try words(h) }
    let y = try style.outputActivation(previous + stateOut(h) + contextOut(context))
    return try words(y.dropped(style.dropout, pass))
  }
}

/// Scores of cells by what was said so far (eq. 4 and 5 of the paper).
final class CellAttention: Module {
  @Named private var ofCells: Linear
  @Named private var deeper: [Linear]
  @Named private var ofState: Linear
  @Named private var score: Linear
  private let style: CaptionDecoder.Style

  init(_ style: CaptionDecoder.Style, using generator: Generator) throws(TorchError) {
    self.style = style
    let a = style.attentionDim
    _ofCells = Named(wrappedValue: try Linear(from: style.cellWidth, to: a, using: generator), "encoder_att")
    var more: [Linear] = []
    for _ in 1..<max(1, style.attentionLayers) { more.append(try Linear(from: a, to: a, using: generator)) }
    _deeper = Named(wrappedValue: more, "encoder_mlp")
    _ofState = Named(wrappedValue: try Linear(from: style.lstmSize, to: a, using: generator), "decoder_att")
    _score = Named(wrappedValue: try Linear(from: a, to: 1, using: generator), "full_att")
  }

  /// What does not change from word to word, `[n, l, a]`.
  func keys(_ cells: Tensor) throws(TorchError) -> Tensor {
    var keys = try ofCells(cells)
    for layer in deeper { keys = try layer(keys).tanh() }
    return keys
  }

  /// Numbers before the score that are in memory at a time where no gradient is wanted: they stay in the cache.
  private static let mostNumbers = 1 << 20

  /// `[rows, l]`, of `each` rows a picture; far below all others behind the cells of a picture.
  func energies(_ h: Tensor, _ view: CaptionDecoder.View, each: Int) throws(TorchError) -> Tensor {
    let (pictures, cells) = (view.count, view.keys.size(along: 1))
    let asked = try ofState(h).reshaped(pictures, each, 1, style.attentionDim)
    let block = max(1, Self.mostNumbers / max(1, each * cells * style.attentionDim))
    var energies: Tensor
    if AdditiveAttentionKernel.fits(asked), let kernel = try kernel {
      energies = try kernel(asked: asked.squeezed(at: 2), keys: view.keys)
    } else if asked.requiresGradient || view.keys.requiresGradient || block >= pictures {
      energies = try scores(view.keys, asked)
    } else {
      var parts: [Tensor] = []
      for start in stride(from: 0, to: pictures, by: block) {
        let own = start..<min(pictures, start + block)
        parts.append(try scores(view.keys[own], asked[own]))
      }
      energies = try Tensor.concatenated(parts)
    }
    if style.temperature != 1 { energies = try energies * style.temperature }
    // A finite number, so that a share of 0 times its logarithm is 0.
    if let isPadding = view.isPadding {
      energies = try energies.masked(with: isPadding.unsqueezed(at: 1), fill: -1e9)
    }
    return try energies.reshaped(pictures * each, cells)
  }

  /// What scores cells without a table of sums; nil for sums as they are.
  private var kernel: AdditiveAttentionKernel? {
    get throws(TorchError) {
      let activation: AdditiveAttentionKernel.Activation? =
        switch style.attentionActivation {
        case .tanh: .tanh
        case .relu: .relu
        case .none: nil
        }
      guard let activation else { return nil }
      return AdditiveAttentionKernel(
        weight: try score.weight.reshaped(-1), bias: try score.bias?.item() ?? 0, activation: activation)
    }
  }

  /// Scores of cells `[n, l, a]` by what is asked `[n, rows, 1, a]`: `[n, rows, l]`.
  private func scores(_ keys: Tensor, _ asked: Tensor) throws(TorchError) -> Tensor {
    try score(style.attentionActivation(keys.unsqueezed(at: 1) + asked)).squeezed(at: 3)
  }
}

/// The weights of a long short-term memory's step, in the order of gates input, forget, cell, output, under the names of
/// PyTorch's `LSTMCell`.
final class GateWeights: Module {
  @Parameter var inputs: Tensor
  @Parameter var states: Tensor
  @Parameter var inputBias: Tensor
  @Parameter var stateBias: Tensor

  init(from inputs: Int, to size: Int, using generator: Generator) throws(TorchError) {
    let bound = 1 / Double(max(1, size)).squareRoot()
    let first = Initializer.uniform(from: -bound, to: bound)
    _inputs = Parameter(wrappedValue: try first([4 * size, inputs], using: generator), "weight_ih")
    _states = Parameter(wrappedValue: try first([4 * size, size], using: generator), "weight_hh")
    _inputBias = Parameter(wrappedValue: try first([4 * size], using: generator), "bias_ih")
    _stateBias = Parameter(wrappedValue: try first([4 * size], using: generator), "bias_hh")
  }
}

extension Tensor {
  /// Where the largest element of each row stands, the first among equals: `[rows]`.
  func firstLargest() throws(TorchError) -> Tensor {
    let isLargest = try self .== max(along: 1, keepingDimension: true)
    let width = size(along: 1)
    let places = try Tensor.range(0..<width).to(device).unsqueezed(at: 0).expanded(to: shape)
    return try places.masked(with: isLargest.not(), fill: Double(width)).min(along: 1)
  }

  /// The places that uniform numbers `[rows]` choose by shares `[rows, n]`.
  ///
  /// - Parameter most: the last place of each row, `[rows]`; nil for that of the shares.
  fileprivate func drawn(by uniforms: Tensor, atMost most: Tensor?) throws(TorchError) -> Tensor {
    let before = try cumulativeSum(along: 1) .<= uniforms.to(dtype).unsqueezed(at: 1)
    let places = try before.to(.int64).sum(along: 1)
    if let most { return try places.minimum(most) }
    return try places.minimum(Tensor(size(along: 1) - 1).to(device))
  }
}
