import Torch

/// A walk of the decoder over captions that are known: every step reads the word that people wrote before.
///
/// Only captions that go on take part in a step, the longest first; what came out stands one step after the other.
struct CaptionWalk {
  /// The caption of each row, and its word.
  let rows: [Int]
  let places: [Int]
  /// Number of captions.
  let count: Int
  /// The longest caption.
  let longest: Int
  /// Before the first word, by caption, `[n, size]`.
  let start: CaptionDecoder.State
  /// Shares of the cells, `[rows, cells]`; logarithms and the cells that were read where they were drawn.
  let alpha: Tensor
  let logAlpha: Tensor?
  let cell: Tensor?
  let beta: Tensor?
  let context: Tensor
  let h: Tensor
  let c: Tensor
  let logits: Tensor
  /// The words that people wrote, `[rows]`.
  let words: Tensor
  /// Padding of the cells of each caption, `[n, cells]`.
  let isPadding: Tensor?

  /// Numbers that decide which cells are read.
  struct Draws {
    /// From 0 to below 1, `[n, longest]`.
    let uniforms: Tensor
    /// Whether a caption reads cells that are drawn, rather than the mean.
    let isDrawn: [Bool]
  }

  /// - Parameters:
  ///   - captions: numbers of words, one or more each; the last is the mark of the end.
  ///   - view: a picture for each.
  ///   - draws: nil reads the mean of the cells.
  init(
    of captions: [[Int]], _ view: CaptionDecoder.View, by decoder: CaptionDecoder, _ pass: Pass,
    draws: Draws? = nil
  ) throws {
    let lengths = captions.map(\.count)
    guard captions.count == view.count, let longest = lengths.max(), lengths.allSatisfy({ $0 > 0 }) else {
      throw TorchError(
        operation: "caption", message: "\(captions.count) captions of \(view.count) pictures, some empty")
    }
    let order = lengths.indices.sorted { (-lengths[$0], $0) < (-lengths[$1], $1) }
    let live = (0..<longest).map { step in lengths.count { $0 > step } }
    rows = live.flatMap { order.prefix($0) }
    places = live.enumerated().flatMap { step, count in Array(repeating: step, count: count) }
    (count, self.longest) = (captions.count, longest)
    isPadding = view.isPadding
    let device = view.cells.device
    words = try Tensor(zip(rows, places).map { captions[$0][$1] }).to(device)

    // What is known of all steps is computed at once.
    let weights = try decoder.prepared()
    let known = zip(rows, places).filter { $1 > 0 }.map { captions[$0][$1 - 1] }
    let first = try decoder.vectors(of: nil, rows: live[0])
    let previous =
      try known.isEmpty
      ? first
      : Tensor.concatenated([first, decoder.vectors(of: Tensor(known).to(device), rows: known.count)])
    let gates = try decoder.gates(of: previous, weights).split(into: live)

    let isOrdered = order == Array(order.indices)
    var view = isOrdered ? view : try view.rows(at: order)
    var state = try decoder.start(view, pass)
    start = isOrdered ? state : try state.rows(at: Tensor(Self.inverse(of: order)).to(device))
    let uniforms = try draws.map { draws in
      try draws.uniforms.rows(at: order).to(device)
    }
    let isDrawn = try draws.map { draws in try Tensor(order.map { draws.isDrawn[$0] }).to(device) }
    var steps: [CaptionDecoder.Step] = []
    for (place, count) in live.enumerated() {
      if count < view.count {
        view = try view.first(count)
        state = CaptionDecoder.State(h: try state.h[0..<count], c: try state.c[0..<count])
      }
      var reading = CaptionDecoder.Reading.expected
      if let uniforms, let isDrawn {
        reading = .drawn(
          uniforms: try uniforms[0..<count].selected(place, along: 1),
          isDrawn: draws?.isDrawn.contains(false) == true
            ? try isDrawn[0..<count].unsqueezed(at: 1) : nil)
      }
      let step = try decoder.step(gates[place], state, view, weights, reading)
      state = step.state
      steps.append(step)
    }
    func joined(_ parts: [Tensor?]) throws -> Tensor? {
      let parts = parts.compactMap(\.self)
      return parts.isEmpty ? nil : try Tensor.concatenated(parts)
    }
    alpha = try Tensor.concatenated(steps.map(\.alpha))
    logAlpha = try joined(steps.map(\.logAlpha))
    cell = try joined(steps.map(\.place))
    beta = try joined(steps.map(\.beta))
    context = try Tensor.concatenated(steps.map(\.context))
    h = try Tensor.concatenated(steps.map(\.state.h))
    c = try Tensor.concatenated(steps.map(\.state.c))
    logits = try decoder.logits(h, context: context, words: previous, pass)
  }

  private static func inverse(of order: [Int]) -> [Int] {
    var places = order
    for (place, row) in order.enumerated() { places[row] = place }
    return places
  }

  /// -log of the probability of every word, `[rows]`.
  func wordLosses() throws -> Tensor {
    try -logits.logSoftmax(along: 1).gathered(words.unsqueezed(at: 1), along: 1).squeezed(at: 1)
  }

  /// What stands in the rows by caption and step, `[n, longest, …]`, a number where there is no step.
  ///
  /// - Parameter width: steps, as many as the longest caption has or more.
  func padded(_ values: Tensor, width: Int? = nil, with filling: Double = 0) throws -> Tensor {
    let width = width ?? longest
    let rest = Array(values.shape.dropFirst())
    let flat = zip(rows, places).map { $0 * width + $1 }
    return try Tensor.full([count * width] + rest, filling, values.dtype, on: values.device)
      .replacing(Tensor(flat).to(values.device), with: values).reshaped(to: [count, width] + rest)
  }

  /// Sums over the steps of each caption, `[n, …]`.
  func sums(_ values: Tensor) throws -> Tensor {
    try Tensor.zeros([count] + values.shape.dropFirst(), values.dtype, on: values.device)
      .adding(values, at: Tensor(rows).to(values.device))
  }
}
