/// What recurrent layers share: sizes, weights under PyTorch's names, and the run over layers.
final class Recurrence: Module {
  /// What the layer is made of.
  struct Sizes {
    let inputs: Int
    let hidden: Int
    let layers: Int
    let isBidirectional: Bool
    /// Probability with which what goes from one layer to the next is dropped in training.
    let dropout: Double
    let hasBias: Bool

    var directions: Int { isBidirectional ? 2 : 1 }
  }

  /// libtorch's two operators of a cell: over padded and over packed sequences.
  struct Cell {
    let name: String
    /// Blocks of a weight: 3 for the GRU, 4 for the LSTM.
    let gates: Int
    /// Tensors of a state: h, or h and c.
    let states: Int
    let padded: Operator
    let packed: Operator
  }

  let sizes: Sizes
  let cell: Cell
  /// A layer's and direction's `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`, one layer after the other.
  let weights: [Parameter]

  /// First weights uniform in ±1/√hidden, drawn in PyTorch's order.
  init(
    _ sizes: Sizes, _ cell: Cell, _ dtype: DataType, using generator: Generator
  ) throws(TorchError) {
    self.sizes = sizes
    self.cell = cell
    guard sizes.layers >= 1, sizes.hidden >= 1 else {
      throw TorchError(operation: cell.name, message: "needs at least one layer and one hidden unit")
    }
    let initial = Self.initial(sizes)
    let (rows, overflows) = cell.gates.multipliedReportingOverflow(by: sizes.hidden)
    guard !overflows else {
      throw TorchError(operation: cell.name, message: "cannot have \(sizes.hidden) hidden units")
    }
    var weights: [Parameter] = []
    for layer in 0..<sizes.layers {
      for direction in 0..<sizes.directions {
        let place = "l\(layer)" + (direction == 1 ? "_reverse" : "")
        let below = layer == 0 ? sizes.inputs : sizes.hidden * sizes.directions
        var shapes = [("weight_ih", [rows, below]), ("weight_hh", [rows, sizes.hidden])]
        if sizes.hasBias { shapes += [("bias_ih", [rows]), ("bias_hh", [rows])] }
        for (kind, shape) in shapes {
          let first = try initial(shape, dtype, using: generator)
          weights.append(Parameter(wrappedValue: first, "\(kind)_\(place)"))
        }
      }
    }
    self.weights = weights
  }

  private static func initial(_ sizes: Sizes) -> Initializer {
    let bound = 1 / Double(sizes.hidden).squareRoot()
    return .uniform(from: -bound, to: bound)
  }

  /// Draws first weights anew, in the order of the first time.
  func reset(using generator: Generator) throws(TorchError) {
    for weight in weights {
      let old = weight.wrappedValue
      weight.wrappedValue = try Self.initial(sizes)(old.shape, using: generator).to(old.dtype).to(old.device)
    }
  }

  /// Runs over sequences.
  ///
  /// - Parameters:
  ///   - x: `[n, l, inputs]`.
  ///   - lengths: places that count; all when nil.
  ///   - state: the first state, each `[layers · directions, n, hidden]`; zeros when nil.
  ///   - pass: needed where there is dropout between layers.
  /// - Returns: every place's output `[n, l, directions · hidden]`, zero behind the lengths; the last state of
  ///   each layer and direction.
  func run(
    _ x: Tensor, _ lengths: [Int]?, _ state: [Tensor]?, _ pass: Pass?
  ) throws(TorchError) -> (output: Tensor, state: [Tensor]) {
    guard x.rank == 3, x.size(along: 2) == sizes.inputs else {
      throw TorchError(
        operation: cell.name, shapes: [x.shape], message: "expected sequences [n, l, \(sizes.inputs)]")
    }
    if pass == nil, sizes.dropout > 0, sizes.layers > 1 {
      throw TorchError(operation: cell.name, message: "has dropout between its layers and was given no pass")
    }
    let packed = try lengths.map { lengths throws(TorchError) in try PackedSequence(x, lengths: lengths) }
    var first: [Tensor]
    if let state { first = state } else { first = try zeros(like: x) }
    if let packed {
      first = try first.map { state throws(TorchError) in try state.rows(at: packed.order, along: 1) }
    }
    let (data, last) = try layers(packed?.data ?? x, packed?.batchSizes, first, pass ?? .evaluation)
    guard let packed else { return (data, last) }
    return (
      try packed.padded(data),
      try last.map { state throws(TorchError) in try state.rows(at: packed.inverse, along: 1) }
    )
  }

  /// One call for all layers, or one for each where something is dropped in between.
  private func layers(
    _ data: Tensor, _ batchSizes: Tensor?, _ first: [Tensor], _ pass: Pass
  ) throws(TorchError) -> (Tensor, [Tensor]) {
    guard pass.isTraining, sizes.dropout > 0, sizes.layers > 1 else {
      return try call(data, batchSizes, first, weights.map(\.wrappedValue), layers: sizes.layers)
    }
    var data = data
    var last: [[Tensor]] = Array(repeating: [], count: cell.states)
    let each = weights.count / sizes.layers
    for layer in 0..<sizes.layers {
      if layer > 0 { data = try data.dropped(sizes.dropout, pass) }
      let own = weights[layer * each..<(layer + 1) * each].map(\.wrappedValue)
      let rows = layer * sizes.directions..<(layer + 1) * sizes.directions
      let state = try first.map { state throws(TorchError) in try state[rows] }
      let result = try call(data, batchSizes, state, own, layers: 1)
      data = result.0
      for (i, state) in result.1.enumerated() { last[i].append(state) }
    }
    return (data, try last.map { states throws(TorchError) in try Tensor.concatenated(states) })
  }

  private func call(
    _ data: Tensor, _ batchSizes: Tensor?, _ first: [Tensor], _ weights: [Tensor], layers: Int
  ) throws(TorchError) -> (Tensor, [Tensor]) {
    let state: Value = cell.states == 1 ? .tensor(first[0]) : .tensors(first)
    // Dropout comes from the caller's generator, so libtorch's own is off.
    let settings: [Value] = [
      state, .tensors(weights), .bool(sizes.hasBias), .int(layers), .double(0), .bool(false),
      .bool(sizes.isBidirectional),
    ]
    let results: [Tensor]
    if let batchSizes {
      results = try cell.packed.all([.tensor(data), .tensor(batchSizes)] + settings)
    } else {
      results = try cell.padded.all([.tensor(data)] + settings + [.bool(true)])
    }
    return (results[0], Array(results.dropFirst()))
  }

  private func zeros(like x: Tensor) throws(TorchError) -> [Tensor] {
    let shape = [sizes.layers * sizes.directions, x.size(along: 0), sizes.hidden]
    let zeros = try Tensor.zeros(shape, x.dtype, on: x.device)
    return Array(repeating: zeros, count: cell.states)
  }
}
